/** Runs in the namespaces: starts name server, milters and MTAs, sends the messages, writes every run as JSON. */
import { execFile } from "node:child_process";
import { chmodSync, writeFileSync } from "node:fs";
import { promisify } from "node:util";
import { enterRig, MTA_IPV4 } from "../../../system/e2e/namespace.ts";
import { Child } from "../child.ts";
import type { Job, JobResult } from "../generator.ts";
import type { Mta } from "../packets.ts";
import type { NameServerCommand, NameServerReply } from "../slow-nameserver.ts";
import { familyCpuSeconds } from "../usage.ts";
import { type Milter, startMilters } from "./milters.ts";
import { type Port, type RunningMta, startPostfix, startSendmail } from "./mtas.ts";

/** One run of smtp-source. */
export interface MtaRun {
  readonly mta: string;
  readonly milter: string;
  readonly sessions: number;
  readonly round: number;
  readonly messages: number;
  readonly seconds: number;
  /** Processor time of the milter, µs a message. */
  readonly milterCpuUs: number | undefined;
}

/** What the parent reads. */
export interface MtaRuns {
  readonly runs: readonly MtaRun[];
  readonly errors: readonly string[];
}

/** What the parent says. */
export interface MtaTask {
  readonly tree: string;
  readonly outPath: string;
  readonly mtas: readonly Mta[];
  readonly rounds: number;
  /** Messages of a run. */
  readonly messages: number;
  /** Messages that each milter has had before, from the bench's own generator: a milter runs for months. */
  readonly warmMessages: number;
}

const NO_FILTER = "no filter";
const FIRST_PORT = 2500;
/** smtp-source has one sender a process: as many processes, each with its share of the sessions. */
const SENDERS = 4;
const BYTES = 4096;
/** A run that takes longer has failed; of the milters none is waited for longer than 5 s. */
const LIMIT_MS = 60_000;

const task = JSON.parse(process.argv[2] ?? "{}") as MtaTask;
const exec = promisify(execFile);

async function source(port: number, sender: number, sessions: number, messages: number): Promise<void> {
  const args = ["-4", "-s", sessions, "-m", messages, "-l", BYTES, "-M", "client.bench.test"];
  const addresses = ["-f", `user@p${sender}.bench.test`, "-t", "rigmail@rig.test", `${MTA_IPV4}:${port}`];
  await exec("smtp-source", [...args.map(String), ...addresses], { timeout: LIMIT_MS });
}

/** Sends every milter the messages that it is about to get; whose packets they are makes no difference here. */
async function warm(milters: readonly Milter[], errors: string[]): Promise<void> {
  const generator = new Child<Job, JobResult>("generator.ts");
  const host = "mx.rig.test";
  for (const { name, socket } of milters) {
    const result = await generator.ask({
      target: { path: socket },
      mta: "sendmail",
      shape: {
        clientIp: MTA_IPV4,
        clientName: host,
        helo: "client.bench.test",
        recipient: "rigmail@rig.test",
        headers: 6,
        bodyOctets: BYTES,
      },
      connections: 16,
      messagesPerConnection: 1,
      sender: "user@p{n}.bench.test",
      firstSender: 0,
      senders: SENDERS,
      messages: task.warmMessages,
      seconds: LIMIT_MS / 1000,
    });
    for (const error of Object.keys(result.errors)) errors.push(`${name}: ${error}`);
  }
  generator.stop();
}

async function send(mta: RunningMta, port: Port, sessions: number, round: number): Promise<MtaRun> {
  await mta.settle();
  const senders = Math.min(SENDERS, sessions);
  const share = Math.ceil(task.messages / (sessions === 1 ? 2 : 1) / senders);
  const cpuSeconds = (): number | undefined =>
    port.pid === undefined ? undefined : familyCpuSeconds(port.pid);
  const before = cpuSeconds();
  const began = performance.now();
  await Promise.all(
    Array.from({ length: senders }, (_, i) => source(port.port, i, Math.ceil(sessions / senders), share)),
  );
  const seconds = (performance.now() - began) / 1000;
  const messages = share * senders;
  const after = cpuSeconds();
  const milterCpuUs =
    before === undefined || after === undefined ? undefined : ((after - before) * 1e6) / messages;
  return { mta: mta.name, milter: port.name, sessions, round, messages, seconds, milterCpuUs };
}

async function measure(mta: RunningMta, ports: readonly Port[], errors: string[]): Promise<MtaRun[]> {
  const runs: MtaRun[] = [];
  const broken = new Set<Port>();
  for (const sessions of [1, 16]) {
    // The first round warms caches and processes, and is not counted.
    for (let round = 0; round <= task.rounds; round++) {
      // Nobody always comes after the same one.
      for (const port of round % 2 === 1 ? ports : ports.toReversed()) {
        if (broken.has(port)) continue;
        try {
          const one = await send(mta, port, sessions, round);
          if (round > 0) runs.push(one);
        } catch (error) {
          broken.add(port);
          errors.push(`${mta.name}, ${port.name}: ${error instanceof Error ? error.message : String(error)}`);
        }
      }
    }
  }
  return runs;
}

async function main(): Promise<void> {
  enterRig(task.tree);
  writeFileSync("/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:1 attempts:2\n");
  const nameServer = new Child<NameServerCommand, NameServerReply>("slow-nameserver.ts");
  await nameServer.ask({ kind: "listen", port: 53, delayMs: 0 });
  const errors: string[] = [];
  const milters: readonly Milter[] = await startMilters((what) => errors.push(what));
  const ports: Port[] = [{ name: NO_FILTER, socket: undefined, pid: undefined }, ...milters].map(
    (milter, i) => ({
      ...milter,
      port: FIRST_PORT + i,
    }),
  );
  const runs: MtaRun[] = [];
  for (const [mtaName, start, mode] of [
    ["postfix", startPostfix, 0o666],
    ["sendmail", startSendmail, 0o600],
  ] as const) {
    if (!task.mtas.includes(mtaName)) continue;
    // Postfix connects as its own user, Sendmail calls a socket unsafe that others may write to.
    for (const { socket } of milters) chmodSync(socket, mode);
    await warm(milters, errors);
    const mta = await start(ports);
    runs.push(...(await measure(mta, ports, errors)));
    await mta.stop();
  }
  writeFileSync(task.outPath, JSON.stringify({ runs, errors } satisfies MtaRuns));
}

await main();
// Everything that still runs dies with the namespaces.
process.exit(0);
