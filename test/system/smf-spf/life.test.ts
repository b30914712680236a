import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { existsSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { dirname, join } from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { MtaPlayer, openSocket } from "../../support/mta-player.ts";
import { type Nameserver, startNameserver } from "../../support/nameserver/index.ts";
import { ended, exitOf, Installed, lives, until } from "./installed.ts";

describe("the life of the daemon", () => {
  let installed: Installed;
  let nameserver: Nameserver;

  before(async () => {
    installed = new Installed();
    nameserver = await startNameserver({
      "fail.example": [{ TXT: "v=spf1 -all" }],
      "slow.example": ["TIMEOUT"],
      "early.example": [{ TXT: "v=spf1 a:one.example a:two.example -all" }],
      "late.example": [{ TXT: "v=spf1 a:one.example a:two.example -all" }],
      "one.example": [{ A: "192.0.2.1" }],
    });
  });

  afterEach(() => installed.killAll());

  after(async () => {
    await installed.close();
    await nameserver.close();
  });

  async function start(...lines: string[]): Promise<ChildProcess> {
    writeFileSync(installed.log, "");
    installed.configure(`Nameserver 127.0.0.1:${nameserver.port}`, ...lines);
    return installed.start();
  }

  const logged = (text: string): boolean => installed.logLines().some((line) => line.includes(text));
  const kindOf = async (mta: MtaPlayer): Promise<string> =>
    (await mta.message({ from: "<a@fail.example>", recipients: ["<b@c.test>"] })).verdict.kind;

  it("takes new settings on SIGHUP; a connection goes on under the old ones", async () => {
    const daemon = await start();
    const old = await installed.mta();
    installed.configure(`Nameserver 127.0.0.1:${nameserver.port}`, "RefuseFail off", "SocketMode 0666");
    daemon.kill("SIGHUP");
    await until("the reload", () => logged("reload: new settings in force"));
    const next = await installed.mta();
    assert.equal(await kindOf(old), "reply");
    assert.equal(await kindOf(next), "continue");
    const line = installed.logLines().find((text) => text.includes("changed: "));
    assert.equal(line, "reload: new settings in force, changed: RefuseFail, RefuseHeloFail");
    await until("the warning", () => logged("only a restart changes SocketMode"));
    old.quit();
    next.quit();
  });

  it("takes a new MaxConnections on SIGHUP", async () => {
    const daemon = await start("MaxConnections 1");
    const first = await installed.mta();
    await assert.rejects(installed.mta());
    installed.configure(`Nameserver 127.0.0.1:${nameserver.port}`, "MaxConnections 2");
    daemon.kill("SIGHUP");
    await until("the reload", () => logged("changed: MaxConnections"));
    const second = await installed.mta();
    assert.equal(await kindOf(second), "reply");
    first.quit();
    second.quit();
  });

  it("keeps cached verdicts on SIGHUP, until an option changes that they depend on", async () => {
    const server = `Nameserver 127.0.0.1:${nameserver.port}`;
    const daemon = await start("RefuseFail off");
    let reloads = 0;
    let verdicts = 0;
    const verdictAfter = async (...lines: string[]): Promise<string> => {
      if (lines.length > 0) {
        installed.configure(server, "RefuseFail off", ...lines);
        daemon.kill("SIGHUP");
        reloads++;
        const done = (): number => installed.logLines().filter((line) => line.includes("in force")).length;
        await until("the reload", () => done() === reloads);
      }
      const mta = await installed.mta();
      await mta.message({ from: "<a@fail.example>", recipients: ["<b@c.test>"] });
      mta.quit();
      const results = (): string[] => installed.logLines().filter((line) => /^SPF fail/.test(line));
      verdicts++;
      await until("the verdict", () => results().length === verdicts);
      return results().at(-1)?.split(":")[0] ?? "";
    };
    assert.equal(await verdictAfter(), "SPF fail");
    assert.equal(await verdictAfter("Tag [x]"), "SPF fail (cached)");
    assert.equal(await verdictAfter("TTL 30m", "CacheSize 50"), "SPF fail (cached)");
    assert.equal(await verdictAfter("TTL 30m", "Prefetch off", "TagSubject off"), "SPF fail (cached)");
    assert.equal(await verdictAfter("SPFRules ip4:203.0.113.1"), "SPF fail");
    assert.equal(await verdictAfter("SPFRules ip4:203.0.113.1", "TTL 0"), "SPF fail");
  });

  it("asks early for what records name, or no more, after a SIGHUP that changes Prefetch", async () => {
    const daemon = await start("TTL 0", "CacheSize 1");
    const mta = await installed.mta();
    await mta.message({ from: "<a@early.example>", recipients: ["<b@c.test>"] });
    mta.quit();
    await until("the early question", () => nameserver.questions.of("two.example") === 1);
    installed.configure(`Nameserver 127.0.0.1:${nameserver.port}`, "TTL 0", "CacheSize 1", "Prefetch off");
    daemon.kill("SIGHUP");
    await until("the reload", () => logged("changed: Prefetch"));
    nameserver.resetCounts();
    const next = await installed.mta();
    await next.message({ from: "<a@late.example>", recipients: ["<b@c.test>"] });
    next.quit();
    assert.equal(nameserver.questions.of("late.example"), 1);
    assert.equal(nameserver.questions.of("two.example"), 0);
  });

  it("keeps the old settings on SIGHUP when the file has faults, and names file and line", async () => {
    const daemon = await start();
    installed.configure("RefuseFail off", "LookupTime never");
    daemon.kill("SIGHUP");
    await until("the refusal", () => logged("the old settings stay in force"));
    assert.ok(installed.logLines().some((line) => /smf-spf\.conf:\d+: LookupTime: /.test(line)));
    const mta = await installed.mta();
    assert.equal(await kindOf(mta), "reply");
    mta.quit();
  });

  it("warns at the start of files that User cannot read at a reload, list files too", {
    skip: process.getuid?.() !== 0 && "needs root",
  }, async () => {
    const [secret, open] = ["secret", "open"].map((name) => join(installed.folder, name));
    assert.ok(secret !== undefined && open !== undefined);
    writeFileSync(secret, "192.0.2.9\n", { mode: 0o600 });
    writeFileSync(open, "192.0.2.10\n", { mode: 0o644 });
    await start(`WhitelistIP file:${secret}`, `WhitelistIP file:${open}`);
    await until("the warning", () => logged(`${secret} cannot be read by User nobody`));
    assert.ok(!logged(open) && !logged(`${installed.config} cannot`));
  });

  it("keeps the old settings on SIGHUP when LogTo cannot be opened", async () => {
    const daemon = await start();
    writeFileSync(
      installed.config,
      readFileSync(installed.config, "utf8").replace(
        /^LogTo .*$/m,
        `LogTo ${installed.folder}/no/log\nRefuseFail off`,
      ),
    );
    daemon.kill("SIGHUP");
    await until("the refusal", () => logged("the log could not be moved, the old settings stay in force"));
    const mta = await installed.mta();
    assert.equal(await kindOf(mta), "reply");
    mta.quit();
  });

  it("opens LogTo anew on SIGHUP, also where the file has a fault", async () => {
    const daemon = await start();
    const user = process.getuid?.() === 0 ? "nobody" : userInfo().username;
    assert.ok(logged(`running as user ${user}`));
    for (const lines of [[], ["RefuseFail maybe"]]) {
      const rotated = `${installed.log}.1`;
      renameSync(installed.log, rotated);
      installed.configure(...lines);
      daemon.kill("SIGHUP");
      await until("the new file", () => logged("reload: "));
    }
  });

  it("empties both caches on SIGUSR2", async () => {
    const daemon = await start();
    const mta = await installed.mta();
    const asked = async (): Promise<number> => {
      await kindOf(mta);
      return nameserver.questions.of("fail.example");
    };
    nameserver.resetCounts();
    assert.deepEqual([await asked(), await asked()], [1, 1]);
    daemon.kill("SIGUSR2");
    await until("the line", () => logged("both caches are empty"));
    assert.equal(await asked(), 2);
    mta.quit();
  });

  it("empties CacheFile too on SIGUSR2: what it had does not come back after a crash", async () => {
    const cache = join(dirname(installed.log), "cache");
    const serve = async (): Promise<number> => {
      nameserver.resetCounts();
      const mta = await installed.mta();
      await kindOf(mta);
      mta.quit();
      return nameserver.questions.of("fail.example");
    };
    const crash = async (daemon: ChildProcess): Promise<void> => {
      daemon.kill("SIGKILL");
      await until("the end", () => !lives(daemon.pid ?? 0));
    };
    /** Undefined while there is no file: SIGUSR2 removes the former one first. */
    const isKept = (): boolean | undefined => {
      try {
        return readFileSync(cache, "latin1").includes("fail.example");
      } catch {
        return undefined;
      }
    };
    const first = await start(`CacheFile ${cache}`);
    assert.equal(await serve(), 1);
    first.kill("SIGUSR1");
    await until("the file", () => isKept() === true);
    await crash(first);
    const second = await start(`CacheFile ${cache}`);
    await until("what was read", () => logged("entries read"));
    assert.equal(await serve(), 0);
    second.kill("SIGUSR2");
    await until("the emptied file", () => isKept() === false);
    await crash(second);
    await start(`CacheFile ${cache}`);
    await until("what was read", () => logged("entries read"));
    assert.equal(await serve(), 1);
  });

  it("writes counters on SIGUSR1 and opens LogTo anew", async () => {
    const daemon = await start();
    const mta = await installed.mta();
    await kindOf(mta);
    mta.quit();
    const rotated = `${installed.log}.1`;
    renameSync(installed.log, rotated);
    daemon.kill("SIGUSR1");
    await until("the counters", () => installed.logLines().some((line) => line.startsWith("memory: ")));
    const lines = installed.logLines().join("\n");
    for (const part of [
      "verdicts: 1, cached 0",
      "fail 1",
      "refused 1",
      "DNS: 1 questions",
      "connections: ",
      "; closed: 0 over MaxConnections, 0 idle, 0 for their memory; messages deferred for their memory: 0; errors: 0 at accept, 0 of protocol, 0 internal",
    ]) {
      assert.ok(lines.includes(part), `${part} in ${lines}`);
    }
    assert.equal(
      installed.logLines(rotated).some((line) => line.startsWith("memory: ")),
      false,
    );
  });

  it("lets the message in hand end when SIGTERM comes, and takes no new connection", async () => {
    const daemon = await start("LookupTime 1s", "AcceptTempError on", "ShutdownTime 8s");
    const mta = await installed.mta();
    const message = mta.message({ from: "<a@slow.example>", recipients: ["<b@c.test>"] });
    await until("the question", () => nameserver.questions.of("slow.example") > 0);
    const over = ended(daemon);
    daemon.kill("SIGTERM");
    await until("the socket to go", () => !existsSync(installed.socket));
    assert.equal((await message).stage, "endOfMessage");
    assert.equal((await over).code, 0);
  });

  it("ends at once on a second signal", async () => {
    const daemon = await start("LookupTime 60s", "DNSTimeout 60s", "ShutdownTime 60s");
    const mta = await installed.mta();
    const message = mta
      .message({ from: "<a@slow.example>", recipients: ["<b@c.test>"] })
      .catch(() => undefined);
    await until("the question", () => nameserver.questions.of("slow.example") > 0);
    const over = ended(daemon);
    daemon.kill("SIGTERM");
    await until("the first to be heard", () => logged("SIGTERM: stopping"));
    daemon.kill("SIGTERM");
    assert.equal((await over).code, 0);
    await message;
    assert.equal(existsSync(installed.pidFile), false);
  });

  it("starts after a kill -9 over what is left", async () => {
    const first = await start();
    const over = ended(first);
    first.kill("SIGKILL");
    await over;
    assert.ok(existsSync(installed.socket) && existsSync(installed.pidFile));
    const second = await start();
    assert.equal(installed.pid, second.pid);
    const mta = await installed.mta();
    assert.equal(await kindOf(mta), "reply");
    mta.quit();
  });

  it("refuses and tags nothing with -n", async () => {
    writeFileSync(installed.log, "");
    installed.configure(
      `Nameserver 127.0.0.1:${nameserver.port}`,
      "PolicyFor from=@fail.example ReportOnly=off",
    );
    await installed.start(["-n"]);
    const mta = await installed.mta();
    assert.equal(await kindOf(mta), "continue");
    await until("the line", () => logged("(report only)"));
    mta.quit();
  });

  it("goes on after an error that nobody caught, and logs its stack once", async () => {
    const thrower = join(installed.folder, "thrower.cjs");
    writeFileSync(
      thrower,
      `const error = new Error("out of the blue"); process.on("SIGUSR2", () => { throw error; });`,
    );
    writeFileSync(installed.log, "");
    installed.configure(`Nameserver 127.0.0.1:${nameserver.port}`);
    const daemon = await installed.start([], { NODE_OPTIONS: `--require "${thrower}"` });
    const mta = await installed.mta();
    const times = (): number =>
      installed.logLines().filter((line) => line.includes("out of the blue")).length;
    daemon.kill("SIGUSR2");
    await until("the first line", () => times() === 1);
    daemon.kill("SIGUSR2");
    await until("the second line", () => times() === 2);
    assert.equal(await kindOf(mta), "reply");
    mta.quit();
    const frames = installed.logLines().filter((line) => line.startsWith("at "));
    assert.ok(frames.length > 0);
    assert.equal(frames.length, new Set(frames).size);
  });

  it("answers a packet that is none by closing that connection, and harms no other", async () => {
    await start();
    const mta = await installed.mta();
    const broken = await openSocket(installed.socket);
    broken.write(Buffer.from([0, 0, 0, 0]));
    assert.equal(await broken.read(), undefined);
    await until("the line", () => logged("closed:"));
    assert.equal(await kindOf(mta), "reply");
    mta.quit();
  });

  it("serves on the socket that systemd passes, and leaves its file alone", {
    skip: !existsSync("/usr/bin/systemd-socket-activate") && "needs systemd-socket-activate",
  }, async () => {
    writeFileSync(installed.log, "");
    installed.configure(`Nameserver 127.0.0.1:${nameserver.port}`);
    const path = join(installed.folder, "passed");
    const child = installed.spawn(
      ["-l", path, process.execPath, installed.program, "-f", "-c", installed.config],
      { program: "systemd-socket-activate", stdio: "ignore" },
    );
    const over = exitOf(child);
    const mta = await installed.mta(path);
    assert.equal(await kindOf(mta), "reply");
    mta.quit();
    child.kill("SIGTERM");
    assert.equal(await over, 0);
    assert.ok(statSync(path).isSocket());
    assert.equal(existsSync(installed.pidFile), false);
  });
});
