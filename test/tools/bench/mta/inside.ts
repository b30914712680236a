/** Runs in the namespaces: starts name server, milters and MTAs, sends the messages, writes every run as JSON. */
import { execFile } from "node:child_process";
import { chmodSync, writeFileSync } from "node:fs";
import { promisify } from "node:util";
import { enterRig, MTA_IPV4 } from "../../../system/e2e/namespace.ts";
import { Child } from "../child.ts";
import type { NameServerCommand, NameServerReply } from "../slow-nameserver.ts";
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
}

/** What the parent reads. */
export interface MtaRuns {
  readonly runs: readonly MtaRun[];
  readonly errors: readonly string[];
}

const NO_FILTER = "no filter";
const FIRST_PORT = 2500;
/** smtp-source has one sender a process: as many processes, each with its share of the sessions. */
const SENDERS = 4;
const BYTES = 4096;
/** A run that takes longer has failed; of the milters none is waited for longer than 5 s. */
const LIMIT_MS = 60_000;

const [tree = "", outPath = "", roundsText = "", messagesText = ""] = process.argv.slice(2);
const rounds = Number(roundsText);
const perRun = Number(messagesText);
const exec = promisify(execFile);

async function source(port: number, sender: number, sessions: number, messages: number): Promise<void> {
  const args = ["-4", "-s", sessions, "-m", messages, "-l", BYTES, "-M", "client.bench.test"];
  const addresses = ["-f", `user@p${sender}.bench.test`, "-t", "rigmail@rig.test", `${MTA_IPV4}:${port}`];
  await exec("smtp-source", [...args.map(String), ...addresses], { timeout: LIMIT_MS });
}

async function send(mta: RunningMta, port: Port, sessions: number, round: number): Promise<MtaRun> {
  await mta.settle();
  const senders = Math.min(SENDERS, sessions);
  const share = Math.ceil(perRun / (sessions === 1 ? 2 : 1) / senders);
  const began = performance.now();
  await Promise.all(
    Array.from({ length: senders }, (_, i) => source(port.port, i, Math.ceil(sessions / senders), share)),
  );
  const seconds = (performance.now() - began) / 1000;
  return { mta: mta.name, milter: port.name, sessions, round, messages: share * senders, seconds };
}

async function measure(mta: RunningMta, ports: readonly Port[], errors: string[]): Promise<MtaRun[]> {
  const runs: MtaRun[] = [];
  const broken = new Set<Port>();
  for (const sessions of [1, 16]) {
    // The first round warms caches and processes, and is not counted.
    for (let round = 0; round <= rounds; round++) {
      for (const port of ports) {
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
  enterRig(tree);
  writeFileSync("/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:1 attempts:2\n");
  const nameServer = new Child<NameServerCommand, NameServerReply>("slow-nameserver.ts");
  await nameServer.ask({ kind: "listen", port: 53, delayMs: 0 });
  const errors: string[] = [];
  const milters: readonly Milter[] = await startMilters((what) => errors.push(what));
  const ports: Port[] = [{ name: NO_FILTER, socket: undefined }, ...milters].map(({ name, socket }, i) => ({
    name,
    socket,
    port: FIRST_PORT + i,
  }));
  const runs: MtaRun[] = [];
  for (const [start, mode] of [
    [startPostfix, 0o666],
    [startSendmail, 0o600],
  ] as const) {
    // Postfix connects as its own user, Sendmail calls a socket unsafe that others may write to.
    for (const { socket } of milters) chmodSync(socket, mode);
    const mta = await start(ports);
    runs.push(...(await measure(mta, ports, errors)));
    await mta.stop();
  }
  writeFileSync(outPath, JSON.stringify({ runs, errors } satisfies MtaRuns));
}

await main();
// Everything that still runs dies with the namespaces.
process.exit(0);
