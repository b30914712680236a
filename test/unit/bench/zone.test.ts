/** The zone and the messages of the benchmark's mixed workload are what they say. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeQuery, readResponse } from "../../../src/dns/messages.ts";
import { mixedAnswer } from "../../tools/bench/mixed/answer.ts";
import { messageAt, zipf } from "../../tools/bench/mixed/workload.ts";
import { answerOf, delayOf, domainOf, type Kind, TYPE } from "../../tools/bench/mixed/zone.ts";

const SEED = 20;
const COUNT = 100_000;
const domains = Array.from({ length: COUNT }, (_, n) => domainOf(SEED, n));
const near = (got: number, wanted: number, what: string): void => {
  assert.ok(Math.abs(got - wanted) < 0.1 * wanted + 0.001, `${what}: ${got}, wanted ${wanted}`);
};

test("shares of kinds", () => {
  const wanted: Readonly<Record<Kind, number>> = {
    none: 0.4,
    plain: 0.6 * 0.405,
    includes: 0.6 * 0.51,
    lookups: 0.6 * 0.065,
    missing: 0.6 * 0.012,
    faulty: 0.6 * 0.005,
    silent: 0.6 * 0.003,
  };
  for (const [kind, share] of Object.entries(wanted)) {
    near(domains.filter((domain) => domain.kind === kind).length / COUNT, share, kind);
  }
});

test("shares of TTLs and endings", () => {
  for (const [ttl, share] of [
    [60, 0.1],
    [300, 0.4],
    [3600, 0.4],
    [86400, 0.1],
  ] as const) {
    near(domains.filter((domain) => domain.ttlSeconds === ttl).length / COUNT, share, `TTL ${ttl}`);
  }
  near(domains.filter((domain) => domain.ending === "-all").length / COUNT, 0.37, "-all");
});

test("one to four includes, half of them shared; eleven to fourteen lookups", () => {
  const including = domains.filter(({ kind }) => kind === "includes");
  const labels = including.flatMap(({ includes }) => includes);
  assert.deepEqual([...new Set(including.map(({ includes }) => includes.length))].sort(), [1, 2, 3, 4]);
  near(labels.filter((label) => label.startsWith("s")).length / labels.length, 0.5, "shared");
  assert.equal(new Set(labels.filter((label) => label.startsWith("s"))).size, 6);
  const many = domains.filter(({ kind }) => kind === "lookups").map(({ includes }) => includes.length);
  assert.deepEqual([...new Set(many)].sort(), [11, 12, 13, 14]);
});

test("Zipf: rank r comes 1/r as often as the first", () => {
  const counts = new Map<number, number>();
  for (let i = 0; i < 1_000_000; i++) {
    const n = zipf(1000, (i + 0.5) / 1_000_000);
    counts.set(n, (counts.get(n) ?? 0) + 1);
  }
  assert.equal(Math.max(...counts.keys()), 999);
  near((counts.get(99) ?? 0) / (counts.get(9) ?? 1), Math.log(101 / 100) / Math.log(11 / 10), "100 to 10");
});

test("messages: Poisson arrivals at the rate, IPv6 clients, null senders; the same again", () => {
  const population = { seed: SEED, run: 1, domains: 1000, rate: 200, offShare: 0.05, leftOutShare: 0 };
  let [atMs, six, empty, off] = [0, 0, 0, 0];
  for (let i = 0; i < 20_000; i++) {
    const message = messageAt(population, i, atMs);
    assert.ok(message.atMs > atMs);
    atMs = message.atMs;
    if (message.clientIp.includes(":")) six++;
    if (message.sender === "") empty++;
    if (!message.isAnswered && message.expected === "temperror") off++;
  }
  near(20_000 / (atMs / 1000), 200, "rate");
  near(six / 20_000, 0.1, "IPv6");
  near(empty / 20_000, 0.1, "null senders");
  assert.ok(off > 0);
  assert.deepEqual(messageAt(population, 7, 0), messageAt(population, 7, 0));
});

test("answers", () => {
  const of = (kind: Kind): string => `m${domains.findIndex((domain) => domain.kind === kind)}.x3.mix.test`;
  assert.deepEqual(answerOf(SEED, of("silent"), TYPE.TXT, 0), { kind: "silence" });
  assert.deepEqual(answerOf(SEED, of("plain"), TYPE.TXT, 1), { kind: "silence" });
  assert.equal(answerOf(SEED, `gone.${of("missing")}`, TYPE.TXT, 0).kind, "nxdomain");
  assert.deepEqual(answerOf(SEED, "other.mix.test", TYPE.TXT, 0), { kind: "nxdomain", ttl: 5 });
  const plain = answerOf(SEED, of("plain"), TYPE.TXT, 0);
  assert.ok(plain.kind === "records" && plain.data[0]?.startsWith("v=spf1 ") === true);
  const none = answerOf(SEED, of("none"), TYPE.TXT, 0);
  assert.ok(none.kind === "records" && none.data.length === 0);
});

test("answers on the wire are what the zone says, and what does not exist may be kept, too", () => {
  const of = (kind: Kind): string => `m${domains.findIndex((domain) => domain.kind === kind)}.x3.mix.test`;
  for (const [name, status] of [
    [of("plain"), "found"],
    [of("none"), "nodata"],
    [`gone.${of("missing")}`, "nxdomain"],
  ] as const) {
    const query = encodeQuery({ type: "TXT", name }, true);
    const message = mixedAnswer(query.message, name, TYPE.TXT, 12 + query.section.length, {
      seed: SEED,
      offShare: 0,
    });
    assert.ok(message !== undefined);
    const response = readResponse(message, query);
    assert.ok(response.kind === "answer" && response.answer.status !== "fault", name);
    const said = answerOf(SEED, name, TYPE.TXT, 0);
    assert.ok(said.kind !== "silence");
    assert.deepEqual([response.answer.status, response.answer.ttlSeconds], [status, said.ttl], name);
  }
});

test("delays: half the shortest, a long tail", () => {
  const sorted = Array.from({ length: 20_000 }, (_, i) => delayOf(SEED, `n${i}`, 20)).sort((a, b) => a - b);
  assert.equal(sorted[0], 20);
  near(sorted[18_000] ?? 0, 20 * 2.45, "p90");
  near(sorted[19_800] ?? 0, 20 * 5.1, "p99");
});
