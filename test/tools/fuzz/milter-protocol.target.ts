/** Recorded sessions, mutated as bytes and as packets, through the decoder and the session. */
import assert from "node:assert/strict";
import {
  ACCEPT,
  CONTINUE,
  type HandlerAnswer,
  LATER,
  type Needs,
  ProtocolError,
  type Response,
} from "milter-protocol";
import { MTA_CAPTURES, OWN_CAPTURES, readCaptures } from "../../support/captures.ts";
import { MODERN_OFFER, OLD_OFFER, packet } from "../../support/mta-codec.ts";
import { ALL_NEEDS, type Script } from "../../support/recording-handler.ts";
import { SessionBench } from "../../support/session-bench.ts";
import { mutate, Rng } from "./rng.ts";

export const name = "milter-protocol";
/** A peer that reaches the socket controls every octet, so most of the time goes here. */
export const weight = 6;

const CAPTURES = [...readCaptures(OWN_CAPTURES), ...readCaptures(MTA_CAPTURES)].map(({ mta }) => mta);

/** Four octets choose the handler and the splits; the rest is what the MTA sends. */
export function replay(input: Buffer): void {
  const stream = input.subarray(4);
  const seed = input.length >= 4 ? input.readUInt32BE(0) : 0;
  const whole = playInChunks(seed, [stream]);
  const split = playInChunks(seed, chunksOf(new Rng(seed), stream));
  assert.equal(split.output.toString("hex"), whole.output.toString("hex"), "output depends on the split");
  assert.deepEqual(split.calls, whole.calls, "calls depend on the split");
  assert.deepEqual(split.codes, whole.codes, "errors depend on the split");
}

export function makeInput(rng: Rng): Buffer {
  const packets = [...rng.pick(CAPTURES)];
  for (let n = rng.below(4); n > 0; n--) shuffle(rng, packets);
  const stream = Buffer.concat(packets);
  return Buffer.concat([rng.bytes(4), rng.once(4) ? stream : mutate(rng, stream)]);
}

/** Changes the session without breaking its packets: that is what reaches the transition table. */
function shuffle(rng: Rng, packets: Buffer[]): void {
  const at = rng.below(packets.length + 1);
  switch (rng.below(5)) {
    case 0:
      packets.splice(at, 1 + rng.below(3));
      return;
    case 1:
      packets.splice(at, 0, rng.pick(rng.pick(CAPTURES)));
      return;
    case 2: {
      const [moved] = packets.splice(at, 1);
      if (moved !== undefined) packets.splice(rng.below(packets.length + 1), 0, moved);
      return;
    }
    case 3:
      packets.splice(at, 0, packet(rng.below(256), rng.bytes(rng.below(20))));
      return;
    default: {
      const victim = packets[at];
      if (victim === undefined) return;
      packets[at] = packet(victim[4] ?? 0, mutate(rng, victim.subarray(5)));
    }
  }
}

function chunksOf(rng: Rng, stream: Buffer): Buffer[] {
  const chunks: Buffer[] = [];
  const size = rng.pick([1, 3, 40, 300]);
  for (let at = 0; at < stream.length; ) {
    const to = at + 1 + rng.below(size);
    chunks.push(stream.subarray(at, to));
    at = to;
  }
  return chunks;
}

interface Played {
  readonly output: Buffer;
  readonly calls: readonly string[];
  readonly codes: readonly string[];
}

/** Plays chunks to a session and holds it to what it promises whatever comes. */
function playInChunks(seed: number, chunks: readonly Buffer[]): Played {
  let thrown = 0;
  const bench = new SessionBench(
    hostileScript(new Rng(seed), () => {
      thrown++;
    }),
  );
  for (const chunk of chunks) {
    // A copy, because sessions keep views of what they are given.
    bench.session.receive(Buffer.from(chunk));
    while (bench.session.waiting) bench.session.resume(ACCEPT);
  }
  bench.session.end();

  const output = Buffer.concat(bench.writes);
  const replies = bench.takeReplies();
  const codes = bench.errors.flatMap((error) => (error instanceof ProtocolError ? [error.code] : []));
  const faults = bench.errors.filter((error) => !(error instanceof ProtocolError));
  assert.ok(codes.length <= 1, "two protocol errors");
  assert.equal(
    faults.filter((error) => /on purpose/.test(String(error))).length,
    thrown,
    "an exception was lost",
  );
  assert.deepEqual(
    faults.filter((error) => !/on purpose|was not negotiated/.test(String(error))),
    [],
    "an error of our own",
  );
  const calls = bench.takeCalls();
  checkCalls(calls);
  const negotiations = replies.filter(({ kind }) => kind === "negotiation").length;
  assert.ok(negotiations <= calls.filter((call) => call.startsWith("negotiate")).length);
  assert.ok(negotiations > 0 || replies.length === 0, "a reply before the negotiation");
  return { output, calls, codes };
}

const NEEDS: readonly Needs[] = [
  ALL_NEEDS,
  { ...ALL_NEEDS, answers: new Set() },
  { ...ALL_NEEDS, wants: new Set(["header"]), answers: new Set() },
  { ...ALL_NEEDS, wants: new Set(["connect", "helo", "rcpt"]), answers: new Set(["rcpt"]) },
];

const REPLY: Response = { kind: "reply", code: "550", enhanced: "5.7.23", lines: ["100%", "x".repeat(600)] };

/** A handler that answers, waits, throws and edits by its own dice: the same dice for the same seed. */
function hostileScript(rng: Rng, throwing: () => void): Script {
  const answer = (): HandlerAnswer => {
    if (rng.once(40)) {
      throwing();
      throw new Error("on purpose");
    }
    if (rng.once(10)) return LATER;
    return rng.once(6) ? rng.pick([ACCEPT, REPLY, { kind: "discard" }, { kind: "tempfail" }]) : CONTINUE;
  };
  return {
    needs: rng.pick(NEEDS),
    connect: answer,
    helo: answer,
    mail: answer,
    rcpt: answer,
    header: answer,
    endOfMessage: () => {
      const response = answer();
      if (response === LATER) return LATER;
      return { edits: [{ kind: "insertHeader", index: 0, name: "A", value: "b" }], response };
    },
  };
}

/** Protocol order as the handler interface promises it. */
function checkCalls(calls: readonly string[]): void {
  let inMessage = false;
  calls.forEach((call, i) => {
    const verb = call.split(" ", 1)[0] ?? "";
    if (i === 0) assert.ok(verb === "negotiate" || verb === "close", `${verb} comes first`);
    if (verb === "close") assert.equal(i, calls.length - 1, "a call after close");
    if (verb === "rcpt" || verb === "header" || verb === "endOfMessage") {
      assert.ok(inMessage, `${verb} outside a message`);
    }
    // A handler that has thrown at end of message is told to forget it.
    if (verb === "abort") assert.ok(inMessage || calls[i - 1] === "endOfMessage", "abort outside a message");
    if (verb === "mail") inMessage = true;
    if (verb === "endOfMessage" || verb === "abort") inMessage = false;
  });
  assert.equal(calls.at(-1), "close");
}

// The offers themselves are inputs too: every capture begins with the modern one.
CAPTURES.push(
  ...CAPTURES.slice(0, 5).map((packets) => {
    const old = Buffer.from(packets[0] ?? packet(0x4f));
    if (old.length >= 17) {
      old.writeUInt32BE(OLD_OFFER.version, 5);
      old.writeUInt32BE(OLD_OFFER.actions, 9);
      old.writeUInt32BE(MODERN_OFFER.protocol & 0x7f, 13);
    }
    return [old, ...packets.slice(1)];
  }),
);
