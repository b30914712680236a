/** The whole life of an installed daemon with a real Sendmail before it. The tests build upon each other. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { exitOf, lives } from "../../support/child-process.ts";
import { MtaPlayer, openSocket } from "../../support/mta-player.ts";
import { type Nameserver, startNameserver } from "../../support/nameserver/index.ts";
import {
  attempt,
  CONFIG,
  configure,
  daemonPid,
  forgetAccount,
  gone,
  listFiles,
  make,
  PID_FILE,
  PROGRAM,
  RUN_FOLDER,
  SAMPLE,
  SOCKET,
  service,
  unpackRelease,
} from "./installation.ts";
import { emptyMailboxes } from "./mailbox.ts";
import { NAMESERVER, run } from "./namespace.ts";
import { waitUntil } from "./process.ts";
import { Sendmail } from "./sendmail.ts";
import { Syslog } from "./syslog.ts";
import { delivered, Load, send, unchecked, ZONE } from "./traffic.ts";

const LOG = "/var/log/smf-spf.log";

describe("the life of the installed daemon", () => {
  let nameserver: Nameserver;
  let syslog: Syslog;
  let sendmail: Sendmail;
  let accounts: { restore(): void };
  let filesBefore: string[];

  before(async () => {
    nameserver = await startNameserver(ZONE, { address: NAMESERVER, port: 53 });
    syslog = await Syslog.start();
    sendmail = await Sendmail.start();
    unpackRelease();
    rmSync(RUN_FOLDER, { recursive: true, force: true });
    accounts = forgetAccount("smfs");
    filesBefore = listFiles();
  });

  after(async () => {
    if (existsSync("/etc/init.d/smf-spf")) service("stop");
    accounts.restore();
    await sendmail.stop();
    await syslog.stop("SIGKILL");
    await nameserver.close();
    rmSync(LOG, { force: true });
    emptyMailboxes();
  });

  const accountOf = (name: string): { uid: number; gid: number } => ({
    uid: Number(run("id", "-u", name)),
    gid: Number(run("id", "-g", name)),
  });
  const logLines = (file = LOG): string[] => readFileSync(file, "latin1").split("\n").slice(0, -1);
  const logged = (text: string, file = LOG): Promise<void> =>
    waitUntil(`"${text}" in the log`, () => existsSync(file) && readFileSync(file, "latin1").includes(text));
  const reload = async (): Promise<void> => {
    syslog.skip();
    assert.equal(service("reload").code, 0);
    await syslog.linesWith("smf-spf", /^reload: /);
  };

  it("is installed from the release tarball without npm: programs, pages, sample, user, run folder", () => {
    const output = make("install");
    assert.match(output, /start it with: \/etc\/init\.d\/smf-spf start/);
    const smfs = accountOf("smfs");
    const { uid, gid, mode } = statSync(RUN_FOLDER);
    assert.deepEqual([uid, gid, mode & 0o777], [smfs.uid, smfs.gid, 0o755]);
    assert.equal(statSync(CONFIG).mode & 0o777, 0o644);
    assert.match(readFileSync(PROGRAM, "latin1"), new RegExp(`^#!${process.execPath}\n`));
    for (const page of ["man8/smf-spf.8", "man5/smf-spf.conf.5", "man1/spfquery.1"]) {
      assert.ok(existsSync(`/usr/local/share/man/${page}`), page);
    }
    assert.match(run("/usr/local/bin/spfquery", "--help"), /spfquery/);
    assert.equal(service("configtest").code, 0);
  });

  it("has nothing that others may write to, nor that runs with another's rights", () => {
    const before = new Set(filesBefore);
    const installed = listFiles().filter((line) => !before.has(line));
    assert.ok(installed.length > 10);
    // Path, type, mode, owner; the mode of a link means nothing.
    const open = installed.filter((line) => / [^l] (?:\d*[2367]|[2-7]\d{3}) \S+$/.test(line));
    assert.deepEqual(open, []);
  });

  it("is installed again: a changed configuration is kept, and the new sample beside it", () => {
    configure("LookupTime 10s");
    assert.match(make("install"), /smf-spf\.conf is kept/);
    assert.match(readFileSync(CONFIG, "latin1"), /LookupTime 10s/);
    assert.deepEqual(readFileSync(`${CONFIG}.new`), readFileSync(SAMPLE));
  });

  it("is not running: status 3, reload 7, stop 0", () => {
    assert.equal(service("status").code, 3);
    assert.equal(service("reload").code, 7);
    assert.equal(service("stop").code, 0);
    assert.equal(service("nonsense").code, 2);
  });

  it("tells the error and code of the daemon that cannot start", () => {
    configure("LookupTime never");
    const { code, output } = service("start");
    assert.equal(code, 78);
    assert.match(output, /smf-spf\.conf:\d+: LookupTime: /);
    assert.equal(attempt(PROGRAM, "-c", "/nonexistent").code, 66);
    assert.equal(existsSync(PID_FILE), false);
  });

  it("starts by its script, and listens when that has ended", async () => {
    configure(`LogTo ${LOG}`, "LogFormat detailed");
    const { code, output } = service("start");
    assert.equal(code, 0, output);
    assert.match(output, /smf-spf started/);
    assert.equal(await send("user@pass.test"), "250");
    assert.equal(await send("user@fail.test"), "550");
    assert.deepEqual(unchecked(), []);
    assert.match(service("status").output, new RegExp(`running \\(pid ${daemonPid()}\\)`));
    assert.equal(service("status").code, 0);
    await logged("SPF pass: ip=198.51.100.1");
    await syslog.linesWith("smf-spf", /^SPF pass: ip=198\.51\.100\.1/);
  });

  it("is smfs and nothing else on every thread, and so is its logger", () => {
    const { uid, gid } = accountOf("smfs");
    const pids = [daemonPid(), ...run("pgrep", "-P", String(daemonPid())).trim().split("\n")];
    assert.ok(pids.length > 1);
    for (const pid of pids) {
      for (const thread of readdirSync(`/proc/${pid}/task`)) {
        const status = readFileSync(`/proc/${pid}/task/${thread}/status`, "latin1");
        assert.match(status, new RegExp(`^Uid:(\\s+${uid}){4}$`, "m"));
        assert.match(status, new RegExp(`^Gid:(\\s+${gid}){4}$`, "m"));
        assert.match(status, new RegExp(`^Groups:\\s+${gid}\\s*$`, "m"));
        for (const set of ["CapInh", "CapPrm", "CapEff", "CapAmb"])
          assert.match(status, new RegExp(`^${set}:\\s+0+$`, "m"));
      }
    }
    const socket = statSync(SOCKET);
    assert.deepEqual([socket.uid, socket.gid, socket.mode & 0o777], [uid, gid, 0o600]);
    assert.equal(statSync(PID_FILE).mode & 0o777, 0o644);
    assert.equal(statSync(LOG).uid, uid);
  });

  it("refuses a second start with 69, by script and by hand, and is not disturbed", async () => {
    const pid = daemonPid();
    const again = service("start");
    assert.equal(again.code, 0);
    assert.match(again.output, /already running/);
    const byHand = attempt(PROGRAM, "-c", CONFIG);
    assert.equal(byHand.code, 69);
    assert.match(byHand.output, /a daemon answers there/);
    assert.equal(daemonPid(), pid);
    assert.equal(await send("user@fail.test"), "550");
  });

  it("takes new settings under load: no message goes past it, none is lost", async () => {
    emptyMailboxes();
    const load = new Load(4);
    for (let i = 0; i < 6; i++) {
      configure(
        `LogTo ${LOG}`,
        "LogFormat detailed",
        `RefuseFail ${i % 2 === 0 ? "off" : "on"}`,
        "TagSubject off",
      );
      await reload();
      await load.more(8);
    }
    await load.stop();
    assert.deepEqual(unchecked(), []);
    const codes = Object.fromEntries(load.codes);
    const {
      "pass.test 250": passed = 0,
      "fail.test 250": tolerated = 0,
      "fail.test 550": refused = 0,
    } = codes;
    assert.equal(passed + tolerated + refused, load.sent, JSON.stringify(codes));
    assert.ok(passed > 0 && tolerated > 0 && refused > 0, JSON.stringify(codes));
    assert.equal(delivered(), passed + tolerated);
    assert.equal(await send("user@fail.test"), "550");
  });

  it("keeps its settings when the new file has faults, or a list cannot be read by smfs", async () => {
    const pid = daemonPid();
    configure("RefuseFail off", "TTL soon");
    const refused = service("reload");
    assert.equal(refused.code, 78);
    assert.match(refused.output, /smf-spf\.conf:\d+: TTL: /);
    // A signal that is sent all the same finds the daemon as careful as the script.
    syslog.skip();
    process.kill(pid, "SIGHUP");
    await syslog.linesWith("smf-spf", /^reload: /);
    assert.ok(
      syslog.lines("smf-spf").some(({ text }) => /^\/etc\/mail\/smfs\/smf-spf\.conf:\d+: TTL: /.test(text)),
    );
    assert.equal(await send("user@fail.test"), "550");
    const list = "/etc/mail/smfs/clients";
    writeFileSync(list, "198.51.100.0/24\n", { mode: 0o600 });
    configure("RefuseFail off", `WhitelistIP file:${list}`);
    await reload();
    assert.ok(syslog.lines("smf-spf").some(({ text }) => text.includes(list)));
    assert.equal(await send("user@fail.test"), "550");
    chmodSync(list, 0o644);
    configure(`LogTo ${LOG}`, "LogFormat detailed", `WhitelistIP file:${list}`);
    await reload();
    assert.equal(await send("user@fail.test"), "250");
    rmSync(list);
    configure(`LogTo ${LOG}`, "LogFormat detailed", "SocketMode 0666", "User nobody");
    await reload();
    await syslog.linesWith("smf-spf", /only a restart changes User, SocketMode/);
    assert.equal(daemonPid(), pid);
    configure(`LogTo ${LOG}`, "LogFormat detailed");
    await reload();
  });

  it("goes on in a new file after rotation, as the logrotate sample does it, and loses no line", async () => {
    const sample = readFileSync("/usr/local/share/smf-spf/smf-spf.logrotate", "latin1");
    const command = /postrotate\n(.*)endscript/s.exec(sample)?.[1] ?? "";
    assert.match(sample, /create 0640 smfs adm/);
    const linesOf = (file: string): number =>
      logLines(file).filter((line) => line.includes(" SPF pass")).length;
    const before = linesOf(LOG);
    const load = new Load(2);
    await load.more(6);
    const { uid } = accountOf("smfs");
    renameSync(LOG, `${LOG}.1`);
    writeFileSync(LOG, "", { mode: 0o640 });
    chownSync(LOG, uid, 0);
    run("sh", "-c", command);
    await logged("memory: ");
    await load.more(6);
    await load.stop();
    const passed = load.codes.get("pass.test 250") ?? 0;
    await waitUntil("every line", () => linesOf(LOG) + linesOf(`${LOG}.1`) - before === passed);
    assert.ok(linesOf(LOG) > 0);
    const counters = logLines().join("\n");
    for (const part of ["verdicts: ", "cached ", "refused ", "DNS: ", "connections: ", "memory: "]) {
      assert.ok(counters.includes(part), part);
    }
    rmSync(`${LOG}.1`);
  });

  it("starts over what a kill -9 has left", async () => {
    const old = daemonPid();
    process.kill(old, "SIGKILL");
    await gone(old);
    assert.ok(statSync(SOCKET).isSocket());
    const { code, output } = service("status");
    assert.equal(code, 1);
    assert.match(output, /dead and its PID file .* exists/);
    assert.equal(service("start").code, 0);
    assert.notEqual(daemonPid(), old);
    assert.equal(await send("user@fail.test"), "550");
  });

  it("restarts", async () => {
    const old = daemonPid();
    assert.equal(service("restart").code, 0);
    assert.notEqual(daemonPid(), old);
    assert.equal(lives(old), false);
    assert.equal(await send("user@fail.test"), "550");
  });

  it("stops, and leaves neither socket nor PID file; mail then passes unchecked", async () => {
    const pid = daemonPid();
    const { code, output } = service("stop");
    assert.equal(code, 0);
    assert.match(output, /smf-spf stopped/);
    assert.equal(lives(pid), false);
    assert.deepEqual(readdirSync(RUN_FOLDER), []);
    assert.equal(await send("user@fail.test"), "250");
  });

  it("never signals a process that the PID file names by chance", () => {
    const others = [
      spawn("sleep", ["1000"], { stdio: "ignore" }),
      spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" }),
    ];
    for (const other of others) {
      writeFileSync(PID_FILE, `${other.pid}\n`);
      assert.equal(service("status").code, 1);
      assert.equal(service("reload").code, 7);
      assert.equal(service("rotate").code, 7);
      assert.equal(service("stop").code, 0);
      assert.equal(service("start").code, 0);
      assert.notEqual(daemonPid(), other.pid);
      assert.equal(service("stop").code, 0);
      assert.equal(other.exitCode ?? other.signalCode, null, "the other process lives");
      other.kill("SIGKILL");
    }
    for (const nonsense of ["", "0", "-1", "1 2", "rubbish"]) {
      writeFileSync(PID_FILE, nonsense);
      assert.equal(service("stop").code, 0, nonsense);
      assert.equal(service("reload").code, 7, nonsense);
    }
    rmSync(PID_FILE);
  });

  it("makes its run folder again where /var/run is empty after a boot", async () => {
    rmSync(RUN_FOLDER, { recursive: true });
    assert.equal(service("start").code, 0);
    const { uid, gid } = accountOf("smfs");
    const folder = statSync(RUN_FOLDER);
    assert.deepEqual([folder.uid, folder.gid, folder.mode & 0o777], [uid, gid, 0o755]);
    assert.equal(await send("user@fail.test"), "550");
    service("stop");
  });

  it("leaves a file that is no socket alone, with 69", () => {
    writeFileSync(SOCKET, "somebody's");
    const { code, output } = service("start");
    assert.equal(code, 69);
    assert.match(output, /is not a socket; it is not removed/);
    assert.equal(readFileSync(SOCKET, "latin1"), "somebody's");
    rmSync(SOCKET);
  });

  it("starts once when it is started several times at once", async () => {
    for (let round = 0; round < 3; round++) {
      const starts = Array.from({ length: 4 }, () => spawn(PROGRAM, ["-c", CONFIG], { stdio: "ignore" }));
      const codes = await Promise.all(starts.map((child) => exitOf(child)));
      assert.deepEqual(codes.sort(), [0, 69, 69, 69]);
      assert.match(service("status").output, /is running/);
      assert.equal(await send("user@fail.test"), "550");
      assert.deepEqual(readdirSync(RUN_FOLDER).sort(), ["smf-spf.pid", "smf-spf.sock"]);
      assert.equal(service("stop").code, 0);
    }
  });

  describe("with a log that fails", () => {
    const small = "/var/log/small";
    let child: ChildProcess | undefined;

    after(() => {
      child?.kill("SIGKILL");
      service("stop");
      attempt("umount", small);
      rmSync(small, { recursive: true, force: true });
      configure(`LogTo ${LOG}`);
    });

    it("serves on a full disk, and counts the lines it lost once there is room", async () => {
      mkdirSync(small);
      run("mount", "-t", "tmpfs", "-o", "size=32k,mode=755", "small", small);
      configure(`LogTo ${small}/spf.log`, "Syslog none");
      assert.equal(service("start").code, 0);
      writeFileSync(`${small}/filler`, Buffer.alloc(28_000));
      assert.throws(() => {
        writeFileSync(`${small}/more`, Buffer.alloc(28_000));
      }, /ENOSPC/);
      // What is left of the log's own page is used up by and by.
      for (let i = 0; i < 60; i++) assert.equal(await send("user@fail.test"), "550");
      rmSync(`${small}/filler`);
      rmSync(`${small}/more`, { force: true });
      assert.equal(await send("user@fail.test"), "550");
      await logged("lines were lost (no space left on the device", `${small}/spf.log`);
      assert.equal(service("stop").code, 0);
    });

    it("warns where there is no logger(1) for syslog", () => {
      run("mount", "--bind", "/dev/null", "/usr/bin/logger");
      try {
        configure();
        const { code, output } = service("configtest");
        assert.match(output, /Syslog: warning: there is no logger\(1\) on this system/);
        assert.equal(code, 0);
      } finally {
        run("umount", "/usr/bin/logger");
      }
    });

    it("serves while the system log hangs, is gone, and comes back", async () => {
      configure();
      assert.equal(service("start").code, 0);
      // A Sendmail would wait for the system log itself.
      const mta = new MtaPlayer(await openSocket(SOCKET));
      await mta.connect({ hostname: "mail.pass.test", address: "198.51.100.1" });
      await mta.helo("mail.pass.test");
      const refused = async (): Promise<void> => {
        const { verdict } = await mta.message({ from: "<user@fail.test>", recipients: ["<bob@rig.test>"] });
        assert.equal(verdict.kind, "reply");
      };
      await refused();
      syslog.hang();
      // More than a socket's queue, a pipe, and logger's own memory hold.
      for (let i = 0; i < 3000; i++) await refused();
      await syslog.stop("SIGKILL");
      for (let i = 0; i < 5; i++) await refused();
      syslog = await Syslog.start();
      // The way back is tried again after waits that double.
      await waitUntil("a line in the system log", async () => {
        await refused();
        await sleep(100);
        return syslog.lines("smf-spf").some(({ text }) => text.startsWith("SPF fail"));
      });
      mta.quit();
      assert.equal(service("stop").code, 0);
    });

    it("serves when the reader of its standard output has gone", async () => {
      configure("Syslog none", "LogTo /dev/stdout");
      child = spawn("sh", ["-c", `${PROGRAM} -f -c ${CONFIG} | head -n 1`], { stdio: "ignore" });
      await waitUntil("the socket", () => existsSync(SOCKET) && daemonPid() > 0);
      for (let i = 0; i < 5; i++) assert.equal(await send("user@fail.test"), "550");
      assert.equal(service("stop").code, 0);
    });
  });

  it("is uninstalled while it runs, and leaves nothing", () => {
    rmSync(CONFIG);
    run("cp", SAMPLE, CONFIG);
    if (existsSync("/usr/sbin/update-rc.d")) run("update-rc.d", "smf-spf", "defaults");
    assert.equal(service("start").code, 0);
    const pid = daemonPid();
    assert.match(make("uninstall"), /stopping the daemon/);
    assert.equal(lives(pid), false);
    assert.deepEqual(listFiles(), filesBefore);
    assert.equal(attempt("id", "smfs").code, 1);
    assert.doesNotMatch(readFileSync("/etc/group", "latin1"), /^smfs:/m);
    assert.match(attempt("make", "-C", "/run/rig/release", "uninstall").output, /nothing was installed/);
  });
});
