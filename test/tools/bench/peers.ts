/** The milters that are measured: the daemon, the bare one, and those that are named on the command line. */
import { type ChildProcess, spawn } from "node:child_process";
import { chownSync, readFileSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { userInfo } from "node:os";
import { join } from "node:path";
import { Child } from "./child.ts";
import type { FloorStart } from "./floor-milter.ts";
import { OPTNEG } from "./packets.ts";
import type { Target } from "./session.ts";

const ROOT = join(import.meta.dirname, "../../..");
const NOBODY = 65534;

/** A milter under load. */
export interface Peer {
  readonly name: string;
  readonly target: Target;
  /** Where it is known, for its time and memory. */
  readonly pid: number | undefined;
  /** Whether it looks up DNS at all. */
  readonly asksDns: boolean;
  readonly stop: () => Promise<void>;
}

/** Connects, waiting for the socket to appear; false when `seconds` are over. */
export async function listens(target: Target, seconds: number): Promise<boolean> {
  const end = performance.now() + seconds * 1000;
  for (;;) {
    const socket = await tryConnect(target);
    socket?.destroy();
    if (socket !== undefined) return true;
    if (performance.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

function tryConnect(target: Target): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect(target);
    socket.once("connect", () => {
      resolve(socket);
    });
    socket.once("error", () => {
      resolve(undefined);
    });
  });
}

/** The data of a milter's answer to the offer. */
export async function negotiationOf(target: Target): Promise<Buffer> {
  const socket = await tryConnect(target);
  if (socket === undefined) throw new Error(`nothing listens at ${JSON.stringify(target)}`);
  return new Promise((resolve, reject) => {
    let bytes: Buffer = Buffer.alloc(0);
    socket.on("data", (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      if (bytes.length < 5 || bytes.length < 4 + bytes.readUInt32BE(0)) return;
      socket.destroy();
      resolve(bytes.subarray(5, 4 + bytes.readUInt32BE(0)));
    });
    socket.on("error", reject);
    socket.on("close", () => {
      reject(new Error("closed instead of negotiating"));
    });
    socket.write(OPTNEG);
  });
}

/** The sample configuration with what a run in a folder of its own needs. */
export function writeConfiguration(
  folder: string,
  nameServerPort: number,
  extra: readonly string[] = [],
): string {
  const path = join(folder, "smf-spf.conf");
  const isRoot = process.getuid?.() === 0;
  const own = [
    `User ${isRoot ? "nobody" : userInfo().username}`,
    `Socket unix:${join(folder, "daemon.sock")}`,
    `PidFile ${join(folder, "daemon.pid")}`,
    "Daemonize off",
    "Syslog none",
    `LogTo ${join(folder, "daemon.log")}`,
    `Nameserver 127.0.0.1:${nameServerPort}`,
    ...extra,
  ];
  // What is kept over a restart would be another run's.
  const sample = readFileSync(join(ROOT, "etc", "smf-spf.conf"), "utf8").replace(/^CacheFile.*$/m, "");
  writeFileSync(path, `${sample}\n${own.join("\n")}\n`);
  if (isRoot) chownSync(folder, NOBODY, NOBODY);
  return path;
}

/** Starts the built daemon, or another build of it; rejects with what it said when it does not listen. */
export async function startDaemon(
  folder: string,
  configuration: string,
  program = join(ROOT, "dist", "smf-spf.js"),
  extra: {
    readonly nodeArguments?: readonly string[];
    readonly env?: NodeJS.ProcessEnv;
    readonly node?: string;
  } = {},
): Promise<Peer> {
  const child = spawn(
    extra.node ?? process.execPath,
    [...(extra.nodeArguments ?? []), program, "-f", "-c", configuration],
    {
      env: { ...process.env, ...extra.env },
      stdio: ["ignore", "ignore", "pipe"],
    },
  );
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    said += chunk.toString("utf8");
  });
  const target = { path: join(folder, "daemon.sock") };
  if (!(await listens(target, 10)) || child.exitCode !== null) {
    child.kill("SIGKILL");
    throw new Error(`the daemon does not listen: ${said}`);
  }
  return { name: "smf-spf", target, pid: child.pid, asksDns: true, stop: () => stopped(child) };
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  await ended;
}

/** Starts the bare node:net milter with the negotiation of the daemon. */
export async function startFloor(folder: string, negotiation: Buffer, fields = 1): Promise<Peer> {
  const child = new Child<FloorStart, string>("floor-milter.ts");
  const target = { path: join(folder, "floor.sock") };
  await child.ask({ path: target.path, negotiation: negotiation.toString("hex"), fields });
  return {
    name: "bare node:net",
    target,
    pid: child.pid,
    asksDns: false,
    stop: () => {
      child.stop();
      return Promise.resolve();
    },
  };
}

/** Reads `[NAME=]unix:PATH`, `[NAME=]inet:PORT@HOST`, each with `,pid=N` where its process is to be measured. */
export function parsePeer(text: string): Peer {
  const match = /^(?:([^=:]+)=)?(?:(?:unix|local):([^,]+)|inet6?:(\d+)@([^,]+))(?:,pid=(\d+))?$/.exec(text);
  if (match === null) {
    throw new Error(`PEER is [NAME=]unix:PATH or [NAME=]inet:PORT@HOST, with ,pid=N if wanted; read ${text}`);
  }
  const [, name, path, port, host, pid] = match;
  return {
    name: name ?? text,
    target: path !== undefined ? { path } : { host: host ?? "", port: Number(port) },
    pid: pid === undefined ? undefined : Number(pid),
    asksDns: true,
    stop: () => Promise.resolve(),
  };
}
