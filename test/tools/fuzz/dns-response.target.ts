/** Answers of name servers, mutated octet by octet, through all that reads them. */
import assert from "node:assert/strict";
import { isIP } from "node:net";
import type { Answer, RecordType } from "spf-check";
import { encodeQuery, readResponse } from "../../../src/dns/messages.ts";
import { encodeReply, readQuery } from "../../support/nameserver/message.ts";
import { ZoneTable } from "../../support/nameserver/zone.ts";
import { mutate, type Rng } from "./rng.ts";

export const name = "dns-response";

const TYPES: readonly RecordType[] = ["TXT", "A", "AAAA", "MX", "PTR"];
const QUERIES = TYPES.map((type) => encodeQuery({ name: "a.example.test", type }, true));
const RECORDS_MAX = 1000;
const QUESTION_POINTER = Buffer.from([0xc0, 0x0c]);

const ZONES = [
  new ZoneTable({
    "a.example.test": [
      { TXT: ["v=spf1 a mx include:b.example.test", " -all"] },
      { TXT: "" },
      { TXT: "x".repeat(600) },
      { A: "192.0.2.1" },
      { A: "192.0.2.2" },
      { AAAA: "2001:db8::1" },
      { MX: [10, "mail.example.test"] },
      { MX: [0, "."] },
      { PTR: "host.example.test" },
    ],
  }),
  new ZoneTable({
    "a.example.test": [{ CNAME: "b.example.test" }],
    "b.example.test": [{ CNAME: "c.example.test" }],
    "c.example.test": [{ A: "192.0.2.1" }, { TXT: "v=spf1 -all" }],
  }),
  new ZoneTable({ "a.example.test": [{ CNAME: "gone.example.test" }] }),
  new ZoneTable({}),
];

interface Seed {
  /** The place of the question in QUERIES. */
  readonly question: number;
  readonly message: Buffer;
}

/** Whole answers, and the same with their owner names compressed as servers do it. */
const SEEDS: readonly Seed[] = ZONES.flatMap((zone) =>
  QUERIES.flatMap(({ message }, question) => {
    const answer = answerOf(zone, message);
    return [
      { question, message: answer },
      { question, message: compressed(answer) },
    ];
  }),
);
const RECORDS_START = 12 + "a.example.test".length + 2 + 4;
const RECORD_TYPES = [1, 28, 5, 15, 12, 16, 6, 41, 46, 99, 255];
const TTLS = [0, 1, 300, 0x7fffffff, 0x80000000, 0xffffffff];
/** As owners and in rdata: pointers back to the question, into it, to themselves and beyond the end. */
const NAMES = [
  QUESTION_POINTER,
  Buffer.from([0xc0, 0x0e]),
  Buffer.from([0]),
  Buffer.from([0xc0, 0x20]),
  Buffer.from([0xff, 0xff]),
  Buffer.from("\x01b\x07example\x04test\0", "latin1"),
  Buffer.from("\x01b\xc0\x0e", "latin1"),
  Buffer.from("\x03a.b\xc0\x0e", "latin1"),
  Buffer.from("\x02\xc3\xbc\xc0\x0e", "latin1"),
];

/** An octet that chooses the question, then the message. */
export function replay(input: Buffer): void {
  const query = QUERIES[(input[0] ?? 0) % QUERIES.length];
  if (query === undefined) throw new Error("no query");
  // Reading changes the message.
  const response = readResponse(Buffer.from(input.subarray(1)), query);
  assert.deepEqual(readResponse(Buffer.from(input.subarray(1)), query), response);
  if (response.kind === "answer")
    checkAnswer(response.answer, query.question.type as RecordType, input.length);
  if (response.kind === "failure") assert.match(response.problem, /^[\x20-\x7e]{1,100}$/);
  if (response.kind === "alias") {
    checkName(response.target);
    checkTtl(response.ttlSeconds);
  }
}

function checkAnswer(answer: Answer, type: RecordType, octets: number): void {
  assert.ok(answer.status !== "fault");
  checkTtl(answer.ttlSeconds);
  if (answer.status !== "found") return;
  assert.ok(answer.records.length > 0 && answer.records.length <= RECORDS_MAX);
  for (const data of answer.records) {
    if (type === "TXT") {
      assert.ok(typeof data === "string" && data.length <= octets && /^[\0-\xff]*$/s.test(data));
    } else if (type === "PTR") {
      checkName(data);
    } else if (type === "MX") {
      assert.ok(typeof data === "object" && "exchange" in data);
      checkName(data.exchange);
      assert.ok(Number.isInteger(data.preference) && data.preference >= 0 && data.preference <= 0xffff);
    } else {
      const family = type === "A" ? 4 : 6;
      assert.ok(typeof data === "object" && "bytes" in data);
      assert.deepEqual([data.family, data.bytes.length], [family, family === 4 ? 4 : 16]);
      assert.equal(isIP(data.text), family);
    }
  }
}

function checkName(text: unknown): void {
  assert.ok(typeof text === "string" && text.length <= 253 && /^[\0-\xff]*$/s.test(text));
}

function checkTtl(ttlSeconds: number): void {
  assert.ok(Number.isInteger(ttlSeconds) && ttlSeconds >= 0 && ttlSeconds <= 0x7fffffff);
}

export function makeInput(rng: Rng): Buffer {
  const { question, message } = rng.pick(SEEDS);
  let head = Buffer.from(message.subarray(0, RECORDS_START));
  let records = Buffer.from(message.subarray(RECORDS_START));
  if (rng.once(2)) {
    const made = Array.from({ length: 1 + rng.below(4) }, () => hostileRecord(rng));
    head.writeUInt16BE(rng.below(made.length + 1), 6);
    head.writeUInt16BE(made.length - head.readUInt16BE(6), 8);
    head.writeUInt16BE(0, 10);
    records = Buffer.concat(made);
  }
  // What does not repeat the question is put aside at once, so most of them do.
  if (rng.once(20)) head = Buffer.from(mutate(rng, head));
  return Buffer.concat([Buffer.from([question]), head, rng.once(3) ? records : mutate(rng, records)]);
}

function hostileRecord(rng: Rng): Buffer {
  const type = rng.pick(RECORD_TYPES);
  const fixed = Buffer.alloc(10);
  const data = rng.once(6) ? rng.bytes(rng.below(40)) : dataFor(rng, type);
  fixed.writeUInt16BE(type, 0);
  fixed.writeUInt16BE(rng.once(10) ? rng.below(4) : 1, 2);
  fixed.writeUInt32BE(rng.pick(TTLS), 4);
  fixed.writeUInt16BE(data.length, 8);
  return Buffer.concat([rng.once(2) ? QUESTION_POINTER : rng.pick(NAMES), fixed, data]);
}

/** Rdata that has the form of its type, most of the time. */
function dataFor(rng: Rng, type: number): Buffer {
  switch (type) {
    case 1:
      return rng.bytes(4);
    case 28:
      return rng.bytes(16);
    case 16: {
      const strings = Array.from({ length: rng.below(4) }, () => rng.bytes(rng.below(20)));
      return Buffer.concat(strings.flatMap((text) => [Buffer.from([text.length]), text]));
    }
    case 15:
      return Buffer.concat([rng.bytes(2), rng.pick(NAMES)]);
    case 6:
      return Buffer.concat([rng.pick(NAMES), rng.pick(NAMES), rng.bytes(20)]);
    default:
      return rng.pick(NAMES);
  }
}

function answerOf(zone: ZoneTable, message: Buffer): Buffer {
  const query = readQuery(message);
  if (query === undefined) throw new Error("no query");
  const answer = zone.answer(query.name, query.type);
  if (answer.kind !== "records") throw new Error("no records");
  const { records, exists } = answer;
  const negativeTtlSeconds = records.length > 0 ? undefined : 300;
  const rcode = exists ? "NOERROR" : "NXDOMAIN";
  return encodeReply(query, { rcode, records, ttlSeconds: 300, negativeTtlSeconds, truncated: false });
}

function compressed(message: Buffer): Buffer {
  const question = message.subarray(12, 12 + "a.example.test".length + 2);
  const parts: Buffer[] = [];
  let from = 0;
  // The question itself is the one that the others point at.
  for (let at = message.indexOf(question, 13); at !== -1; at = message.indexOf(question, from)) {
    parts.push(message.subarray(from, at), QUESTION_POINTER);
    from = at + question.length;
  }
  return Buffer.concat([...parts, message.subarray(from)]);
}
