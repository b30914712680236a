/**
 * What it would gain to ask again at expiry for names that were in use: a simulation of one cache of records under the
 * mixed workload, in the time that mail has. A name is asked for again where its record was found in memory at least
 * {@link HITS_MIN} times in its last life, and then lives for another.
 *
 *     node --import tsx test/tools/bench/mixed/warm.ts
 */
import { table } from "../table.ts";
import { zipf } from "./workload.ts";
import { chance, domainOf } from "./zone.ts";

const SEED = 20;
const HITS_MIN = 3;
const MESSAGES = 1_000_000;
/** Until then the cache fills; what comes after it counts. */
const WARM_UP = 0.3;

interface Life {
  endsAt: number;
  hits: number;
}

/** Share of messages whose record is in memory, and DNS questions a message. */
function simulate(
  domains: number,
  perSecond: number,
  staysWarm: boolean,
): { known: number; questions: number } {
  const lives = new Map<number, Life>();
  let counted = 0;
  let known = 0;
  let questions = 0;
  for (let i = 0; i < MESSAGES; i++) {
    const at = i / perSecond;
    const n = zipf(domains, chance(SEED, "warm", i));
    const counts = i >= MESSAGES * WARM_UP;
    const ttl = domainOf(SEED, n).ttlSeconds;
    const life = lives.get(n) ?? { endsAt: -1, hits: 0 };
    lives.set(n, life);
    // Every life that has ended since the last message asked again, as long as the one before it was in use.
    while (staysWarm && life.endsAt >= 0 && life.endsAt <= at && life.hits >= HITS_MIN) {
      life.endsAt += ttl;
      life.hits = 0;
      if (counts) questions++;
    }
    if (counts) counted++;
    if (at < life.endsAt) {
      life.hits++;
      if (counts) known++;
    } else {
      life.endsAt = at + ttl;
      life.hits = 0;
      if (counts) questions++;
    }
  }
  return { known: known / counted, questions: questions / counted };
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
const rows: string[][] = [];
for (const domains of [1000, 100_000]) {
  for (const perSecond of [1, 10, 100]) {
    const plain = simulate(domains, perSecond, false);
    const warm = simulate(domains, perSecond, true);
    rows.push([
      String(domains),
      String(perSecond),
      percent(plain.known),
      percent(warm.known),
      plain.questions.toFixed(3),
      warm.questions.toFixed(3),
    ]);
  }
}
process.stdout.write(
  table(["domains", "messages/s", "in memory", "and warm", "questions/message", "and warm"], rows),
);
