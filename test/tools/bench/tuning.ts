/**
 * What each trick of src/node-tuning.ts gains, and of those that live elsewhere: the built daemon, and a copy of its bundle in which one trick is undone, under the same
 * load in turn. A ratio above 1 says that the trick saves so much; the middle of all rounds counts.
 *
 *     node --import tsx test/tools/bench/tuning.ts [TRICK …]      (ROUNDS=, RUN_SECONDS=, SENDERS= as for make bench)
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Bench } from "./bench.ts";
import { readOptions } from "./options.ts";
import { type Peer, startDaemon, writeConfiguration } from "./peers.ts";
import { median } from "./statistics.ts";
import { figure, table } from "./table.ts";
import { residentKb } from "./usage.ts";

const BUNDLE = join(import.meta.dirname, "../../../dist/smf-spf.js");
const DNS_DELAY_MS = 20;

/** What is in the bundle, and what undoes it. */
type Patch = readonly [found: string | RegExp, instead: string];

const TRICKS: Readonly<Record<string, Patch>> = {
  none: [/^/, ""],
  socketShapes: ["function shareSocketShapes() {", "$& return;"],
  pretenuring: ["function disablePretenuring() {", "$& return;"],
  heapGrowth: [
    / {2}evaluated\(\) \{\n {4}if \(this\.#limited/,
    "  evaluated() {\n return; if (this.#limited",
  ],
  connectionTable: [
    "new ConnectionTable()",
    `new (class { #all = new Set(); get size() { return this.#all.size; } add(one) { this.#all.add(one); }
       delete(one) { this.#all.delete(one); } all() { return [...this.#all]; } })()`,
  ],
  oneRecord: ["records: only === void 0 || further.length > 0 ? records : only,", "records,"],
  writtenOut: [
    /const \{[^}]*\} = this\.#values;\s+return \{ ip, domain, localPart,[^}]*validatedName: (\w+) \};/,
    "return { ...this.#values, domain, validatedName: $1 };",
  ],
  oneString: [
    /let packets = "";\s+for \(const edit of edits\) packets \+= editPacket\(edit\);[^}]*return bytes;/,
    'return Buffer.concat([...edits.map((edit) => Buffer.from(editPacket(edit), "latin1")), response]);',
  ],
};

/** Those that are said to save memory. */
const MEMORY = new Set(["none", "heapGrowth", "oneRecord"]);

/** A copy of the bundle without the trick. */
function undone(name: string, folder: string): string {
  const [found, instead] = TRICKS[name] ?? [/(?!)/, ""];
  const bundle = readFileSync(BUNDLE, "utf8");
  const copy = bundle.replace(found, instead);
  if (copy === bundle && name !== "none") throw new Error(`${name}: the bundle has no such place`);
  const path = join(folder, "smf-spf.js");
  writeFileSync(path, copy);
  return path;
}

async function measure(bench: Bench, name: string): Promise<string[][]> {
  const start = (kind: string, program: (folder: string) => string | undefined): Promise<Peer> => {
    const folder = join(bench.folder, `${name}-${kind}`);
    mkdirSync(folder);
    return startDaemon(folder, writeConfiguration(folder, bench.nameServerPort), program(folder));
  };
  const peers = [
    await start("with", () => undefined),
    await start("without", (folder) => undone(name, folder)),
  ];
  const rows: string[][] = [];
  const compare = async (
    load: string,
    rounds: number,
    one: (peer: Peer) => Promise<Readonly<Record<string, number>>>,
  ): Promise<void> => {
    const ratios = new Map<string, number[]>();
    const absolute = new Map<string, [number[], number[]]>();
    for (let round = 0; round < rounds; round++) {
      const order = round % 2 === 0 ? peers : [...peers].reverse();
      const found = new Map<Peer, Readonly<Record<string, number>>>();
      for (const peer of order) found.set(peer, await one(peer));
      const [own = {}, other = {}] = peers.map((peer) => found.get(peer));
      for (const [what, value] of Object.entries(own)) {
        ratios.set(what, [...(ratios.get(what) ?? []), (other[what] ?? Number.NaN) / value]);
        const pair = absolute.get(what) ?? [[], []];
        pair[0].push(value);
        pair[1].push(other[what] ?? Number.NaN);
        absolute.set(what, pair);
      }
    }
    for (const [what, list] of ratios) {
      const sorted = [...list].sort((a, b) => a - b);
      const [own = [], other = []] = absolute.get(what) ?? [];
      rows.push([
        name,
        `${load}: ${what}`,
        figure(median(own)),
        figure(median(other)),
        median(list).toFixed(3),
        `${(sorted[Math.floor(sorted.length / 4)] ?? Number.NaN).toFixed(3)}–${(sorted[Math.floor((sorted.length * 3) / 4)] ?? Number.NaN).toFixed(3)}`,
      ]);
    }
  };
  const { rounds, seconds, senders } = bench.options;
  try {
    const warm = 1000;
    const hot = { sender: "user{n}@p{n}.bench.test", senders: warm, firstSender: bench.freshSenders(warm) };
    await bench.setDelay(DNS_DELAY_MS);
    await compare("cold 64", Math.ceil(rounds / 2), async (peer) => {
      const messages = Math.ceil(seconds * 64 * 25);
      const firstSender = bench.freshSenders(messages);
      const run = await bench.run(peer, {
        sender: "user@d{n}.bench.test",
        senders: messages,
        firstSender,
        messages,
        connections: 64,
        seconds: 60,
      });
      return { "cpu µs": run.peerCpuUs ?? Number.NaN, "MAIL p50 ms": run.mailMs.p50 };
    });
    await bench.setDelay(0);
    for (const peer of peers)
      await bench.run(peer, { ...hot, connections: 16, messages: 20 * warm, seconds: 60 });
    for (const connections of [16, 64]) {
      await compare(`hot ${connections}`, rounds, async (peer) => {
        const run = await bench.run(peer, { ...hot, connections });
        return { "cpu µs": run.peerCpuUs ?? Number.NaN, "p99 µs": run.waitMs.p99 * 1000 };
      });
    }
    if (MEMORY.has(name)) {
      await compare("memory", 1, async (peer) => {
        const run = await bench.run(peer, {
          sender: "user{n}@p{n}.bench.test",
          senders,
          firstSender: bench.freshSenders(senders),
          messages: senders,
          seconds: 3600,
          connections: 32,
          messagesPerConnection: 100,
        });
        return {
          "resident MB": (residentKb(peer.pid ?? -1) ?? Number.NaN) / 1024,
          "cpu µs": run.peerCpuUs ?? Number.NaN,
        };
      });
    }
  } finally {
    for (const peer of peers) await peer.stop();
  }
  return rows;
}

const bench = await Bench.open(readOptions(process.env));
try {
  const named = process.argv.slice(2);
  const rows: string[][] = [];
  for (const name of named.length > 0 ? named : Object.keys(TRICKS))
    rows.push(...(await measure(bench, name)));
  process.stdout.write(
    `Node ${process.version}\n${table(["trick", "load", "with", "without", "ratio", "quartiles"], rows)}`,
  );
} finally {
  await bench.close();
}
