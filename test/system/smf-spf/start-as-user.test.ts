import assert from "node:assert/strict";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { findUser } from "../../../src/process/index.ts";
import { type Nameserver, startNameserver } from "../../support/nameserver/index.ts";
import { type Ended, ended, exitOf, Installed, lives, until } from "./installed.ts";

/** What a Node upon a libuv with io_uring does, as Debian 13's. */
const REFUSAL = `for (const name of ["setuid", "seteuid", "setgid", "setegid", "setgroups", "initgroups"])
  process[name] = () => { throw new Error(name + "() disabled: io_uring may be enabled. See CVE-2024-22017."); };`;
const REFUSING_NODE = `--import data:text/javascript,${encodeURIComponent(REFUSAL)}`;

const SKIP =
  process.getuid?.() !== 0
    ? "needs root"
    : process.platform !== "linux" || !existsSync("/usr/bin/setpriv")
      ? "needs setpriv"
      : false;

describe("a start as root where Node does not let root be given up", { skip: SKIP }, () => {
  let installed: Installed;
  let nameserver: Nameserver;
  const nobody = findUser("nobody");
  const runFolder = (): string => join(installed.folder, "run");

  before(async () => {
    installed = new Installed();
    nameserver = await startNameserver({ "fail.example": [{ TXT: "v=spf1 -all" }] });
  });

  afterEach(async () => {
    await installed.killAll();
    rmSync(runFolder(), { recursive: true, force: true });
    rmSync(installed.log, { force: true });
  });

  after(async () => {
    await installed.close();
    await nameserver.close();
  });

  function configure(...lines: string[]): void {
    installed.configure(`Nameserver 127.0.0.1:${nameserver.port}`, ...lines);
  }

  function start(...args: string[]): Promise<Ended> {
    return ended(
      installed.spawn(["-c", installed.config, ...args], { env: { NODE_OPTIONS: REFUSING_NODE } }),
    );
  }

  function assertIsNobody(pid: number): void {
    const { uid, gid } = nobody ?? {};
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const status = readFileSync(`/proc/${pid}/task/${thread}/status`, "latin1");
      assert.match(status, new RegExp(`^Uid:(\\s+${uid}){4}$`, "m"));
      assert.match(status, new RegExp(`^Gid:(\\s+${gid}){4}$`, "m"));
      assert.match(status, /^CapPrm:\s+0+$/m);
      assert.match(status, /^CapEff:\s+0+$/m);
    }
  }

  it("makes a daemon that is User from the beginning, with all that only root can open", async (t) => {
    // The log's folder and the socket's group are root's.
    t.after(() => {
      chmodSync(join(installed.folder, "log"), 0o755);
      chownSync(join(installed.folder, "log"), nobody?.uid ?? 0, nobody?.gid ?? 0);
    });
    chownSync(join(installed.folder, "log"), 0, 0);
    chmodSync(join(installed.folder, "log"), 0o700);
    configure("SocketMode 0660", "SocketGroup daemon");
    const started = await start();
    const { pid = 0 } = installed;
    assert.deepEqual([started.code, started.err], [0, ""]);
    assert.match(started.out, new RegExp(`^smf-spf: running in the background as pid ${pid}; log: `));
    assertIsNobody(pid);
    assert.deepEqual(readdirSync(runFolder()).sort(), ["pid", "s"]);
    const socket = statSync(installed.socket);
    assert.deepEqual([socket.uid, socket.mode & 0o777], [nobody?.uid, 0o660]);
    assert.notEqual(socket.gid, nobody?.gid);
    const mta = await installed.mta();
    const message = await mta.message({ from: "<a@fail.example>", recipients: ["<b@c.test>"] });
    assert.equal(message.verdict.kind, "reply");
    mta.quit();
    process.kill(pid, "SIGTERM");
    await until("its end", () => !lives(pid));
    assert.deepEqual(readdirSync(runFolder()), []);
    const lines = installed.logLines();
    assert.match(lines[0] ?? "", /started/);
    assert.match(lines.at(-1) ?? "", /stopped/);
  });

  it("refuses a second one with 69, and leaves the first alone", async () => {
    configure();
    assert.equal((await start()).code, 0);
    const { pid = 0 } = installed;
    const second = await start();
    assert.equal(second.code, 69);
    assert.match(second.err, /a daemon answers there/);
    assert.equal(installed.pid, pid);
    const mta = await installed.mta();
    mta.quit();
  });

  it("takes everything back where the daemon cannot start", async () => {
    configure();
    chmodSync(installed.config, 0o600);
    const { code, err } = await start();
    assert.notEqual(code, 0);
    assert.match(err, /smf-spf\.conf: permission denied/);
    chmodSync(installed.config, 0o644);
    assert.deepEqual(readdirSync(runFolder()), []);
  });

  it("refuses PidFile in a folder that is none with 73", async () => {
    configure(`PidFile ${installed.config}/pid`);
    const { code, err } = await start();
    assert.equal(code, 73);
    assert.match(err, /PidFile/);
  });

  it("does not stay as root in the foreground, and says what to do", async () => {
    configure();
    const { code, err } = await start("-f");
    assert.equal(code, 71);
    assert.match(err, /without -f.*setpriv --reuid=nobody/);
    assert.equal(existsSync(installed.socket), false);
  });

  it("ends in the foreground of systemd once that knows the daemon", async () => {
    configure();
    const child = installed.spawn(["-f", "-c", installed.config], {
      stdio: "ignore",
      env: { NODE_OPTIONS: REFUSING_NODE, NOTIFY_SOCKET: "/nonexistent" },
    });
    assert.equal(await exitOf(child), 0);
    assertIsNobody(installed.pid ?? 0);
    await until("the line", () =>
      installed.logLines().some((line) => line.startsWith("cannot tell systemd")),
    );
  });

  it("hands on a socket that systemd has bound, and leaves its file", {
    skip: !existsSync("/usr/bin/systemd-socket-activate") && "needs systemd-socket-activate",
  }, async () => {
    configure();
    mkdirSync(runFolder());
    const path = join(installed.folder, "passed");
    const child = installed.spawn(
      [
        ...["-l", path, `--setenv=NODE_OPTIONS=${REFUSING_NODE}`, "--setenv=NOTIFY_SOCKET=/nonexistent"],
        ...[process.execPath, installed.program, "-f", "-c", installed.config],
      ],
      { program: "systemd-socket-activate", stdio: "ignore" },
    );
    const over = exitOf(child);
    const mta = await installed.mta(path);
    assert.equal(await over, 0);
    const message = await mta.message({ from: "<a@fail.example>", recipients: ["<b@c.test>"] });
    assert.equal(message.verdict.kind, "reply");
    mta.quit();
    const { pid = 0 } = installed;
    assertIsNobody(pid);
    process.kill(pid, "SIGTERM");
    await until("its end", () => !lives(pid));
    assert.ok(statSync(path).isSocket());
  });
});
