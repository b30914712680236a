/**
 * The mixed workload in a time of its own, in which nothing takes time but DNS: what a filter that costs nothing would
 * have its messages wait, for the way in which it asks. The caches and the evaluator are those of the daemon.
 *
 *     node --import tsx test/tools/bench/mixed/floor.ts
 */
import { type Answer, type AnswerSource, checkHost, type Question } from "spf-check";
import { parseIpAddress } from "../../../../src/address/index.ts";
import { loadConfig } from "../../../../src/config/index.ts";
import { AnswerCache, drive, foresee } from "../../../../src/dns/index.ts";
import { VerdictCache } from "../../../../src/verdicts/index.ts";
import { distribution } from "../statistics.ts";
import { figure, table } from "../table.ts";
import { messageAt, type Population } from "./workload.ts";
import { answerOf, delayOf, SPEED, TYPE } from "./zone.ts";

const SEED = 20;
const RATE = 200;
const WARM_SECONDS = 480 / SPEED;
const SECONDS = Number(process.env["RUN_SECONDS"] || 10) * 2;
/** DNSTries times DNSTimeout. */
const SILENCE_MS = 6000;
const GRACE_MS = 1000;

/** How a filter asks. */
interface Way {
  readonly name: string;
  /** What a record names is asked for at once. */
  readonly hints: boolean;
  /** So is what it led to the last time. */
  readonly foresees: boolean;
  /** What is in use is asked for again when it has ended. */
  readonly renews: boolean;
}

const WAYS: readonly Way[] = [
  { name: "one after the other", hints: false, foresees: false, renews: false },
  { name: "all of a record at once", hints: true, foresees: false, renews: false },
  { name: "and names in use again", hints: true, foresees: false, renews: true },
  { name: "and at once what it led to before", hints: true, foresees: true, renews: true },
];

/** What is to happen, in the order of its time. */
class Future {
  nowMs = 0;
  /** The latest first. */
  readonly #events: { readonly atMs: number; readonly run: () => void }[] = [];

  at(atMs: number, run: () => void): void {
    let start = 0;
    let end = this.#events.length;
    while (start < end) {
      const middle = (start + end) >> 1;
      if ((this.#events[middle]?.atMs ?? 0) > atMs) start = middle + 1;
      else end = middle;
    }
    this.#events.splice(start, 0, { atMs, run });
  }

  /** Runs what comes first; false where nothing is left. */
  step(): boolean {
    const next = this.#events.pop();
    if (next === undefined) return false;
    this.nowMs = next.atMs;
    next.run();
    return true;
  }
}

const { settings } = loadConfig("", { mustExist: false, env: {} });
if (settings === undefined) throw new Error("no default settings");
const { ttlSeconds, localPolicy } = settings;
const limits = { lookupLimit: settings.lookupLimit, voidLookupLimit: settings.voidLookupLimit };
const SILENT: Answer = { status: "fault", problem: "silence", cause: "timeout" };

function answer({ name, type }: Question): Answer | undefined {
  const wire = answerOf(SEED, name.toLowerCase(), TYPE[type as keyof typeof TYPE], 0);
  if (wire.kind === "silence") return undefined;
  if (wire.kind === "nxdomain") return { status: "nxdomain", ttlSeconds: wire.ttl };
  if (wire.data.length === 0) return { status: "nodata", ttlSeconds: wire.ttl };
  const records = wire.data.map((data) => {
    if (type === "TXT") return data;
    if (type === "MX") return { preference: 10, exchange: data };
    const address = parseIpAddress(data);
    if (address === undefined) throw new Error(`not an address: ${data}`);
    return address;
  });
  return { status: "found", records, ttlSeconds: wire.ttl };
}

function play(way: Way, domains: number, delayMs: number): string[] {
  const future = new Future();
  let questions = 0;
  const source: AnswerSource = {
    ask(question, done) {
      questions++;
      const found = answer(question);
      let isOn = true;
      const afterMs = found === undefined ? SILENCE_MS : delayOf(SEED, question.name.toLowerCase(), delayMs);
      future.at(future.nowMs + afterMs, () => {
        if (isOn) done(found ?? SILENT);
      });
      return {
        cancel: () => {
          isOn = false;
        },
      };
    },
  };
  const clock = { nowMs: () => future.nowMs };
  const renewing = way.renews
    ? {
        onPopular: (expiresMs: number, renew: () => void) => {
          future.at(expiresMs + GRACE_MS, renew);
        },
      }
    : {};
  const answers = new AnswerCache({ source, entriesMax: 1e6, ...clock, ...renewing });
  const verdicts = new VerdictCache({
    ttlSeconds,
    entriesMax: 1e6,
    ...clock,
    ...renewing,
    onError: (error) => {
      throw error;
    },
    check: ({ ip, domain, sender, helo, receiver }, done) => {
      const input = { ip, domain, sender, helo, receiver, nowSeconds: 0, limits, localPolicy };
      const begin = () => checkHost({ ...input, hints: way.hints, trace: false });
      return drive(
        begin(),
        {
          source: answers,
          ...(way.foresees
            ? { foresee: () => foresee(begin(), (question) => answers.recall(question)) }
            : {}),
          onThrow: (error) => {
            throw error;
          },
        },
        done,
      );
    },
  });
  const population: Population = { seed: SEED, run: 1, domains, rate: RATE, offShare: 0, leftOutShare: 0 };
  const waits: number[] = [];
  let known = 0;
  const arrive = (i: number, beforeMs: number): void => {
    const message = messageAt(population, i, beforeMs);
    if (message.atMs > (WARM_SECONDS + SECONDS) * 1000) return;
    future.at(message.atMs, () => {
      arrive(i + 1, message.atMs);
      const ip = parseIpAddress(message.clientIp);
      if (ip === undefined) throw new Error(`not an address: ${message.clientIp}`);
      const beganMs = future.nowMs;
      const isCounted = beganMs >= WARM_SECONDS * 1000;
      const end = (): void => {
        if (isCounted) waits.push(future.nowMs - beganMs);
      };
      const sender = message.sender === "" ? `postmaster@${message.helo}` : message.sender;
      const request = {
        ip,
        domain: message.helo,
        sender,
        helo: message.helo,
        receiver: "mx.example.test",
        clientName: undefined,
        deadlineMs: Number.POSITIVE_INFINITY,
      };
      const evaluation = verdicts.evaluate(request, end);
      if ("cancel" in evaluation) return;
      if (isCounted) known++;
      end();
    });
  };
  arrive(0, 0);
  let total = 0;
  while (future.nowMs < (WARM_SECONDS + SECONDS) * 1000 + SILENCE_MS && future.step()) total++;
  if (total === 0) throw new Error("nothing happened");
  const { p90, p99, p999 } = distribution(waits);
  const messages = RATE * (WARM_SECONDS + SECONDS);
  return [
    `${domains.toLocaleString("en-US")}, ${delayMs} ms`,
    way.name,
    figure(p90),
    figure(p99),
    figure(p999),
    `${((known / waits.length) * 100).toFixed(1)} %`,
    figure(questions / messages),
  ];
}

const rows: string[][] = [];
for (const [domains, delayMs] of [
  [1000, 20],
  [100_000, 20],
] as const) {
  for (const way of WAYS) rows.push(play(way, domains, delayMs));
}
process.stdout.write(
  table(["domains, DNS", "questions asked", "p90", "p99", "p99.9", "at once", "questions/message"], rows),
);
