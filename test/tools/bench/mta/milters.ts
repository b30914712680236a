/** The milters that are set behind the MTAs. */
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RIG } from "../../../system/e2e/namespace.ts";
import { Program } from "../../../system/e2e/process.ts";
import { listens, negotiationOf, startDaemon, startFloor, writeConfiguration } from "../peers.ts";

/** A running milter, which dies with the namespaces, the path of its socket, and its process. */
export interface Milter {
  readonly name: string;
  readonly socket: string;
  readonly pid: number | undefined;
}

const NAMESERVER_PORT = 53;

function directoryOf(name: string): string {
  const directory = join(RIG, name);
  mkdirSync(directory, { mode: 0o755 });
  return directory;
}

/** The built daemon with the sample configuration, and a milter that does nothing but insert two fields. */
async function ownAndBare(): Promise<Milter[]> {
  const directory = directoryOf("bench-own");
  const daemon = await startDaemon(directory, writeConfiguration(directory, NAMESERVER_PORT));
  const bare = directoryOf("bench-bare");
  const floor = await startFloor(bare, await negotiationOf(daemon.target), 2);
  return [
    { name: "smf-spf", socket: join(directory, "daemon.sock"), pid: daemon.pid },
    { name: "does nothing", socket: join(bare, "floor.sock"), pid: floor.pid },
  ];
}

async function startProgram(name: string, socket: string, path: string, ...args: string[]): Promise<Milter> {
  const program = new Program(path, args);
  await program.becomes("listening", () => listens({ path: socket }, 0.1));
  return { name, socket, pid: program.child.pid };
}

function startPyspf(): Promise<Milter> {
  const directory = directoryOf("bench-pyspf");
  const socket = join(directory, "pyspf.sock");
  const file = join(directory, "pyspf.conf");
  writeFileSync(
    file,
    `Socket = local:${socket}\nPidFile = ${directory}/pid\nUserID = root\nHELO_reject = False\ndebugLevel = 0\n`,
  );
  return startProgram("pyspf-milter", socket, "/usr/bin/pyspf-milter", file);
}

function startOpenDmarc(): Promise<Milter> {
  const directory = directoryOf("bench-opendmarc");
  const socket = join(directory, "opendmarc.sock");
  const file = join(directory, "opendmarc.conf");
  writeFileSync(
    file,
    `AuthservID mx.rig.test\nSocket unix:${socket}\nSPFSelfValidate true\nSyslog false\nUMask 0077\n`,
  );
  return startProgram("opendmarc", socket, "/usr/sbin/opendmarc", "-f", "-c", file);
}

/** SPF alone, one worker. */
function startRspamd(): Promise<Milter> {
  const directory = directoryOf("bench-rspamd");
  const socket = join(directory, "milter.sock");
  const local = "/etc/rspamd/local.d";
  // The whole list of public suffixes takes it half a minute to compile.
  const domains = join(directory, "domains");
  writeFileSync(domains, "test\n");
  mkdirSync(local, { recursive: true });
  for (const file of readdirSync("/etc/rspamd/modules.d")) {
    writeFileSync(join(local, file), `enabled = ${String(file === "spf.conf")};\n`);
  }
  writeFileSync(
    join(local, "options.inc"),
    `dns { nameserver = ["127.0.0.1:53:1"]; }\nfilters = "";\ndisable_hyperscan = true;\nurl_tld = "${domains}";\n`,
  );
  writeFileSync(join(local, "worker-normal.inc"), "enabled = false;\n");
  writeFileSync(join(local, "worker-controller.inc"), "enabled = false;\n");
  writeFileSync(join(local, "milter_headers.conf"), 'use = ["authentication-results"];\n');
  writeFileSync(
    join(local, "worker-proxy.inc"),
    `bind_socket = "${socket} mode=0600";\ncount = 1;\nupstream "local" { default = yes; self_scan = yes; }\n`,
  );
  const variables = ["RUNDIR", "DBDIR", "LOGDIR"].map((name) => `--var=${name}=${directory}`);
  return startProgram("rspamd", socket, "/usr/bin/rspamd", "-f", "-i", ...variables);
}

/** Starts those of others; one that does not start is told by `lacks` and left out. */
export async function startOthers(lacks: (what: string) => void): Promise<Milter[]> {
  const milters: Milter[] = [];
  for (const start of [startPyspf, startOpenDmarc, startRspamd]) {
    try {
      milters.push(await start());
    } catch (error) {
      lacks(error instanceof Error ? error.message : String(error));
    }
  }
  return milters;
}

/** Starts all. */
export async function startMilters(lacks: (what: string) => void): Promise<Milter[]> {
  return [...(await ownAndBare()), ...(await startOthers(lacks))];
}
