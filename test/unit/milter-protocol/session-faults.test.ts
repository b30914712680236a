import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  ACCEPT,
  BACKLOG_OCTETS_MAX,
  BACKLOG_PAUSE_OCTETS,
  CONTINUE,
  LATER,
  PACKET_OCTETS_MAX,
  REPLY_BATCH_OCTETS,
  type Response,
} from "milter-protocol";
import { command, MODERN_OFFER } from "../../support/mta-codec.ts";
import type { Script } from "../../support/recording-handler.ts";
import { SessionBench } from "../../support/session-bench.ts";

const OFFER = command.negotiate(MODERN_OFFER);
const CLIENT = command.connect({ hostname: "h.test", family: "inet", port: 25, address: "192.0.2.1" });
const MAIL = command.mail("<a@b.test>");
const RCPT = command.rcpt("<c@d.test>");

function inMessage(script: Script): SessionBench {
  const bench = new SessionBench(script).feed(OFFER, CLIENT, MAIL);
  bench.takeReplies();
  bench.takeCalls();
  return bench;
}

describe("MilterSession, answers that come later", () => {
  it("reads on only when the answer is there, and answers the rest in the same write", () => {
    const bench = new SessionBench({ mail: () => LATER }).feed(OFFER, CLIENT);
    bench.takeKinds();
    bench.feed(MAIL, RCPT, RCPT);
    assert.deepEqual(bench.takeKinds(), []);
    assert.equal(bench.session.waiting, true);
    assert.equal(bench.takeCalls().at(-1), "mail <a@b.test>");
    bench.session.resume(CONTINUE);
    assert.equal(bench.writes.length, 1);
    assert.deepEqual(bench.takeKinds(), ["continue", "continue", "continue"]);
    assert.equal(bench.session.waiting, false);
  });

  it("takes edits with the answer at end of message", () => {
    const bench = inMessage({ endOfMessage: () => LATER });
    bench.feed(command.endOfMessage());
    bench.session.resume({ edits: [{ kind: "quarantine", reason: "q" }], response: ACCEPT });
    assert.deepEqual(bench.takeKinds(), ["quarantine", "accept"]);
  });

  it("takes a bare verdict at end of message too", () => {
    const bench = inMessage({ endOfMessage: () => LATER });
    bench.feed(command.endOfMessage());
    bench.session.resume(ACCEPT);
    assert.deepEqual(bench.takeKinds(), ["accept"]);
  });

  it("waits at a stage that is not answered, and then says nothing", () => {
    const bench = new SessionBench({
      connect: () => LATER,
      needs: {
        edits: new Set(),
        wants: new Set(["connect"]),
        answers: new Set(),
        rejectedRecipients: false,
        macros: {},
      },
    }).feed(OFFER, CLIENT, MAIL);
    assert.deepEqual(bench.takeKinds(), ["negotiation"]);
    bench.session.resume(CONTINUE);
    assert.deepEqual(bench.takeKinds(), ["continue"]);
  });

  it("takes an answer inside the call that is to be answered for a fault of the handler", () => {
    const bench: SessionBench = new SessionBench({
      mail: () => {
        bench.session.resume(ACCEPT);
        return LATER;
      },
    });
    bench.feed(OFFER, CLIENT, MAIL);
    assert.deepEqual(bench.takeKinds(), ["negotiation", "continue", "tempfail"]);
    assert.equal(bench.session.waiting, false);
    assert.match(String(bench.errors[0]), /before the handler has returned/);
  });

  it("ignores and reports an answer that nobody waits for", () => {
    const bench = inMessage({});
    bench.session.resume(ACCEPT);
    assert.deepEqual(bench.takeKinds(), []);
    assert.match(String(bench.errors[0]), /without an outstanding answer/);
    assert.equal(bench.session.state, "mail");
  });

  it("ignores an answer that comes after the end", () => {
    const bench = new SessionBench({ mail: () => LATER }).feed(OFFER, CLIENT, MAIL);
    bench.takeKinds();
    bench.session.end();
    bench.session.resume(ACCEPT);
    assert.deepEqual(bench.takeKinds(), []);
    assert.deepEqual(bench.errors, []);
    assert.equal(bench.takeCalls().at(-1), "close");
  });

  it("asks for a pause when the MTA runs ahead, and closes where it does not stop", () => {
    const bench = new SessionBench({ mail: () => LATER }).feed(OFFER, CLIENT, MAIL);
    assert.equal(bench.session.blocked, false);
    bench.feed(command.body(Buffer.alloc(BACKLOG_PAUSE_OCTETS)));
    assert.equal(bench.session.blocked, true);
    for (let sent = 0; sent < BACKLOG_OCTETS_MAX; sent += 60_000)
      bench.feed(command.body(Buffer.alloc(60_000)));
    assert.equal(bench.code, "backlog-too-long");
    assert.equal(bench.closed, 1);
    assert.equal(bench.takeCalls().at(-1), "close");
  });

  it("takes a chunk of many packets that is longer than the backlog may be", () => {
    const bench = inMessage({});
    const bodies = Array.from({ length: 4 }, () => command.body(Buffer.alloc(PACKET_OCTETS_MAX - 1)));
    bench.feed(...bodies);
    assert.deepEqual(bench.takeKinds(), ["continue", "continue", "continue", "continue"]);
    assert.deepEqual(bench.errors, []);
  });
});

describe("MilterSession, backpressure", () => {
  it("stops answering when the MTA does not read, and goes on when it does", () => {
    const long: Response = { kind: "reply", code: "550", enhanced: "5.7.1", lines: ["x".repeat(400)] };
    const bench = inMessage({ rcpt: () => long });
    bench.accepts = false;
    bench.feed(...Array.from({ length: 2000 }, () => RCPT));
    assert.equal(bench.session.blocked, true);
    const written = bench.writes.reduce((sum, bytes) => sum + bytes.length, 0);
    assert.ok(written >= REPLY_BATCH_OCTETS && written < REPLY_BATCH_OCTETS + 1000, `${written}`);
    bench.accepts = true;
    bench.session.drained();
    assert.equal(bench.session.blocked, false);
    assert.equal(bench.takeKinds().length, 2000);
  });
});

describe("MilterSession, handlers that throw", () => {
  const boom = (): never => {
    throw new Error("boom");
  };

  it("fails the message when MAIL throws, and takes the next", () => {
    let first = true;
    const bench = new SessionBench({ mail: () => (first ? ((first = false), boom()) : CONTINUE) });
    bench.feed(OFFER, CLIENT, MAIL, RCPT, MAIL, RCPT);
    assert.deepEqual(bench.takeKinds().slice(2), ["tempfail", "tempfail", "continue", "continue"]);
    assert.equal(bench.errors.length, 1);
    assert.deepEqual(bench.takeCalls().slice(2), [
      "mail <a@b.test>",
      "abort",
      "mail <a@b.test>",
      "rcpt <c@d.test>",
    ]);
  });

  it("fails the whole message when RCPT throws", () => {
    const bench = inMessage({ rcpt: boom });
    bench.feed(RCPT, RCPT, command.data(), command.endOfMessage(), MAIL);
    assert.deepEqual(bench.takeKinds(), ["tempfail", "tempfail", "tempfail", "tempfail", "continue"]);
    assert.equal(bench.errors.length, 1);
  });

  it("fails the message at its end when a header that is not answered throws", () => {
    const bench = new SessionBench({
      header: boom,
      needs: {
        edits: new Set(),
        wants: new Set(["header"]),
        answers: new Set(),
        rejectedRecipients: false,
        macros: {},
      },
    }).feed(OFFER, MAIL, command.header("A", "b"), command.header("A", "b"), command.endOfMessage());
    assert.deepEqual(bench.takeKinds(), ["negotiation", "continue", "tempfail"]);
    assert.equal(bench.errors.length, 1);
  });

  it("fails the message when end of message throws", () => {
    const bench = inMessage({ endOfMessage: boom });
    bench.feed(command.endOfMessage(), MAIL);
    assert.deepEqual(bench.takeKinds(), ["tempfail", "continue"]);
    assert.deepEqual(bench.takeCalls(), ["endOfMessage", "abort", "mail <a@b.test>"]);
  });

  for (const stage of ["connect", "helo"] as const) {
    it(`fails the connection when ${stage} throws`, () => {
      const bench = new SessionBench({ [stage]: boom }).feed(OFFER, CLIENT, command.helo("h"), MAIL, MAIL);
      assert.deepEqual(bench.takeKinds().slice(-2), ["tempfail", "tempfail"]);
      assert.equal(bench.errors.length, 1);
      assert.equal(bench.session.state, "decided");
    });
  }

  it("closes when the handler cannot say what it needs, or cannot forget a message", () => {
    const mute = new SessionBench({
      get needs(): never {
        return boom();
      },
    }).feed(OFFER);
    assert.equal(mute.closed, 1);
    const stuck = inMessage({ abort: boom }).feed(command.abort());
    assert.equal(stuck.closed, 1);
    assert.equal(stuck.errors.length, 1);
  });

  it("closes when a handler throws and cannot forget the message either", () => {
    const bench = inMessage({ rcpt: boom, abort: boom }).feed(RCPT);
    assert.equal(bench.closed, 1);
    assert.equal(bench.errors.length, 2);
    assert.deepEqual(bench.takeKinds(), ["tempfail"]);
  });

  it("reports an error of close and closes all the same", () => {
    const bench = inMessage({ close: boom }).feed(command.quit());
    assert.equal(bench.closed, 1);
    assert.match(String(bench.errors[0]), /boom/);
  });

  it("says tempfail for a reply or an edit that cannot be encoded", () => {
    const wrong: Response = { kind: "reply", code: "250", enhanced: "2.0.0", lines: ["ok"] };
    const refused = new SessionBench({ mail: () => wrong }).feed(OFFER, CLIENT, MAIL);
    assert.deepEqual(refused.takeKinds().at(-1), "tempfail");
    assert.ok(refused.errors[0] instanceof RangeError);
    const edited = inMessage({
      endOfMessage: () => ({
        edits: [{ kind: "insertHeader", index: -1, name: "A", value: "b" }],
        response: CONTINUE,
      }),
    }).feed(command.endOfMessage());
    assert.deepEqual(edited.takeKinds(), ["tempfail"]);
    assert.equal(edited.session.state, "connected");
  });

  it("survives a handler that ends the session from inside a call", () => {
    const bench: SessionBench = new SessionBench({
      mail: () => {
        bench.session.end();
        return LATER;
      },
    });
    bench.feed(OFFER, CLIENT, MAIL, MAIL);
    assert.equal(bench.session.state, "over");
    assert.equal(bench.session.busy, false);
    assert.deepEqual(bench.takeCalls().slice(-2), ["mail <a@b.test>", "close"]);
  });
});

describe("MilterSession.heldOctets", () => {
  const field = command.header("Subject", "x".repeat(10_000));
  const idle = new SessionBench().feed(OFFER, CLIENT).session.heldOctets;

  it("grows with what a message leaves behind, and is what it was once the message is over", () => {
    const ends: readonly [string, Buffer][] = [
      ["end of message", command.endOfMessage()],
      ["abort", command.abort()],
      ["the next MAIL", MAIL],
      ["QUIT_NC", command.quitNewConnection()],
    ];
    for (const [what, end] of ends) {
      const bench = inMessage({});
      const before = bench.session.heldOctets;
      bench.feed(RCPT, RCPT, field);
      assert.ok(bench.session.heldOctets > before + 20_000, what);
      bench.feed(end);
      assert.ok(bench.session.heldOctets <= before, what);
    }
  });

  it("counts what CONNECT, HELO and MAIL leave behind, the last of each", () => {
    const long = "x".repeat(100_000);
    const client = command.connect({ hostname: long, family: "inet", port: 25, address: "192.0.2.1" });
    const bench = new SessionBench().feed(OFFER, client);
    const connected = bench.session.heldOctets;
    assert.ok(connected >= 100_000);
    bench.feed(command.helo(long), command.helo(long));
    const greeted = bench.session.heldOctets;
    assert.ok(greeted >= connected + 100_000 && greeted < connected + 300_000);
    // The parameters are in the same text as the path.
    bench.feed(command.mail("<a@b.test>", [`X=${long}`]));
    assert.ok(bench.session.heldOctets >= greeted + 100_000);
    bench.feed(command.abort());
    assert.equal(bench.session.heldOctets, greeted);
    bench.feed(command.helo("h.test"));
    assert.ok(bench.session.heldOctets < connected + 2_000);
    bench.feed(command.quitNewConnection());
    assert.equal(bench.session.heldOctets, 0);
  });

  it("counts half a packet as what it takes in memory", () => {
    const bench = inMessage({});
    const before = bench.session.heldOctets;
    bench.feed(field.subarray(0, 5_000));
    bench.feed(field.subarray(5_000, 9_000));
    assert.ok(bench.session.heldOctets >= before + 9_000);
    bench.feed(field.subarray(9_000));
    bench.feed(command.abort());
    assert.equal(bench.session.heldOctets, idle);
  });

  it("counts macros until they are over, and nothing once the session is", () => {
    const bench = inMessage({});
    const before = bench.session.heldOctets;
    bench.feed(command.macros(0x52, { r: "x".repeat(1_000) }));
    assert.ok(bench.session.heldOctets >= before + 1_000);
    bench.feed(command.abort());
    assert.equal(bench.session.heldOctets, idle);
    bench.feed(command.macros(0x43, { j: "x".repeat(1_000) }), command.quit());
    assert.equal(bench.session.heldOctets, 0);
  });
});

describe("MilterSession.abandonMessage", () => {
  const FULL: Response = { kind: "reply", code: "452", enhanced: "4.3.1", lines: ["Full"] };
  const END = command.endOfMessage();
  const HEADER = command.header("Subject", "hello");

  it("has the handler forget the message, and answers it at its end", () => {
    const bench = inMessage({});
    bench.feed(RCPT, HEADER);
    bench.takeReplies();
    bench.takeCalls();
    assert.equal(bench.session.abandonMessage(FULL), true);
    assert.deepEqual(bench.takeCalls(), ["abort"]);
    bench.feed(HEADER, END);
    assert.deepEqual(bench.takeCalls(), []);
    assert.equal(bench.takeKinds().at(-1), "reply");
    // The connection lives on.
    bench.feed(MAIL, END);
    assert.deepEqual(bench.takeCalls(), ["mail <a@b.test>", "endOfMessage"]);
    assert.equal(bench.takeKinds().at(-1), "continue");
  });

  it("gives the answer that is outstanding, and takes no other", () => {
    const cases: readonly (readonly [Script, Buffer])[] = [
      [{ mail: () => LATER }, MAIL],
      [{ endOfMessage: () => LATER }, Buffer.concat([MAIL, END])],
    ];
    for (const [script, before] of cases) {
      const bench = new SessionBench(script).feed(OFFER, CLIENT, before);
      bench.takeKinds();
      assert.equal(bench.session.abandonMessage(FULL), true);
      assert.equal(bench.session.waiting, false);
      assert.deepEqual(bench.takeKinds(), ["reply"]);
    }
  });

  it("does nothing where no message is open", () => {
    const bench = new SessionBench({}).feed(OFFER, CLIENT);
    bench.takeCalls();
    assert.equal(bench.session.abandonMessage(FULL), false);
    bench.feed(MAIL, END);
    assert.equal(bench.session.abandonMessage(FULL), false);
    assert.equal(bench.takeCalls().includes("abort"), false);
    bench.session.end();
    assert.equal(bench.session.abandonMessage(FULL), false);
  });
});
