/**
 * Runs evaluations that wait for an answer that does not come, and prints how many octets each of them holds.
 *
 *     node --expose-gc --import tsx holding-child.ts KIND
 */
import { checkHost, DEFAULT_INPUT, parseIpAddress, type Question } from "spf-check";
import { ipAddressOfBytes } from "../../../src/address/index.ts";
import { drive } from "../../../src/dns/index.ts";

const EVALUATIONS = 16;
const SILENT = "silent.test";

/** 64 KB of a term. */
const filled = (head: string, term: string): string =>
  `v=spf1 ${head}${` ${term}`.repeat(Math.floor((64_000 - head.length) / (term.length + 1)))}`;
const each = (term: string): string =>
  Array.from({ length: 9 }, (_, i) => term.replace("N", String(i))).join(" ");

/** The record of a domain: what comes after the records in it is the term that waits. */
const RECORDS: Readonly<Record<string, (rest: string) => string>> = {
  addresses: (rest) => filled(rest, "ip6:::"),
  lookups: (rest) => filled(rest, "a"),
  modifiers: (rest) => filled(rest, "x="),
  macros: (rest) => filled(`${rest} include:${"%{d}".repeat(15_000)}`, ""),
  hinted: () => `v=spf1 a:${SILENT} ${each("a:wideN.test")}`,
  exchangers: () => `v=spf1 ${each("mx:wideN.test")} a:${SILENT}`,
  names: () => `v=spf1 ptr a:${SILENT}`,
};

const record = RECORDS[process.argv[2] ?? ""];
if (record === undefined) throw new Error(`one of ${Object.keys(RECORDS).join(", ")}`);

/** Each call makes new values, as the network does. */
function records({ name, type }: Question): unknown[] {
  const many = Array.from({ length: 1000 }, (_, i) => i);
  switch (type) {
    case "TXT": {
      const nested = Number(/^n(\d)\./.exec(name)?.[1] ?? 0);
      const rest = nested < 9 ? `include:n${nested + 1}.test` : `a:${SILENT}`;
      return [Buffer.from(record?.(rest) ?? "").toString("latin1")];
    }
    case "MX":
      return many.slice(0, 10).map((i) => ({ preference: i, exchange: `mx${i}.${name}` }));
    case "PTR":
      return many.map((i) => `host${i}.${"long.".repeat(40)}hostile.test`);
    default:
      return many.map((i) => ipAddressOfBytes(Uint8Array.of(10, 0, i >> 8, i & 255)));
  }
}

const evaluations: unknown[] = [];
let waiting = 0;

function start(): void {
  const input = {
    ...DEFAULT_INPUT,
    hints: true,
    ip: parseIpAddress("192.0.2.1") ?? ipAddressOfBytes(Uint8Array.of(192, 0, 2, 1)),
    domain: "hostile.test",
    sender: "a@hostile.test",
    helo: "h.test",
    nowSeconds: 0,
  };
  const source = {
    ask: (question: Question, done: (answer: never) => void) => {
      if (question.name === SILENT) waiting++;
      else
        setImmediate(() => {
          done({ status: "found", records: records(question), ttlSeconds: 0 } as never);
        });
      return { cancel: () => undefined };
    },
  };
  const onThrow = (error: unknown): never => {
    throw error;
  };
  evaluations.push(drive(checkHost(input), { source, onThrow }, onThrow));
}

function octetsInUse(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
}

const turn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

async function measure(): Promise<void> {
  // The first brings what is made once.
  start();
  for (let turns = 0; turns < 2000; turns++) await turn();
  const before = octetsInUse();
  for (let i = 0; i < EVALUATIONS; i++) start();
  for (let turns = 0; turns < 2000; turns++) await turn();
  if (waiting < 1 + EVALUATIONS) throw new Error(`only ${waiting} wait`);
  process.stdout.write(`${Math.round((octetsInUse() - before) / EVALUATIONS)} ${evaluations.length}\n`);
}

void measure();
