/** The inside of the namespaces: file systems, devices, network and accounts, made again for every run. */
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

/** Everything of the rig's own that is not a system file; a tmpfs. */
export const RIG = "/run/rig";

/** The addresses of the two ends that are not clients. */
export const MTA_IPV4 = "192.0.2.1";
export const MTA_IPV6 = "2001:db8::1";
export const NAMESERVER = "127.0.0.53";

/** Every address in these networks can be bound on the loopback interface. */
const NETWORKS_IPV4 = ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"];
const NETWORK_IPV6 = "2001:db8::/32";

/** Users of the daemons, each with a group of the same name. */
const ACCOUNTS = ["smfs", "postfix", "smmta", "smmsp", "rigmail"];
const GROUPS = ["postdrop"];
const FIRST_ID = 5001;

/** Runs a program to its end; what it writes to standard error is in the error thrown where it fails. */
export function run(program: string, ...args: string[]): string {
  return execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

/** Lays the packages over the system and takes /run, /dev and the network for itself. */
export function enterRig(tree: string): void {
  run("mount", "-t", "tmpfs", "-o", "mode=755", "rig", "/run");
  mkdirSync(RIG);
  for (const folder of ["usr", "etc", "var"]) overlay(join(tree, folder), `/${folder}`);
  // What this machine may have of the daemon is not what the tests find.
  for (const path of ["/var/lib/smfs", "/etc/mail/smfs"]) rmSync(path, { recursive: true, force: true });
  makeDevices();
  run("ldconfig");
  makeNetwork();
  makeAccounts();
}

function overlay(tree: string, folder: string): void {
  const upper = join(RIG, "overlay", folder, "upper");
  const work = join(RIG, "overlay", folder, "work");
  mkdirSync(upper, { recursive: true, mode: 0o755 });
  mkdirSync(work, { recursive: true, mode: 0o755 });
  const lower = existsSync(tree) ? `${tree}:${folder}` : folder;
  run("mount", "-t", "overlay", "-o", `lowerdir=${lower},upperdir=${upper},workdir=${work}`, "rig", folder);
}

/** A /dev of our own, so that /dev/log is ours too. */
function makeDevices(): void {
  const dev = join(RIG, "dev");
  mkdirSync(dev);
  run("mount", "-t", "tmpfs", "-o", "mode=755", "rig", dev);
  for (const name of ["null", "zero", "full", "random", "urandom", "tty"]) {
    writeFileSync(join(dev, name), "");
    run("mount", "--bind", `/dev/${name}`, join(dev, name));
  }
  for (const [link, target] of [
    ["fd", "/proc/self/fd"],
    ["stdin", "/proc/self/fd/0"],
    ["stdout", "/proc/self/fd/1"],
    ["stderr", "/proc/self/fd/2"],
  ] as const) {
    symlinkSync(target, join(dev, link));
  }
  mkdirSync(join(dev, "shm"));
  chmodSync(join(dev, "shm"), 0o1777);
  run("mount", "--rbind", dev, "/dev");
}

function makeNetwork(): void {
  run("hostname", "mx.rig.test");
  run("ip", "link", "set", "lo", "up");
  for (const network of NETWORKS_IPV4) run("ip", "route", "add", "local", network, "dev", "lo");
  run("ip", "-6", "route", "add", "local", NETWORK_IPV6, "dev", "lo");
  // Postfix wants to see its own addresses on an interface.
  run("ip", "addr", "add", `${MTA_IPV4}/32`, "dev", "lo");
  run("ip", "addr", "add", `${MTA_IPV6}/128`, "dev", "lo");
  writeFileSync("/proc/sys/net/ipv6/ip_nonlocal_bind", "1");
  writeFileSync("/etc/resolv.conf", `nameserver ${NAMESERVER}\noptions timeout:1 attempts:2\n`);
  writeFileSync("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\nservices: files\n");
  writeFileSync(
    "/etc/hosts",
    `127.0.0.1 localhost\n::1 localhost\n${MTA_IPV4} mx.rig.test mx\n${MTA_IPV6} mx.rig.test\n`,
  );
}

function makeAccounts(): void {
  const passwd = readFileSync("/etc/passwd", "utf8");
  const group = readFileSync("/etc/group", "utf8");
  let id = FIRST_ID;
  for (const name of [...ACCOUNTS, ...GROUPS]) {
    if (!new RegExp(`^${name}:`, "m").test(group)) appendFileSync("/etc/group", `${name}:x:${id}:\n`);
    if (ACCOUNTS.includes(name) && !new RegExp(`^${name}:`, "m").test(passwd)) {
      appendFileSync("/etc/passwd", `${name}:x:${id}:${id}::/nonexistent:/usr/sbin/nologin\n`);
    }
    id++;
  }
}
