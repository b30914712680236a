import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { after, afterEach, before, describe, it } from "node:test";
import type { Evaluation } from "../../../src/filter/index.ts";
import { Engine } from "../../../src/smf-spf/engine.ts";
import { verdictOf } from "../../support/evaluate.ts";
import {
  type Interception,
  type Nameserver,
  type ReceivedQuestion,
  startNameserver,
  type Zone,
} from "../../support/nameserver/index.ts";
import { settingsOf } from "./filter-bench.ts";

const HEADER = 12;

const ZONE: Zone = {
  "good.test": [{ TXT: "v=spf1 ip4:192.0.2.0/24 -all" }],
  "*.good.test": [{ TXT: "v=spf1 ip4:192.0.2.0/24 -all" }],
  "*.big.test": [{ TXT: ["v=spf1 ", ...Array.from({ length: 4000 }, () => "ip4:10.0.0.1 "), "-all"] }],
  "many.test": [
    { TXT: ["v=spf1 ip4:192.0.2.1 -all"] },
    ...Array.from({ length: 10 }, () => ({ TXT: Array.from({ length: 900 }, () => "x") })),
  ],
  "strings.test": [{ TXT: ["v=spf1 ", ...Array.from({ length: 10_000 }, () => "?a:x "), "-all"] }],
};

/** The normal answer, changed. */
function changed(question: ReceivedQuestion, change: (message: Buffer) => Buffer | undefined): Buffer[] {
  const message = question.normalReply();
  if (message === undefined) return [];
  const result = change(message);
  return [result ?? message];
}

const endOfQuestion = (q: ReceivedQuestion): number => HEADER + q.questionSection.length;
/** Where the first answer's type is: after its name. */
function firstType(q: ReceivedQuestion, message: Buffer): number {
  let at = endOfQuestion(q);
  while (message[at] !== 0 && (message[at] ?? 0) < 0xc0) at += 1 + (message[at] ?? 0);
  return at + (message[at] === 0 ? 1 : 2);
}

/** What a hostile or broken server does, and the verdicts that are right then. */
const SHAPES: readonly [what: string, answer: (q: ReceivedQuestion) => Interception, ...results: string[]][] =
  [
    ["another id", (q) => changed(q, (m) => void m.writeUInt16BE(m.readUInt16BE(0) ^ 1, 0)), "temperror"],
    ["another question", (q) => changed(q, (m) => void (m[HEADER + 1] = 0x7a)), "temperror"],
    [
      "another type in the question",
      (q) => changed(q, (m) => void m.writeUInt16BE(1, endOfQuestion(q) - 4)),
      "temperror",
    ],
    [
      "another class in the question",
      (q) => changed(q, (m) => void m.writeUInt16BE(3, endOfQuestion(q) - 2)),
      "temperror",
    ],
    ["no question", (q) => changed(q, (m) => void m.writeUInt16BE(0, 4)), "temperror"],
    ["two questions", (q) => changed(q, (m) => void m.writeUInt16BE(2, 4)), "temperror"],
    [
      "a query in place of an answer",
      (q) => changed(q, (m) => void (m[2] = (m[2] ?? 0) & 0x7f)),
      "temperror",
    ],
    ["another opcode", (q) => changed(q, (m) => void (m[2] = (m[2] ?? 0) | 0x28)), "temperror"],
    ["nothing but a header", (q) => changed(q, (m) => m.subarray(0, HEADER)), "temperror"],
    ["half a header", (q) => changed(q, (m) => m.subarray(0, 6)), "temperror"],
    ["an empty datagram", () => [Buffer.alloc(0)], "temperror"],
    ["65,535 answers", (q) => changed(q, (m) => void m.writeUInt16BE(0xffff, 6)), "temperror"],
    ["65,535 records of authority", (q) => changed(q, (m) => void m.writeUInt16BE(0xffff, 8)), "temperror"],
    ["an answer cut short", (q) => changed(q, (m) => m.subarray(0, m.length - 20)), "temperror"],
    ["a name that points to itself", (q) => changed(q, (m) => loop(q, m)), "temperror"],
    [
      "rdata longer than the message",
      (q) => changed(q, (m) => void m.writeUInt16BE(0xffff, firstType(q, m) + 8)),
      "temperror",
    ],
    [
      "a string longer than its rdata",
      (q) => changed(q, (m) => void (m[firstType(q, m) + 10] = 255)),
      "temperror",
    ],
    [
      "records of another class",
      (q) => changed(q, (m) => void m.writeUInt16BE(3, firstType(q, m) + 2)),
      "none",
    ],
    [
      "a TTL of 2\u00b3\u00b2-1",
      (q) => changed(q, (m) => void m.writeUInt32BE(0xffffffff, firstType(q, m) + 4)),
      "pass",
    ],
    [
      "a TTL of 2\u00b3\u00b9",
      (q) => changed(q, (m) => void m.writeUInt32BE(0x80000000, firstType(q, m) + 4)),
      "pass",
    ],
    ["the same twice", (q) => [...changed(q, () => undefined), ...changed(q, () => undefined)], "pass"],
    [
      "rubbish behind the answer",
      (q) => changed(q, (m) => Buffer.concat([m, Buffer.alloc(9000, 0xff)])),
      "pass",
    ],
    [
      "rubbish first, then the answer",
      (q) => [Buffer.alloc(1200, 0xc0), ...changed(q, () => undefined)],
      "pass",
    ],
    ["truncated for ever", (q) => changed(q, (m) => void (m[2] = (m[2] ?? 0) | 0x02)), "temperror"],
    ["SERVFAIL", (q) => changed(q, (m) => void (m[3] = 2)), "temperror"],
    ["REFUSED", (q) => changed(q, (m) => void (m[3] = 5)), "temperror"],
    ["an RCODE that does not exist", (q) => changed(q, (m) => void (m[3] = 15)), "temperror"],
    ["silence", () => "drop", "temperror"],
  ];

/** The first answer's owner becomes a pointer to its own place. */
function loop(q: ReceivedQuestion, message: Buffer): Buffer {
  const at = endOfQuestion(q);
  const rest = message.subarray(firstType(q, message));
  return Buffer.concat([message.subarray(0, at), Buffer.of(0xc0 | (at >> 8), at & 0xff), rest]);
}

/** What comes over TCP after a truncated answer over UDP. */
const OVER_TCP: readonly [what: string, answer: (q: ReceivedQuestion) => Interception, result: string][] = [
  ["says nothing", () => "drop", "temperror"],
  ["closes", () => "close", "temperror"],
  ["stalls after one octet of the length", () => ({ raw: Buffer.of(0) }), "temperror"],
  [
    "stalls inside the answer",
    (q) => ({ raw: Buffer.concat([Buffer.of(0x40, 0), q.normalReply()!.subarray(0, 99)]) }),
    "temperror",
  ],
  [
    "closes inside the answer",
    (q) => ({ raw: Buffer.concat([Buffer.of(0x40, 0), q.normalReply()!.subarray(0, 99)]), close: true }),
    "temperror",
  ],
  ["announces nothing", () => ({ raw: Buffer.of(0, 0) }), "temperror"],
  [
    "announces 65,535 octets of rubbish",
    () => ({ raw: Buffer.concat([Buffer.of(0xff, 0xff), Buffer.alloc(65_535, 0x41)]) }),
    "temperror",
  ],
  ["answers", () => "normal", "fail"],
];

describe("a verdict over a name server that", () => {
  let server: Nameserver;
  let engine: Engine;
  /** Waits for an answer for as long as a busy machine may take; the other one is for answers that do not come. */
  let patient: Engine;
  const errors: unknown[] = [];

  const engineWith = (timeout: string): Engine =>
    new Engine(
      settingsOf(`Nameserver 127.0.0.1:${server.port}\nDNSTimeout ${timeout}\nDNSTries 1`),
      (error) => errors.push(error),
    );
  before(async () => {
    server = await startNameserver(ZONE);
    engine = engineWith("1s");
    patient = engineWith("60s");
  });
  afterEach(() => {
    server.setOptions({ intercept: () => "normal" });
  });
  after(async () => {
    engine.close();
    patient.close();
    await server.close();
    assert.deepEqual(errors, []);
  });

  const verdict = (domain: string, waitMs = 60_000, by = patient): Promise<Evaluation> =>
    verdictOf(by.evaluatorFor(settingsOf("")), domain, waitMs);
  /** Of the engine that waits only where no answer is right. */
  const verdictFor = (domain: string, ...results: readonly string[]): Promise<Evaluation> =>
    verdict(domain, 60_000, results.includes("temperror") ? engine : patient);

  it("answers wrong in any way is right, or a temperror in time", async () => {
    server.setOptions({
      intercept: (question) => {
        const shape = SHAPES[Number(/^shape(\d+)\./.exec(question.name)?.[1])];
        return shape === undefined ? "normal" : shape[1](question);
      },
    });
    const verdicts = await Promise.all(
      SHAPES.map(([, , ...results], i) => verdictFor(`shape${i}.good.test`, ...results)),
    );
    for (const [i, [what, , ...results]] of SHAPES.entries()) {
      assert.ok(
        results.includes(verdicts[i]?.outcome.result ?? ""),
        `${what}: ${verdicts[i]?.outcome.result}`,
      );
    }
    // A TTL with the top bit set is none: these verdicts are not kept.
    const again = await Promise.all([18, 19].map((i) => verdict(`shape${i}.good.test`)));
    assert.deepEqual(
      again.map(({ cached }) => cached),
      [false, false],
    );
  });

  it("fails over TCP in any way is right, or a temperror in time", async () => {
    server.setOptions({
      intercept: (question) => {
        const shape = OVER_TCP[Number(/^tcp(\d+)\./.exec(question.name)?.[1])];
        return shape === undefined || question.transport === "udp" ? "normal" : shape[1](question);
      },
    });
    const verdicts = await Promise.all(
      OVER_TCP.map(([, , result], i) => verdictFor(`tcp${i}.big.test`, result)),
    );
    for (const [i, [what, , result]] of OVER_TCP.entries()) {
      assert.equal(verdicts[i]?.outcome.result, result, what);
    }
  });

  it("is not heard where somebody else answers first", async () => {
    const forger = createSocket("udp4");
    let forged = 0;
    server.setOptions({
      intercept: (question) => {
        // A server that was silent in a test before may still be asked for the root.
        if (question.name !== "forged.good.test") return "normal";
        const lie = question.normalReply();
        if (lie === undefined) return "drop";
        // The address and the very id of the question are not enough: it comes from another port.
        lie.write(lie.toString("latin1").replace("192.0.2.0/24", "10.0.00.0/8 "), "latin1");
        forger.send(lie, question.peer.port, question.peer.address);
        forged++;
        return [lie].slice(1).concat(question.normalReply() ?? []);
      },
    });
    const { outcome } = await verdict("forged.good.test");
    forger.close();
    assert.equal(outcome.result, "pass");
    assert.equal(forged, 1);
  });

  it("has ten thousand strings or nine thousand in other records gives the verdict of the record", async () => {
    assert.equal((await verdict("many.test")).outcome.result, "pass");
    assert.equal((await verdict("strings.test")).outcome.result, "permerror");
  });

  it("follows aliases for ever is a temperror after a few questions", async () => {
    server.resetCounts();
    server.setOptions({
      intercept: (question) => {
        const next = `${question.count}${question.name}`.slice(0, 60);
        const alias = Buffer.concat([
          Buffer.of(
            0xc0,
            HEADER,
            0,
            5,
            0,
            1,
            0,
            0,
            0,
            60,
            0,
            next.length + 2,
            Math.min(63, next.indexOf(".")),
          ),
          Buffer.from(next.slice(0, next.indexOf(".")), "latin1"),
          Buffer.of(3, 0x63, 0x6e, 0x74, 0),
        ]);
        const head = Buffer.alloc(HEADER);
        head.writeUInt16BE(question.id, 0);
        head.writeUInt16BE(0x8180, 2);
        head.writeUInt16BE(1, 4);
        head.writeUInt16BE(1, 6);
        alias.writeUInt16BE(alias.length - 12, 10);
        return [Buffer.concat([head, question.questionSection, alias])];
      },
    });
    assert.equal((await verdict("endless.test")).outcome.result, "temperror");
    assert.ok(
      server.questions.total >= 3 && server.questions.total <= 6,
      `${server.questions.total} questions`,
    );
  });

  it("flaps gives the verdict or a temperror, and the verdict once it is back", async () => {
    let turn = 0;
    const flapping = engineWith("3s");
    server.setOptions({ intercept: () => (turn++ % 3 === 0 ? "drop" : "normal") });
    const domains = Array.from({ length: 60 }, (_, i) => `flap${i}.good.test`);
    const of = (domain: string): Promise<Evaluation> => verdict(domain, 60_000, flapping);
    const results = (await Promise.all(domains.map(of))).map(({ outcome }) => outcome.result);
    assert.deepEqual([...new Set(results)].sort(), ["pass", "temperror"]);
    server.setOptions({ intercept: () => "normal" });
    for (const domain of domains) assert.equal((await of(domain)).outcome.result, "pass");
    flapping.close();
  });

  it("is silent while thousands ask leaves nothing behind", async () => {
    server.setOptions({ intercept: () => "drop" });
    const results = await Promise.all(
      Array.from({ length: 3_000 }, (_, i) => verdict(`gone${i}.d${i % 300}.test`, 300, engine)),
    );
    assert.deepEqual([...new Set(results.map(({ outcome }) => outcome.result))], ["temperror"]);
    const counters = engine.counters().join("\n");
    assert.match(counters, /running 0, waiting 0/);
    assert.match(counters, / 0 outstanding/);
  });
});
