/**
 * `make bench PEERS=debian`: the bench with the filters of others as peers: pyspf-milter, opendmarc and rspamd of Debian, unpacked in namespaces of
 * their own, with the bench's name server as theirs. Root on Debian alone; takes the variables of make bench.
 */
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { enterRig } from "../../../system/e2e/namespace.ts";
import { startOthers } from "./milters.ts";
import { fetchTree, NAMESPACES } from "./section.ts";

const TSX = ["--import", "tsx"];
const MAIN = join(import.meta.dirname, "../main.ts");

function exitCodeOf(command: string, args: readonly string[], env = process.env): Promise<number> {
  return new Promise((resolve) => {
    spawn(command, args, { env, stdio: "inherit" }).once("close", (code) => {
      resolve(code ?? 1);
    });
  });
}

/** In the namespaces. */
async function measure(tree: string): Promise<number> {
  enterRig(tree);
  writeFileSync("/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:1 attempts:2\n");
  const peers = await startOthers((what) => process.stderr.write(`left out: ${what}\n`));
  // Their processor time is that of several processes, which the bench does not add up.
  const named = peers.map(({ name, socket }) => `${name}=unix:${socket}`);
  return exitCodeOf(process.execPath, [...TSX, MAIN], {
    ...process.env,
    NAMESERVER_PORT: "53",
    PEER: named.join(" "),
  });
}

const [tree] = process.argv.slice(2);
if (tree === undefined) {
  const again = [process.execPath, ...TSX, import.meta.filename, fetchTree()];
  process.exitCode = await exitCodeOf("unshare", [
    ...NAMESPACES,
    "sh",
    "-c",
    '"$@"; exit $?',
    "peers",
    ...again,
  ]);
} else {
  // Everything that still runs dies with the namespaces.
  process.exit(await measure(tree));
}
