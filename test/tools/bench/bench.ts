/** What every section of the benchmark works with: the milters, the load generator, the name server. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Child } from "./child.ts";
import type { Job, JobResult } from "./generator.ts";
import type { Options } from "./options.ts";
import { negotiationOf, type Peer, startDaemon, startFloor, writeConfiguration } from "./peers.ts";
import type { NameServerCommand, NameServerReply } from "./slow-nameserver.ts";
import { cpuSeconds, machineBusySeconds } from "./usage.ts";

/** One run against one milter, and what it cost that milter. */
export interface Run extends JobResult {
  /** Processor time of the milter, µs a message; undefined where its process is not known. */
  readonly peerCpuUs: number | undefined;
  /** Share of one core that processes other than milter and generator used: above 0.3 the run is noise. */
  readonly otherCpuShare: number | undefined;
  readonly questions: Record<string, number>;
}

/** The part of a job that a section chooses. */
export type JobChoice = Pick<Job, "connections" | "sender" | "senders" | "firstSender"> &
  Partial<Pick<Job, "messagesPerConnection" | "messages" | "seconds" | "zipf">> & {
    readonly headers?: number;
    readonly bodyOctets?: number;
  };

/** A client that every domain of the bench's name server permits. */
const CLIENT = { clientIp: "192.0.2.1", clientName: "client.bench.test", helo: "client.bench.test" };

/** The set-up of a benchmark; {@link Bench.close} takes it down again. */
export class Bench {
  readonly options: Options;
  readonly folder: string;
  readonly daemon: Peer;
  readonly nameServerPort: number;
  /** The daemon first, then the floor, then the others. */
  readonly peers: readonly Peer[];
  readonly #generator: Child<Job, JobResult>;
  readonly #nameServer: Child<NameServerCommand, NameServerReply>;
  #fresh = 0;

  private constructor(
    options: Options,
    folder: string,
    nameServerPort: number,
    peers: readonly [Peer, ...Peer[]],
    generator: Child<Job, JobResult>,
    nameServer: Child<NameServerCommand, NameServerReply>,
  ) {
    this.options = options;
    this.folder = folder;
    this.nameServerPort = nameServerPort;
    this.daemon = peers[0];
    this.peers = peers;
    this.#generator = generator;
    this.#nameServer = nameServer;
  }

  /** Starts everything. */
  static async open(options: Options): Promise<Bench> {
    const folder = mkdtempSync(join(tmpdir(), "smf-spf-bench-"));
    const nameServer = new Child<NameServerCommand, NameServerReply>("slow-nameserver.ts");
    const listening = await nameServer.ask({ kind: "listen", port: options.nameServerPort, delayMs: 0 });
    const port = listening.kind === "listening" ? listening.port : 0;
    const daemon = await startDaemon(folder, writeConfiguration(folder, port));
    const floor = await startFloor(folder, await negotiationOf(daemon.target));
    const generator = new Child<Job, JobResult>("generator.ts");
    return new Bench(options, folder, port, [daemon, floor, ...options.peers], generator, nameServer);
  }

  async close(): Promise<void> {
    for (const peer of this.peers) await peer.stop();
    this.#generator.stop();
    this.#nameServer.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** A number from which `count` senders have never been used. */
  freshSenders(count: number): number {
    const first = this.#fresh;
    this.#fresh += count;
    return first;
  }

  async setDelay(delayMs: number): Promise<void> {
    await this.#nameServer.ask({ kind: "delay", delayMs });
  }

  /** What the domains of the mixed workload publish, and the share of them that says nothing. */
  async setMixed(seed: number, offShare: number): Promise<void> {
    await this.#nameServer.ask({ kind: "mixed", seed, offShare });
  }

  /** Questions asked since the last call, by name and type. */
  async questions(): Promise<Record<string, number>> {
    const reply = await this.#nameServer.ask({ kind: "count" });
    return reply.kind === "counted" ? reply.questions : {};
  }

  /** One run. */
  async run(peer: Peer, choice: JobChoice): Promise<Run> {
    const { headers = 10, bodyOctets = 10240, ...job } = choice;
    await this.questions();
    const before = {
      peer: peer.pid === undefined ? undefined : cpuSeconds(peer.pid),
      all: machineBusySeconds(),
    };
    const result = await this.#generator.ask({
      messagesPerConnection: 1,
      messages: Number.MAX_SAFE_INTEGER,
      seconds: this.options.seconds,
      ...job,
      target: peer.target,
      mta: this.options.mta,
      shape: { ...CLIENT, recipient: "recipient@example.test", headers, bodyOctets },
    });
    const after = {
      peer: peer.pid === undefined ? undefined : cpuSeconds(peer.pid),
      all: machineBusySeconds(),
    };
    const difference = (a: number | undefined, b: number | undefined): number | undefined =>
      a === undefined || b === undefined ? undefined : b - a;
    const peerSeconds = difference(before.peer, after.peer);
    const busy = difference(before.all, after.all);
    return {
      ...result,
      peerCpuUs: peerSeconds === undefined ? undefined : (peerSeconds * 1e6) / Math.max(result.messages, 1),
      otherCpuShare:
        peerSeconds === undefined || busy === undefined
          ? undefined
          : Math.max(0, (busy - peerSeconds - result.generatorCpuSeconds) / result.seconds),
      questions: await this.questions(),
    };
  }

  /** Rounds in which every milter has its turn: A B A B. */
  async inTurn(
    label: string,
    peers: readonly Peer[],
    one: (peer: Peer) => Promise<Run>,
  ): Promise<Map<Peer, Run[]>> {
    const runs = new Map<Peer, Run[]>(peers.map((peer) => [peer, []]));
    for (let round = 1; round <= this.options.rounds; round++) {
      this.progress(`${label}: round ${round} of ${this.options.rounds}`);
      for (const peer of peers) runs.get(peer)?.push(await one(peer));
    }
    this.progress("");
    return runs;
  }

  /** Tells on a terminal what is being done. */
  progress(text: string): void {
    if (process.stderr.isTTY) process.stderr.write(`\r${text.padEnd(60)}\r`);
  }
}
