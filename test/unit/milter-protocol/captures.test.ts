import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import {
  type Edit,
  encodeEdits,
  type Needs,
  type Offer,
  type OptionalCommand,
  type Packet,
  PacketDecoder,
  SMFIP_NOBODY,
  SMFIP_NOCONNECT,
  SMFIP_NODATA,
  SMFIP_NOEOH,
  SMFIP_NOHDRS,
  SMFIP_NOHELO,
  SMFIP_NOMAIL,
  SMFIP_NORCPT,
  SMFIP_NOUNKNOWN,
} from "milter-protocol";
import { type Capture, MTA_CAPTURES, OWN_CAPTURES, readCaptures } from "../../support/captures.ts";
import { decodeCommand } from "../../support/decode-command.ts";
import { decodeFilterPacket, type FilterPacket } from "../../support/mta-codec.ts";
import { captureScript } from "../../support/record-captures.ts";
import { ALL_NEEDS } from "../../support/recording-handler.ts";
import { SessionBench } from "../../support/session-bench.ts";

function packets(stream: Buffer, chunks: readonly number[] = []): Packet[] {
  const decoder = new PacketDecoder();
  const found: Packet[] = [];
  let from = 0;
  for (const to of [...chunks, stream.length]) {
    decoder.append(stream.subarray(from, to));
    for (let p = decoder.next(); p !== undefined; p = decoder.next()) found.push(p);
    from = to;
  }
  assert.equal(decoder.pendingOctets, 0);
  return found;
}

const only = (bytes: Buffer): Packet => packets(bytes)[0]!;

function splitAtEveryByte(stream: Buffer): void {
  const whole = packets(stream).map(({ command, payload }) => `${command} ${payload.toString("hex")}`);
  for (let cut = 1; cut < stream.length; cut++) {
    const split = packets(stream, [cut]).map(
      ({ command, payload }) => `${command} ${payload.toString("hex")}`,
    );
    assert.deepEqual(split, whole, `cut at ${cut}`);
  }
}

function octetByOctet(bench: SessionBench, stream: Buffer): SessionBench {
  for (let at = 0; at < stream.length; at++) bench.session.receive(stream.subarray(at, at + 1));
  return bench;
}

const EDITS: ReadonlySet<string> = ALL_NEEDS.edits;
const isEdit = (answer: FilterPacket): answer is Edit => EDITS.has(answer.kind);

/** The SMFIP_NO bits by the command that they decline. */
const NO_BITS: Readonly<Record<OptionalCommand, number>> = {
  connect: SMFIP_NOCONNECT,
  helo: SMFIP_NOHELO,
  rcpt: SMFIP_NORCPT,
  data: SMFIP_NODATA,
  header: SMFIP_NOHDRS,
  endOfHeaders: SMFIP_NOEOH,
  unknown: SMFIP_NOUNKNOWN,
  body: SMFIP_NOBODY,
};

/** Needs like those of the filter that was recorded, so that the same commands belong to the session. */
function needsOf(recorded: Offer): Needs {
  const commands = Object.keys(NO_BITS) as OptionalCommand[];
  return {
    ...ALL_NEEDS,
    wants: new Set(commands.filter((name) => (recorded.protocol & NO_BITS[name]) === 0)),
  };
}

/** A line of the decoded recording. */
interface RecordedLine {
  readonly from: "mta" | "milter";
  readonly cmd: string;
  readonly args?: readonly string[];
  readonly host?: string;
  readonly family?: string;
  readonly port?: number;
  readonly addr?: string;
}

const FAMILIES: Readonly<Record<string, string>> = { U: "unknown", L: "unix", "4": "inet", "6": "inet6" };

/** The calls that a handler which always goes on should see, made from the recording's own decoding. */
function expectedCalls(lines: readonly RecordedLine[]): string[] {
  const calls: string[] = [];
  let inMessage = false;
  for (const { from, cmd, args = [], host, family = "", port, addr } of lines) {
    if (from !== "mta") continue;
    if (inMessage && ["ABORT", "HELO", "MAIL"].includes(cmd)) calls.push("abort");
    if (cmd === "CONNECT") calls.push(`connect ${host} ${FAMILIES[family]} ${port} ${addr}`);
    else if (cmd === "HELO") calls.push(`helo ${args[0]}`);
    else if (cmd === "MAIL" || cmd === "RCPT") calls.push([cmd.toLowerCase(), ...args].join(" "));
    else if (cmd === "HEADER") calls.push(`header ${args[0]}:${args[1]}`);
    else if (cmd === "BODYEOB") calls.push("endOfMessage");
    if (cmd === "MAIL") inMessage = true;
    else if (["ABORT", "HELO", "BODYEOB"].includes(cmd)) inMessage = false;
  }
  return [...calls, "close"];
}

describe("captures of our own", () => {
  const captures = readCaptures(OWN_CAPTURES);

  it("are there", () => {
    assert.ok(captures.length >= 5);
  });

  for (const { name, mta, filter } of captures) {
    const stream = Buffer.concat(mta);
    const replay = (): SessionBench => new SessionBench(captureScript());

    it(`${name} replays to the octet, at once and octet by octet`, () => {
      const atOnce = replay().feed(stream);
      assert.deepEqual(Buffer.concat(atOnce.writes), Buffer.concat(filter));
      assert.equal(atOnce.code, undefined);
      assert.equal(atOnce.session.state, "over");
      const slowly = octetByOctet(replay(), stream);
      assert.deepEqual(Buffer.concat(slowly.writes), Buffer.concat(filter));
      assert.deepEqual(slowly.takeCalls(), atOnce.takeCalls());
    });

    it(`${name} replays the same when split at any byte`, () => {
      for (let cut = 1; cut < stream.length; cut++) {
        const bench = replay();
        bench.session.receive(stream.subarray(0, cut));
        bench.session.receive(stream.subarray(cut));
        assert.deepEqual(Buffer.concat(bench.writes), Buffer.concat(filter), `cut at ${cut}`);
      }
    });
  }
});

const recordings = readCaptures(MTA_CAPTURES);
const absent = recordings.length === 0 ? `no recordings in ${MTA_CAPTURES}` : false;

describe("captures of Sendmail and Postfix", { skip: process.env["CI"] === "true" ? false : absent }, () => {
  it("are there", () => {
    assert.equal(absent, false);
  });

  for (const capture of recordings) {
    it(`${capture.name} decodes and replays`, () => {
      replayRecording(capture);
    });
  }
});

function replayRecording({ name, mta, filter }: Capture): void {
  for (const bytes of mta) decodeCommand(only(bytes));
  splitAtEveryByte(Buffer.concat(mta));
  splitAtEveryByte(Buffer.concat(filter));

  const answers = filter.map((bytes) => decodeRecorded(name, only(bytes)));
  filter.forEach((bytes, i) => {
    const answer = answers[i];
    if (answer === undefined || !isEdit(answer)) return;
    // Our encoder and libmilter's agree on every edit.
    assert.deepEqual(encodeEdits([answer], Buffer.alloc(0)), bytes);
  });

  const negotiation = answers[0];
  assert.ok(negotiation?.kind === "negotiation");
  // A session without MAIL is one that we never negotiate: it only has to decode.
  if ((negotiation.protocol & SMFIP_NOMAIL) !== 0) return;
  const script = { needs: needsOf(negotiation) };
  const stream = Buffer.concat(mta);
  const atOnce = new SessionBench(script).feed(stream);
  const slowly = octetByOctet(new SessionBench(script), stream);
  for (const bench of [atOnce, slowly]) {
    if (bench.session.state !== "over") bench.session.end();
    assert.deepEqual(bench.errors, []);
  }
  assert.deepEqual(Buffer.concat(slowly.writes), Buffer.concat(atOnce.writes));

  const lines = readFileSync(join(MTA_CAPTURES, `${name}.jsonl`), "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as RecordedLine);
  const expected = expectedCalls(lines);
  assert.deepEqual(atOnce.takeCalls().slice(1), expected);
  assert.deepEqual(slowly.takeCalls().slice(1), expected);
}

/** What a filter has sent; some were made to send what an MTA does not understand, to see what it does. */
function decodeRecorded(name: string, bytes: Packet): FilterPacket | undefined {
  try {
    return decodeFilterPacket(bytes);
  } catch (error) {
    assert.match(name, /replycode/);
    assert.match(String(error), /lone %|malformed reply/);
    return undefined;
  }
}
