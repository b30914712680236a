/**
 * What check_host() and the reading of DNS answers cost, with zones in memory: processor time, no waits. Prints the
 * median of some rounds for each case, in microseconds an evaluation.
 *
 *     node --import tsx test/tools/bench/evaluation.ts
 */
import { type CheckHostInput, checkHost, type Outcome } from "spf-check";
import { parseIpAddress } from "../../../src/address/index.ts";
import { encodeQuery, readResponse } from "../../../src/dns/messages.ts";
import { Zone, type ZoneData } from "../../system/conformance/zone.ts";

const ROUNDS = 15;
const ROUND_MS = 60;

const ip = parseIpAddress("192.0.2.1");
if (ip === undefined) throw new Error("no address");
const input: CheckHostInput = {
  ip,
  domain: "example.test",
  sender: "user@example.test",
  helo: "mail.example.test",
  receiver: "mx.here.test",
  nowSeconds: 1_700_000_000,
  limits: { lookupLimit: 10, voidLookupLimit: 2 },
  localPolicy: {
    rules: undefined,
    guess: undefined,
    explanation: undefined,
    overrides: new Map(),
    fallbacks: new Map(),
  },
  hints: true,
  trace: false,
};

const blocks = Array.from({ length: 40 }, (_, i) => `ip4:10.${i}.0.0/16`).join(" ");
const CASES: Readonly<Record<string, ZoneData>> = {
  "one record of 40 ip4": { "example.test": [{ TXT: `v=spf1 ${blocks} -all` }] },
  "five includes": {
    "example.test": [{ TXT: `v=spf1 ${includes(5)} -all` }],
    ...Object.fromEntries(Array.from({ length: 5 }, (_, i) => [`i${i}.test`, [{ TXT: `v=spf1 ${blocks}` }]])),
  },
  "permerror: eleven nested includes": { "example.test": [{ TXT: "v=spf1 include:example.test" }] },
};

function includes(count: number): string {
  return Array.from({ length: count }, (_, i) => `include:i${i}.test`).join(" ");
}

function evaluate(answers: Zone): Outcome {
  const evaluation = checkHost(input);
  let step = evaluation.next();
  while (step.done !== true) {
    step = evaluation.next(step.value.kind === "ask" ? answers.answer(step.value.question) : undefined);
  }
  return step.value;
}

function measure(name: string, work: () => void): void {
  const rounds = Array.from({ length: ROUNDS }, () => {
    const start = performance.now();
    let count = 0;
    while (performance.now() - start < ROUND_MS) {
      work();
      count++;
    }
    return ((performance.now() - start) * 1000) / count;
  });
  const median = rounds.sort((a, b) => a - b)[ROUNDS >> 1] ?? 0;
  process.stdout.write(`${name}: ${median.toFixed(1)} us\n`);
}

/** An answer of 900 addresses, with owners compressed as servers do it. */
function manyAddresses(query: Buffer): Buffer {
  const head = Buffer.from(query);
  head.writeUInt16BE(0x8180, 2);
  head.writeUInt16BE(900, 6);
  const records = Array.from({ length: 900 }, (_, i) =>
    Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4, 10, 1, i >> 8, i & 255]),
  );
  return Buffer.concat([head, ...records]);
}

for (const [name, data] of Object.entries(CASES)) {
  const zone = new Zone(data);
  measure(name, () => evaluate(zone));
}
const query = encodeQuery({ name: "x1.mx1.example.test", type: "A" }, false);
const answer = manyAddresses(query.message);
// Ten mx of ten exchanges make a hundred of these.
measure("an answer of 900 addresses, read", () => readResponse(Buffer.from(answer), query));
