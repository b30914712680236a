import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ACCEPT, CONTINUE, type Needs, type Response } from "milter-protocol";
import { command, MODERN_OFFER, OLD_OFFER, packet } from "../../support/mta-codec.ts";
import { ALL_NEEDS, type Script } from "../../support/recording-handler.ts";
import { SessionBench } from "../../support/session-bench.ts";

const CLIENT = command.connect({ hostname: "h.test", family: "inet", port: 25, address: "192.0.2.1" });
const REJECT: Response = { kind: "reply", code: "550", enhanced: "5.7.23", lines: ["no"] };
const NO_ANSWERS: Needs = { ...ALL_NEEDS, answers: new Set() };
const WITHOUT_CONNECT: Needs = { ...ALL_NEEDS, wants: new Set(["rcpt", "header"]) };

const PACKETS = {
  O: command.negotiate(MODERN_OFFER),
  C: CLIENT,
  H: command.helo("h.test"),
  M: command.mail("<a@b.test>"),
  R: command.rcpt("<c@d.test>"),
  T: command.data(),
  L: command.header("Subject", "x"),
  N: command.endOfHeaders(),
  B: command.body("body"),
  E: command.endOfMessage(),
  A: command.abort(),
  U: command.unknown("FOO"),
  D: command.macros(0x4d, { i: "1" }),
  K: command.quitNewConnection(),
  Q: command.quit(),
} as const;

const play = (letters: string, script: Script = {}): SessionBench =>
  new SessionBench(script).feed(
    ...Array.from(letters).map((letter) => PACKETS[letter as keyof typeof PACKETS]),
  );

/** The kinds of the replies, one letter each: n for the negotiation, the verdicts as on the wire, y for a reply code. */
const LETTERS: Readonly<Record<string, string>> = {
  negotiation: "n",
  continue: "c",
  accept: "a",
  reject: "r",
  discard: "d",
  tempfail: "t",
  reply: "y",
};
const replies = (bench: SessionBench): string =>
  bench
    .takeKinds()
    .map((kind) => LETTERS[kind] ?? `<${kind}>`)
    .join("");

describe("MilterSession", () => {
  it("calls the handler in order and answers each command once", () => {
    const bench = play("OCHMRRTLLNBEQ");
    assert.equal(replies(bench), "ncccccccccccc".slice(0, 12));
    assert.deepEqual(bench.takeCalls(), [
      "negotiate 6 1ff 1fffff",
      "connect h.test inet 25 192.0.2.1",
      "helo h.test",
      "mail <a@b.test>",
      "rcpt <c@d.test>",
      "rcpt <c@d.test>",
      "header Subject:x",
      "header Subject:x",
      "endOfMessage",
      "close",
    ]);
    assert.equal(bench.session.state, "over");
    assert.equal(bench.closed, 1);
    assert.deepEqual(bench.errors, []);
  });

  it("answers all that one chunk brings in one write", () => {
    assert.equal(play("OCHMRTLNBE").writes.length, 1);
  });

  it("answers nothing where no reply is waited for", () => {
    const bench = play("OCHMRTLLNBE", { needs: NO_ANSWERS });
    assert.equal(replies(bench), "ncc");
  });

  it("asks about no field that the handler does not want, and answers it all the same", () => {
    const bench = play("OCHM", { needs: { ...ALL_NEEDS, fields: new Set(["subject"]) } });
    bench.takeCalls();
    assert.equal(replies(bench), "nccc");
    bench.feed(command.header("To", "x"), PACKETS.L, command.header("X-Subject", "x"), PACKETS.E);
    assert.deepEqual(bench.takeCalls(), ["header Subject:x", "endOfMessage"]);
    assert.equal(replies(bench), "cccc");
  });

  it("gives a verdict that stands at fields that the handler does not want", () => {
    const needs = { ...ALL_NEEDS, fields: new Set(["subject"]) };
    const bench = play("OCH", { needs, mail: () => REJECT }).feed(PACKETS.M, command.header("To", "x"));
    assert.equal(replies(bench), "nccyy");
  });

  it("closes on a field that cannot be read, wanted or not", () => {
    const bench = play("OCHM", { needs: { ...ALL_NEEDS, fields: new Set(["subject"]) } });
    bench.feed(packet(0x4c, "To\0"));
    assert.equal(bench.closed, 1);
    assert.equal(bench.errors.length, 1);
  });

  it("gives the path and parameters of MAIL as sent", () => {
    const bench = play("OC").feed(command.mail("<>", ["SIZE=1"]));
    assert.equal(bench.takeCalls().at(-1), "mail <> SIZE=1");
  });

  it("shows macros of all stages to the handler, the latest first", () => {
    const seen: (string | undefined)[] = [];
    const bench = new SessionBench({
      mail: (macros) => {
        seen.push(macros.get("i"), macros.get("j"));
        return CONTINUE;
      },
      endOfMessage: (macros) => {
        seen.push(macros.get("i"), macros.get("j"));
        return { edits: [], response: CONTINUE };
      },
    });
    bench.feed(PACKETS.O, command.macros(0x43, { j: "mx" }), CLIENT);
    bench.feed(command.macros(0x4d, { i: "1" }), PACKETS.M, PACKETS.R);
    bench.feed(command.macros(0x45, { i: "2" }), PACKETS.E, PACKETS.M);
    assert.deepEqual(seen, ["1", "mx", "2", "mx", undefined, "mx"]);
  });

  it("forgets the macros of an aborted message", () => {
    const seen: (string | undefined)[] = [];
    const bench = new SessionBench({
      mail: (macros) => {
        seen.push(macros.get("{auth_authen}"));
        return CONTINUE;
      },
    });
    bench.feed(
      PACKETS.O,
      CLIENT,
      command.macros(0x4d, { "{auth_authen}": "me" }),
      PACKETS.M,
      PACKETS.A,
      PACKETS.M,
    );
    bench.feed(PACKETS.M);
    assert.deepEqual(seen, ["me", undefined, undefined]);
  });

  it("does not lend one message's macros to the next where MAIL follows MAIL", () => {
    const seen: (string | undefined)[] = [];
    const bench = new SessionBench({
      mail: (macros) => {
        seen.push(macros.get("{auth_authen}"));
        return REJECT;
      },
    });
    bench.feed(PACKETS.O, CLIENT, command.macros(0x4d, { "{auth_authen}": "me" }), PACKETS.M);
    bench.feed(PACKETS.M);
    assert.deepEqual(seen, ["me", undefined]);
  });

  it("writes edits and verdict of end of message in one write", () => {
    const bench = play("OCM", {
      endOfMessage: () => ({
        edits: [
          { kind: "insertHeader", index: 0, name: "A", value: "1" },
          { kind: "quarantine", reason: "q" },
        ],
        response: ACCEPT,
      }),
    });
    bench.takeKinds();
    bench.feed(PACKETS.E);
    assert.equal(bench.writes.length, 1);
    assert.deepEqual(bench.takeKinds(), ["insertHeader", "quarantine", "accept"]);
  });

  it("makes no edits to a message that is refused or discarded", () => {
    for (const response of [REJECT, { kind: "discard" }, { kind: "tempfail" }] as const) {
      const bench = play("OCM", {
        endOfMessage: () => ({ edits: [{ kind: "addHeader", name: "A", value: "1" }], response }),
      });
      bench.takeKinds();
      bench.feed(PACKETS.E);
      assert.deepEqual(bench.takeKinds(), [response.kind]);
    }
  });

  it("leaves out an edit that was not offered, makes the others, and reports it", () => {
    const bench = new SessionBench({
      endOfMessage: () => ({
        edits: [
          { kind: "quarantine", reason: "q" },
          { kind: "insertHeader", index: 0, name: "A", value: "1" },
        ],
        response: CONTINUE,
      }),
    });
    bench.feed(command.negotiate(OLD_OFFER), CLIENT, PACKETS.M, PACKETS.E);
    // Sendmail 8.12 knows no SMFIR_INSHEADER: the field goes to the end.
    assert.deepEqual(bench.takeReplies().slice(-2), [
      { kind: "addHeader", name: "A", value: "1" },
      { kind: "continue" },
    ]);
    assert.match(String(bench.errors[0]), /quarantine was not negotiated/);
    assert.equal(bench.session.state, "connected");
  });

  it("goes on with several messages, Sendmail's way and Postfix's", () => {
    for (const letters of ["OCHMRLEMRLEMRLEQ", "OCHMRLEAMRLEAMRLEAQ"]) {
      const bench = play(letters);
      const calls = bench.takeCalls();
      assert.equal(calls.filter((call) => call === "endOfMessage").length, 3);
      assert.ok(!calls.includes("abort"));
      assert.deepEqual(bench.errors, []);
    }
  });

  it("answers UNKNOWN with continue whenever it comes", () => {
    assert.equal(replies(play("OUCUHUMURULUBUEU")), "nccccccccccccccc");
  });

  it("ends without a call but close when QUIT comes first", () => {
    const bench = play("Q");
    assert.deepEqual(bench.takeCalls(), ["close"]);
    assert.deepEqual(bench.errors, []);
    assert.equal(bench.closed, 1);
  });

  it("reads nothing after QUIT", () => {
    const bench = play("OCQ").feed(PACKETS.M);
    assert.deepEqual(bench.takeCalls().slice(-1), ["close"]);
  });
});

describe("MilterSession, commands in odd order", () => {
  /** Letters played, calls after the negotiation, replies; a code where the session ends with an error. */
  const TABLE: readonly {
    readonly played: string;
    readonly calls?: string;
    readonly replies: string;
    readonly code?: string;
    readonly script?: Script;
    readonly what: string;
  }[] = [
    { what: "a command before the negotiation", played: "C", replies: "", code: "negotiation-missing" },
    { what: "macros before the negotiation", played: "D", replies: "", code: "negotiation-missing" },
    { what: "ABORT before the negotiation", played: "A", replies: "", code: "negotiation-missing" },
    { what: "two negotiations before a client", played: "OOC", calls: "negotiate connect", replies: "nnc" },
    { what: "a negotiation after CONNECT", played: "OCO", replies: "nc", code: "command-out-of-order" },
    { what: "a negotiation in a message", played: "OCMO", replies: "ncc", code: "command-out-of-order" },
    {
      what: "a negotiation after QUIT_NC",
      played: "OCKOC",
      calls: "connect newConnection negotiate connect",
      replies: "ncnc",
    },
    { what: "CONNECT twice", played: "OCC", replies: "nc", code: "command-out-of-order" },
    { what: "CONNECT in a message", played: "OCMC", replies: "ncc", code: "command-out-of-order" },
    { what: "HELO before CONNECT", played: "OH", replies: "n", code: "command-out-of-order" },
    { what: "MAIL before CONNECT", played: "OM", replies: "n", code: "command-out-of-order" },
    {
      what: "MAIL before CONNECT after QUIT_NC",
      played: "OCKM",
      replies: "nc",
      code: "command-out-of-order",
    },
    {
      what: "MAIL without CONNECT and HELO that were asked away",
      played: "OMRE",
      script: { needs: WITHOUT_CONNECT },
      calls: "mail rcpt endOfMessage",
      replies: "nccc",
    },
    {
      what: "CONNECT and HELO that were asked away and come all the same",
      played: "OCHME",
      script: { needs: WITHOUT_CONNECT },
      calls: "mail endOfMessage",
      replies: "ncccc",
    },
    {
      what: "DATA, end of headers and body that were asked away",
      played: "OMTNBE",
      script: { needs: WITHOUT_CONNECT },
      calls: "mail endOfMessage",
      replies: "nccccc",
    },
    { what: "no HELO", played: "OCME", calls: "connect mail endOfMessage", replies: "nccc" },
    {
      what: "a second HELO",
      played: "OCHHME",
      calls: "connect helo helo mail endOfMessage",
      replies: "nccccc",
    },
    {
      what: "HELO in a message",
      played: "OCHMRHME",
      calls: "connect helo mail rcpt abort helo mail endOfMessage",
      replies: "nccccccc",
    },
    {
      what: "MAIL in a message",
      played: "OCMRME",
      calls: "connect mail rcpt abort mail endOfMessage",
      replies: "nccccc",
    },
    { what: "MAIL twice", played: "OCMM", calls: "connect mail abort mail", replies: "nccc" },
    { what: "RCPT before MAIL", played: "OCR", replies: "nc", code: "command-out-of-order" },
    { what: "DATA before MAIL", played: "OCT", replies: "nc", code: "command-out-of-order" },
    { what: "a header before MAIL", played: "OCL", replies: "nc", code: "command-out-of-order" },
    { what: "end of headers before MAIL", played: "OCN", replies: "nc", code: "command-out-of-order" },
    { what: "a body before MAIL", played: "OCB", replies: "nc", code: "command-out-of-order" },
    { what: "end of message before MAIL", played: "OCE", replies: "nc", code: "command-out-of-order" },
    { what: "end of message twice", played: "OCMEE", replies: "nccc", code: "command-out-of-order" },
    { what: "RCPT after DATA", played: "OCMRTR", replies: "ncccc", code: "command-out-of-order" },
    { what: "DATA twice", played: "OCMTT", replies: "nccc", code: "command-out-of-order" },
    {
      what: "a header after the end of headers",
      played: "OCMNL",
      replies: "nccc",
      code: "command-out-of-order",
    },
    { what: "end of headers twice", played: "OCMNN", replies: "nccc", code: "command-out-of-order" },
    { what: "a header after the body", played: "OCMBL", replies: "nccc", code: "command-out-of-order" },
    { what: "body twice", played: "OCMBBE", calls: "connect mail endOfMessage", replies: "nccccc" },
    {
      what: "end of message straight after MAIL",
      played: "OCME",
      calls: "connect mail endOfMessage",
      replies: "nccc",
    },
    { what: "ABORT without a message", played: "OACAHAA", calls: "connect helo", replies: "ncc" },
    {
      what: "ABORT twice",
      played: "OCMAAME",
      calls: "connect mail abort mail endOfMessage",
      replies: "ncccc",
    },
    {
      what: "QUIT_NC in a message",
      played: "OCMKCME",
      calls: "connect mail abort newConnection connect mail endOfMessage",
      replies: "ncccccc".slice(0, 6),
    },
    {
      what: "QUIT_NC twice",
      played: "OCKKC",
      calls: "connect newConnection newConnection connect",
      replies: "ncc",
    },
    { what: "QUIT in a message", played: "OCMQ", calls: "connect mail close", replies: "ncc" },
  ];

  for (const row of TABLE) {
    it(`has a meaning for ${row.what}: ${row.code ?? row.calls ?? ""}`, () => {
      const bench = play(row.played, row.script);
      assert.equal(replies(bench), row.replies);
      assert.equal(bench.code, row.code);
      const verbs = bench
        .takeCalls()
        .slice(1)
        .map((call) => call.split(" ")[0]);
      if (row.calls !== undefined) assert.equal(verbs.join(" "), row.calls);
      if (row.code !== undefined) {
        assert.equal(bench.errors.length, 1);
        assert.equal(bench.closed, 1);
        assert.equal(bench.session.state, "over");
        if (row.code !== "negotiation-missing") assert.equal(verbs.at(-1), "close");
      }
    });
  }

  it("ends with a coded error or goes on, for every three commands after a client", () => {
    const letters = Object.keys(PACKETS);
    for (const a of letters) {
      for (const b of letters) {
        for (const c of letters) {
          const bench = play(`OCM${a}${b}${c}`);
          replies(bench);
          assert.equal(bench.closed, bench.session.state === "over" ? 1 : 0);
          assert.equal(bench.errors.length, bench.code === undefined ? 0 : 1);
        }
      }
    }
  });
});

describe("MilterSession, verdicts", () => {
  const TABLE: readonly {
    readonly what: string;
    readonly played: string;
    readonly script: Script;
    readonly calls: string;
    readonly replies: string;
  }[] = [
    {
      what: "ACCEPT at CONNECT is for all messages, and repeated where the MTA goes on",
      played: "OCHMREMLEQ",
      script: { connect: () => ACCEPT },
      calls: "connect close",
      replies: "naaaaaaaa",
    },
    {
      what: "ACCEPT at CONNECT that is not answered is spoken at MAIL of every message",
      played: "OCHMMRLE",
      script: { needs: NO_ANSWERS, connect: () => ACCEPT },
      calls: "connect",
      replies: "naaa",
    },
    {
      what: "a verdict on the connection ends with it",
      played: "OCKCME",
      script: { connect: () => ACCEPT },
      calls: "connect newConnection connect",
      replies: "naaaa",
    },
    {
      what: "a refusal at HELO is for the connection",
      played: "OCHHM",
      script: { helo: () => REJECT },
      calls: "connect helo",
      replies: "ncyyy",
    },
    {
      what: "discard at CONNECT waits for a message",
      played: "OCHMR",
      script: { connect: () => ({ kind: "discard" }) },
      calls: "connect",
      replies: "nccdd",
    },
    {
      what: "a refusal at MAIL is for this message only",
      played: "OCHMM",
      script: { mail: () => REJECT },
      calls: "connect helo mail mail",
      replies: "nccyy",
    },
    {
      what: "commands of a refused message hear the refusal again",
      played: "OCMRTLNBEME",
      script: { mail: () => REJECT },
      calls: "connect mail mail",
      replies: "ncyyyyyyyyy",
    },
    {
      what: "ABORT of a decided message is not told to the handler",
      played: "OCMAM",
      script: { mail: () => ACCEPT },
      calls: "connect mail mail",
      replies: "ncaa",
    },
    {
      what: "a refusal at RCPT is for that recipient",
      played: "OCMRRE",
      script: { rcpt: () => REJECT },
      calls: "connect mail rcpt rcpt endOfMessage",
      replies: "nccyyc",
    },
    {
      what: "a refusal at RCPT that is not answered is lost",
      played: "OCMRE",
      script: { needs: NO_ANSWERS, rcpt: () => REJECT },
      calls: "connect mail rcpt endOfMessage",
      replies: "ncc",
    },
    {
      what: "ACCEPT at RCPT is for the message",
      played: "OCMRRAM",
      script: { rcpt: () => ACCEPT },
      calls: "connect mail rcpt mail",
      replies: "nccaac",
    },
    {
      what: "a verdict at a header that is not answered is spoken at the end",
      played: "OCMRLLE",
      script: { needs: NO_ANSWERS, header: () => REJECT },
      calls: "connect mail rcpt header",
      replies: "ncy",
    },
    {
      what: "a verdict never spoken does not reach the next message",
      played: "OCMRLAMRE",
      script: { needs: { ...NO_ANSWERS, wants: new Set(["connect", "header"]) }, header: () => REJECT },
      calls: "connect mail header mail endOfMessage",
      replies: "nccccc",
    },
  ];

  for (const { what, played, script, calls, replies: expected } of TABLE) {
    it(what, () => {
      const bench = play(played, script);
      assert.equal(replies(bench), expected);
      assert.equal(
        bench
          .takeCalls()
          .slice(1)
          .map((call) => call.split(" ")[0])
          .join(" "),
        calls,
      );
      assert.deepEqual(bench.errors, []);
    });
  }

  it("is busy from MAIL until the MTA has heard the verdict", () => {
    const bench = play("OC", { needs: NO_ANSWERS, header: () => REJECT });
    assert.equal(bench.session.busy, false);
    bench.feed(PACKETS.M);
    assert.equal(bench.session.busy, true);
    bench.feed(PACKETS.L);
    assert.equal(bench.session.busy, true);
    bench.feed(PACKETS.U);
    assert.equal(bench.session.busy, true);
    bench.feed(PACKETS.E);
    assert.equal(bench.session.busy, false);
  });

  it("is not busy once a refusal was spoken at MAIL", () => {
    assert.equal(play("OCM", { mail: () => REJECT }).session.busy, false);
  });
});
