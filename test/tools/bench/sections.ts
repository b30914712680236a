/** What is measured, section by section. */

import { mkdirSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import type { Bench, JobChoice, Run } from "./bench.ts";
import type { SectionName } from "./options.ts";
import { OPTNEG } from "./packets.ts";
import { type Peer, startDaemon, writeConfiguration } from "./peers.ts";
import { median } from "./statistics.ts";
import { figure } from "./table.ts";
import { residentKb } from "./usage.ts";

/** What a section came to: a table for people, every run for programs. */
export interface Section {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly runs: Record<string, unknown>;
  /** Every run of the section, by milter, for the errors that are shown below the table. */
  readonly errors: readonly string[];
}

const DNS_DELAY_MS = 20;
const of = (runs: readonly Run[], value: (run: Run) => number | undefined): number =>
  median(runs.flatMap((run) => value(run) ?? []));
/** The middle of the ratios of runs that followed each other: a machine that is busy for a while slows both. */
const paired = (own: readonly Run[], other: readonly Run[], value: (run: Run) => number): number =>
  median(own.flatMap((run, i) => (other[i] === undefined ? [] : value(run) / value(other[i]))));
const sum = (counts: Record<string, number>): number => Object.values(counts).reduce((a, b) => a + b, 0);
const refused = (run: Run): number => run.messages - (run.verdicts["accept"] ?? 0) + sum(run.errors);

/** What went wrong, by milter, each error once with its count. */
function errorsOf(name: string, runs: readonly Run[]): string[] {
  const counts = new Map<string, number>();
  for (const run of runs) {
    for (const [error, count] of Object.entries(run.errors))
      counts.set(error, (counts.get(error) ?? 0) + count);
    for (const [verdict, count] of Object.entries(run.verdicts)) {
      if (verdict !== "accept")
        counts.set(`answered ${verdict}`, (counts.get(`answered ${verdict}`) ?? 0) + count);
    }
  }
  return [...counts].map(([error, count]) => `${name}: ${error} (${count} times)`);
}

/** Warm caches: what a filter costs when nothing has to be looked up. */
async function hot(bench: Bench): Promise<Section> {
  const rows: string[][] = [];
  const errors: string[] = [];
  const all: Record<string, unknown> = {};
  const senders = 1000;
  const job = { sender: "user{n}@p{n}.bench.test", senders, firstSender: bench.freshSenders(senders) };
  await bench.setDelay(0);
  for (const peer of bench.peers)
    await bench.run(peer, { ...job, connections: 16, messages: senders, seconds: 60 });
  for (const connections of [1, 16, 64]) {
    const runs = await bench.inTurn(`hot, ${connections} connections`, bench.peers, (peer) =>
      bench.run(peer, { ...job, connections }),
    );
    const own = runs.get(bench.daemon) ?? [];
    for (const [peer, list] of runs) {
      const rate = of(list, (run) => run.messagesPerSecond);
      const p50 = of(list, (run) => run.waitMs.p50);
      rows.push([
        String(connections),
        peer.name,
        figure(rate),
        figure(p50 * 1000),
        figure(of(list, (run) => run.waitMs.p99) * 1000),
        figure(of(list, (run) => run.waitsPerMessage)),
        figure(of(list, (run) => run.peerCpuUs)),
        figure(paired(own, list, (run) => run.messagesPerSecond)),
        figure(paired(own, list, (run) => run.waitMs.p50)),
        figure(of(list, (run) => run.generatorCpuSeconds / run.seconds)),
        figure(of(list, (run) => run.otherCpuShare)),
        String(list.reduce((total, run) => total + refused(run), 0)),
      ]);
      all[`${connections} ${peer.name}`] = list;
      errors.push(...errorsOf(peer.name, list));
    }
  }
  return {
    title: "hot: verdicts in memory, 10 header fields, 10 KB body, one message a connection",
    head: [
      "conns",
      "milter",
      "msgs/s",
      "p50 µs",
      "p99 µs",
      "waits",
      "cpu µs",
      "rate ×",
      "p50 ×",
      "gen",
      "other",
      "wrong",
    ],
    rows,
    runs: all,
    errors,
  };
}

/** Every message from a domain never seen: five includes, the client permitted in the last. */
async function cold(bench: Bench): Promise<Section> {
  const rows: string[][] = [];
  const errors: string[] = [];
  const all: Record<string, unknown> = {};
  await bench.setDelay(DNS_DELAY_MS);
  const peers = bench.peers.filter((peer) => peer.asksDns);
  for (const connections of [1, 64]) {
    const runs = await bench.inTurn(`cold, ${connections} connections`, peers, (peer) => {
      const messages = Math.ceil(bench.options.seconds * connections * 50);
      return bench.run(peer, {
        sender: "user@d{n}.bench.test",
        senders: messages,
        firstSender: bench.freshSenders(messages),
        messages,
        connections,
      });
    });
    for (const [peer, list] of runs) {
      const p50 = of(list, (run) => run.mailMs.p50);
      rows.push([
        String(connections),
        peer.name,
        figure(of(list, (run) => run.messagesPerSecond)),
        figure(p50),
        figure(p50 / DNS_DELAY_MS),
        figure(of(list, (run) => run.mailMs.p99)),
        figure(of(list, (run) => run.waitMs.p50)),
        figure(of(list, (run) => sum(run.questions) / run.messages)),
        figure(of(list, (run) => run.otherCpuShare)),
        String(list.reduce((total, run) => total + refused(run), 0)),
      ]);
      all[`${connections} ${peer.name}`] = list;
      errors.push(...errorsOf(peer.name, list));
    }
  }
  return {
    title: `cold: a new domain for every message, 5 includes of 2 ranges, DNS takes ${DNS_DELAY_MS} ms`,
    head: [
      "conns",
      "milter",
      "msgs/s",
      "verdict p50 ms",
      "in DNS trips",
      "p99 ms",
      "message p50 ms",
      "questions",
      "other",
      "wrong",
    ],
    rows,
    runs: all,
    errors,
  };
}

/** Many connections at once that all need the same domain, which nobody has asked for yet. */
async function storm(bench: Bench): Promise<Section> {
  const connections = 256;
  await bench.setDelay(DNS_DELAY_MS);
  const peers = bench.peers.filter((peer) => peer.asksDns);
  const runs = await bench.inTurn("storm", peers, (peer) =>
    bench.run(peer, {
      sender: "user@d{n}.bench.test",
      senders: 1,
      firstSender: bench.freshSenders(1),
      messages: connections,
      seconds: 60,
      connections,
    }),
  );
  const rows = [...runs].map(([peer, list]) => [
    String(connections),
    peer.name,
    figure(of(list, (run) => run.mailMs.p50)),
    figure(of(list, (run) => run.mailMs.max)),
    figure(of(list, (run) => sum(run.questions))),
    figure(Math.max(...list.flatMap((run) => Object.values(run.questions)))),
    String(list.reduce((total, run) => total + refused(run), 0)),
  ]);
  return {
    title: `storm: ${connections} connections at once for one domain that nobody has asked for`,
    head: ["conns", "milter", "verdict p50 ms", "max ms", "questions", "most of one record", "wrong"],
    rows,
    runs: Object.fromEntries([...runs].map(([peer, list]) => [peer.name, list])),
    errors: [...runs].flatMap(([peer, list]) => errorsOf(peer.name, list)),
  };
}

/** A long header and a large body against a small message. */
async function big(bench: Bench): Promise<Section> {
  const rows: string[][] = [];
  const errors: string[] = [];
  const all: Record<string, unknown> = {};
  const senders = 100;
  const base = {
    sender: "user{n}@p{n}.bench.test",
    senders,
    firstSender: bench.freshSenders(senders),
    connections: 1,
  };
  const shapes: readonly (readonly [string, Partial<JobChoice>])[] = [
    ["10 fields, 10 KB", {}],
    ["1,000 fields, 5 MB", { headers: 1000, bodyBytes: 5_000_000 }],
  ];
  await bench.setDelay(0);
  for (const peer of bench.peers) await bench.run(peer, { ...base, messages: senders, seconds: 60 });
  const small = new Map<Peer, number>();
  for (const [label, shape] of shapes) {
    const runs = await bench.inTurn(`big, ${label}`, bench.peers, (peer) =>
      bench.run(peer, { ...base, ...shape }),
    );
    for (const [peer, list] of runs) {
      const p50 = of(list, (run) => run.waitMs.p50);
      small.set(peer, small.get(peer) ?? p50);
      rows.push([
        label,
        peer.name,
        figure(of(list, (run) => run.messagesPerSecond)),
        figure(p50 * 1000),
        figure(p50 / (small.get(peer) ?? p50)),
        figure(of(list, (run) => run.waitsPerMessage)),
        figure(of(list, (run) => run.peerCpuUs)),
        String(list.reduce((total, run) => total + refused(run), 0)),
      ]);
      all[`${label} ${peer.name}`] = list;
      errors.push(...errorsOf(peer.name, list));
    }
  }
  return {
    title: "big: a message of 1,000 header fields and 5 MB against a small one, one connection",
    head: ["message", "milter", "msgs/s", "p50 µs", "× small", "waits", "cpu µs", "wrong"],
    rows,
    runs: all,
    errors,
  };
}

/** Resident memory after many distinct senders, and of connections that do nothing. */
async function memory(bench: Bench): Promise<Section> {
  const folder = join(bench.folder, "memory");
  mkdirSync(folder);
  const daemon = await startDaemon(folder, writeConfiguration(folder, bench.nameServerPort));
  const pid = daemon.pid ?? -1;
  try {
    await bench.setDelay(0);
    const atStart = residentKb(pid);
    const count = 900;
    const sockets = await idleConnections(daemon, count);
    const withIdle = residentKb(pid);
    for (const socket of sockets) socket.destroy();
    const steps: { readonly senders: number; readonly kb: number | undefined }[] = [];
    const rows: string[][] = [
      ["at start", daemon.name, figure((atStart ?? Number.NaN) / 1024), ""],
      [
        `${count} idle connections`,
        daemon.name,
        figure((withIdle ?? Number.NaN) / 1024),
        `${figure(((withIdle ?? Number.NaN) - (atStart ?? Number.NaN)) / count)} KB each`,
      ],
    ];
    const parts = 4;
    const runs: Run[] = [];
    for (let i = 1; i <= parts; i++) {
      bench.progress(`memory: part ${i} of ${parts}`);
      const messages = Math.ceil(bench.options.senders / parts);
      runs.push(
        await bench.run(daemon, {
          sender: "user{n}@p{n}.bench.test",
          senders: messages,
          firstSender: bench.freshSenders(messages),
          messages,
          seconds: 3600,
          connections: 32,
          messagesPerConnection: 100,
        }),
      );
      const kb = residentKb(pid);
      steps.push({ senders: messages * i, kb });
      rows.push([
        `${figure(messages * i)} senders`,
        daemon.name,
        figure((kb ?? Number.NaN) / 1024),
        `${figure(runs.at(-1)?.messagesPerSecond)} msgs/s`,
      ]);
    }
    bench.progress("");
    return {
      title: "memory: resident, MB",
      head: ["after", "milter", "MB", ""],
      rows,
      runs: { atStartKb: atStart, idle: { connections: count, kb: withIdle }, steps, runs },
      errors: errorsOf(daemon.name, runs),
    };
  } finally {
    await daemon.stop();
  }
}

/** Connections that have negotiated and then say nothing. */
async function idleConnections(peer: Peer, count: number): Promise<Socket[]> {
  const sockets: Socket[] = [];
  for (let i = 0; i < count; i++) {
    sockets.push(
      await new Promise<Socket>((resolve, reject) => {
        const socket = connect(peer.target);
        socket.once("error", reject);
        socket.once("data", () => {
          resolve(socket);
        });
        socket.write(OPTNEG);
      }),
    );
  }
  return sockets;
}

/** From the start of the process to the first connection it takes. */
async function start(bench: Bench): Promise<Section> {
  const folder = join(bench.folder, "start");
  mkdirSync(folder);
  const configuration = writeConfiguration(folder, bench.nameServerPort);
  const times: number[] = [];
  for (let round = 0; round < bench.options.rounds * 2; round++) {
    const begun = performance.now();
    const daemon = await startDaemon(folder, configuration);
    times.push(performance.now() - begun);
    await daemon.stop();
  }
  return {
    title: "start: from exec to the first connection taken",
    head: ["starts", "milter", "median ms", "slowest ms"],
    rows: [[String(times.length), "smf-spf", figure(median(times)), figure(Math.max(...times))]],
    runs: { milliseconds: times },
    errors: [],
  };
}

/** The sections by name. */
export const SECTIONS: Record<SectionName, (bench: Bench) => Promise<Section>> = {
  hot,
  cold,
  storm,
  big,
  memory,
  start,
};
