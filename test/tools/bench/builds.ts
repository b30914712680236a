/**
 * The daemon on several versions of Node, or several builds of it, under the same load in turn: hot, cold, start and
 * memory as a Markdown table. Ratios are of runs of one round, to the first that is named.
 *
 *     node --import tsx test/tools/bench/builds.ts NAME=NODE[,PROGRAM] …
 *
 * NODE is the path of a node, PROGRAM that of a smf-spf.js (dist/smf-spf.js). ROUNDS=, RUN_SECONDS= and SENDERS= as for
 * make bench.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Bench } from "./bench.ts";
import { readOptions } from "./options.ts";
import { type Peer, startDaemon, writeConfiguration } from "./peers.ts";
import { median } from "./statistics.ts";
import { figure } from "./table.ts";
import { residentKb } from "./usage.ts";

const DNS_DELAY_MS = 20;
const WARM_SENDERS = 1000;

interface Build {
  readonly name: string;
  readonly node: string;
  readonly program: string | undefined;
}

function parseBuild(text: string): Build {
  const match = /^([^=]+)=([^,]+)(?:,(.+))?$/.exec(text);
  if (match === null) throw new Error(`a build is NAME=NODE[,PROGRAM]; read ${text}`);
  const [, name = "", node = "", program] = match;
  return { name, node, program };
}

/** Figures of a build by what they are, one a round. */
type Figures = Map<string, number[]>;

class Comparison {
  readonly #bench: Bench;
  readonly #builds: readonly Build[];
  readonly #figures: ReadonlyMap<Build, Figures>;
  #directories = 0;

  constructor(bench: Bench, builds: readonly Build[]) {
    this.#bench = bench;
    this.#builds = builds;
    this.#figures = new Map(builds.map((build) => [build, new Map()]));
  }

  start(build: Build): Promise<Peer> {
    const directory = join(this.#bench.folder, `build-${this.#directories++}`);
    mkdirSync(directory);
    const configuration = writeConfiguration(directory, this.#bench.nameServerPort);
    return startDaemon(directory, configuration, build.program, { node: build.node });
  }

  async inTurn(rounds: number, one: (build: Build) => Promise<Record<string, number>>): Promise<void> {
    for (let round = 0; round < rounds; round++) {
      for (const build of round % 2 === 0 ? this.#builds : [...this.#builds].reverse()) {
        for (const [what, value] of Object.entries(await one(build))) {
          const figures = this.#figures.get(build);
          figures?.set(what, [...(figures.get(what) ?? []), value]);
        }
      }
    }
  }

  /** A row for each figure: the medians of each build, and the paired ratios to the first. */
  markdown(): string {
    const [first, ...others] = this.#builds;
    const lists = (build: Build | undefined): Figures =>
      (build === undefined ? undefined : this.#figures.get(build)) ?? new Map<string, number[]>();
    const rows = [...lists(first)].map(([what, own]) => [
      what,
      ...this.#builds.map((build) => figure(median(lists(build).get(what) ?? []))),
      ...others.map((build) =>
        median((lists(build).get(what) ?? []).map((value, i) => value / (own[i] ?? Number.NaN))).toFixed(2),
      ),
    ]);
    const head = [
      "",
      ...this.#builds.map(({ name }) => name),
      ...others.map(({ name }) => `${name} / ${first?.name ?? ""}`),
    ];
    return [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |\n`).join("");
  }
}

async function measure(bench: Bench, builds: readonly Build[]): Promise<string> {
  const comparison = new Comparison(bench, builds);
  const { rounds, seconds, senders } = bench.options;
  const peers = new Map<Build, Peer>();
  for (const build of builds) peers.set(build, await comparison.start(build));
  const peerOf = (build: Build): Peer => peers.get(build) ?? bench.daemon;
  const hot = {
    sender: "user{n}@p{n}.bench.test",
    senders: WARM_SENDERS,
    firstSender: bench.freshSenders(WARM_SENDERS),
  };
  for (const peer of peers.values())
    await bench.run(peer, { ...hot, connections: 16, messages: 20 * WARM_SENDERS, seconds: 60 });
  for (const connections of [1, 16, 64]) {
    await comparison.inTurn(rounds, async (build) => {
      const run = await bench.run(peerOf(build), { ...hot, connections });
      return {
        [`hot, ${connections}: messages/s`]: run.messagesPerSecond,
        [`hot, ${connections}: p50 µs`]: run.waitMs.p50 * 1000,
        [`hot, ${connections}: processor time µs`]: run.peerCpuUs ?? Number.NaN,
      };
    });
  }
  await bench.setDelay(DNS_DELAY_MS);
  for (const connections of [1, 64]) {
    await comparison.inTurn(rounds, async (build) => {
      const messages = Math.ceil(seconds * connections * 20);
      const firstSender = bench.freshSenders(messages);
      const job = { sender: "user@d{n}.bench.test", senders: messages, firstSender, messages, seconds: 60 };
      const run = await bench.run(peerOf(build), { ...job, connections });
      return {
        [`cold, ${connections}: verdict p50 ms`]: run.mailMs.p50,
        [`cold, ${connections}: processor time µs`]: run.peerCpuUs ?? Number.NaN,
      };
    });
  }
  await bench.setDelay(0);
  for (const peer of peers.values()) await peer.stop();

  await comparison.inTurn(rounds * 2, async (build) => {
    const begun = performance.now();
    const peer = await comparison.start(build);
    const ms = performance.now() - begun;
    const megabytes = (residentKb(peer.pid ?? -1) ?? Number.NaN) / 1024;
    await peer.stop();
    return { "start ms": ms, "memory at start MB": megabytes };
  });
  await comparison.inTurn(1, async (build) => {
    const peer = await comparison.start(build);
    await bench.run(peer, {
      sender: "user{n}@p{n}.bench.test",
      senders,
      firstSender: bench.freshSenders(senders),
      messages: senders,
      seconds: 3600,
      connections: 32,
      messagesPerConnection: 100,
    });
    const megabytes = (residentKb(peer.pid ?? -1) ?? Number.NaN) / 1024;
    await peer.stop();
    return { [`memory after ${figure(senders)} senders MB`]: megabytes };
  });
  return comparison.markdown();
}

const builds = process.argv.slice(2).map(parseBuild);
if (builds.length === 0) throw new Error("name at least one build: NAME=NODE[,PROGRAM]");
const bench = await Bench.open(readOptions(process.env));
try {
  process.stdout.write(await measure(bench, builds));
} finally {
  await bench.close();
}
