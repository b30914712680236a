import assert from "node:assert/strict";
import { once } from "node:events";
import { closeSync, existsSync, openSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { type Nameserver, startNameserver } from "../../support/nameserver/index.ts";
import { ended, exitOf, Installed, lives, until } from "./installed.ts";

const manifest = JSON.parse(readFileSync(join(import.meta.dirname, "../../../package.json"), "utf8")) as {
  version: string;
};

const DIST = join(import.meta.dirname, "../../../dist");

describe("smf-spf as one file in an empty folder", () => {
  let installed: Installed;
  let nameserver: Nameserver;

  before(async () => {
    installed = new Installed();
    nameserver = await startNameserver({
      "example.net": [{ TXT: "v=spf1 ip4:192.0.2.1 -all" }],
      "fail.example": [{ TXT: "v=spf1 -all" }],
    });
  });

  afterEach(() => installed.killAll());

  after(async () => {
    await installed.close();
    await nameserver.close();
  });

  it("prints its version", async () => {
    assert.deepEqual(await installed.run("-V"), { code: 0, out: `smf-spf ${manifest.version}\n`, err: "" });
  });

  it("holds nothing of package.json but name and version", () => {
    assert.equal(readFileSync(installed.program, "utf8").includes("devDependencies"), false);
  });

  it("is ASCII throughout: one other character in a comment, and V8 keeps all of it with two octets for each", () => {
    for (const name of readdirSync(DIST).filter((name) => /\.c?js$/.test(name))) {
      const strange = /[^\0-\x7f]/.exec(readFileSync(join(DIST, name), "utf8"));
      assert.equal(strange?.[0], undefined, name);
    }
  });

  it("ends with 64 on a wrong option, 66 without its file, 78 on a fault, each with its reason", async () => {
    const usage = await installed.run("--nope");
    assert.equal(usage.code, 64);
    assert.match(usage.err, /unknown option '--nope'/);
    const missing = await installed.run("-f", "-c", "/nonexistent/smf-spf.conf");
    assert.equal(missing.code, 66);
    assert.match(missing.err, /\/nonexistent\/smf-spf\.conf/);
    installed.configure("RefuseFail perhaps");
    const fault = await installed.run("-f", "-c", installed.config);
    assert.equal(fault.code, 78);
    assert.match(fault.err, /smf-spf\.conf:\d+: RefuseFail: /);
  });

  for (const [args, code] of [
    [["-t"], 78],
    [["-h"], 0],
  ] as const) {
    it(`keeps its exit code where nobody reads what ${args.join(" ")} prints`, async () => {
      installed.configure("RefuseFail perhaps");
      const child = installed.spawn([...args, "-c", installed.config]);
      child.stdout?.destroy();
      const end = await ended(child);
      assert.deepEqual([end.code, end.err], [code, ""]);
    });
  }

  it("prints all faults into a pipe that is read late", async () => {
    const file = join(installed.folder, "many-faults.conf");
    writeFileSync(file, "RefuseFail perhaps\n".repeat(2000));
    const child = installed.spawn(["-t", "-c", file]);
    assert.ok(child.stdout !== null);
    // It has begun to print, and then has time to find the pipe full.
    await once(child.stdout, "readable");
    await delay(500);
    const { code, out } = await ended(child);
    assert.equal(out.split("\n").filter((line) => line.includes(": RefuseFail: ")).length, 2000);
    assert.equal(code, 78);
  });

  for (const args of [["-t"], ["-V"], ["-h"]]) {
    it(`ends with 74 where what ${args.join(" ")} prints cannot be written`, {
      skip: !existsSync("/dev/full") && "there is no /dev/full",
    }, async () => {
      const full = openSync("/dev/full", "w");
      const child = installed.spawn(args, { stdio: ["ignore", full, "pipe"] });
      const { code, err } = await ended(child);
      closeSync(full);
      assert.equal(err, "smf-spf: cannot write the output: no space left on the device\n");
      assert.equal(code, 74);
    });
  }

  it("ends by SIGTERM though nobody reads its standard error", async () => {
    installed.configure();
    const text = readFileSync(installed.config, "utf8").replace(/^LogTo .*$/m, "TTL 1 h\n".repeat(3000));
    writeFileSync(installed.config, text);
    const child = installed.spawn(["-f", "-c", installed.config], { stdio: ["ignore", "ignore", "pipe"] });
    const over = exitOf(child);
    await until("the daemon", () => existsSync(installed.socket));
    // It answers, so it also hears signals.
    (await installed.mta()).quit();
    child.kill("SIGTERM");
    assert.equal(await over, 0);
    child.stderr?.destroy();
  });

  it("tells warnings on standard error where no log is there to take them", async () => {
    installed.configure();
    const text = readFileSync(installed.config, "utf8").replace(/^LogTo .*$/m, "TTL 1 h");
    writeFileSync(installed.config, text);
    const child = installed.spawn(["-f", "-c", installed.config]);
    const over = ended(child);
    await until("the daemon", () => existsSync(installed.socket));
    child.kill("SIGTERM");
    const { err } = await over;
    assert.match(err, /TTL: warning: "h" is ignored/);
    assert.match(err, /Syslog: warning: none without LogTo: nothing is logged/);
  });

  it("serves a connection, and SIGTERM ends it with 0 and no file left", async () => {
    installed.configure(`Nameserver 127.0.0.1:${nameserver.port}`);
    const daemon = await installed.start();
    assert.equal(installed.pid, daemon.pid);
    const mta = await installed.mta();
    const passed = await mta.message({ from: "<a@example.net>", recipients: ["<b@c.test>"] });
    assert.equal(passed.verdict.kind, "continue");
    assert.equal(passed.edits.filter((edit) => edit.kind === "insertHeader").length, 2);
    const failed = await mta.message({ from: "<a@fail.example>", recipients: ["<b@c.test>"] });
    assert.equal(failed.stage, "mail");
    assert.equal(failed.verdict.kind, "reply");
    mta.quit();
    const over = ended(daemon);
    daemon.kill("SIGTERM");
    assert.equal((await over).code, 0);
    assert.deepEqual(readdirSync(join(installed.folder, "run")), []);
    const log = installed.logLines();
    assert.ok(
      log.includes("SPF pass: 192.0.2.1, mail.example.net, mail.example.net, a@example.net"),
      log.join("\n"),
    );
    assert.ok(log.some((line) => line.startsWith("SPF fail: 192.0.2.1, ")));
    assert.match(log.at(-1) ?? "", /stopped$/);
  });

  it("goes to the background when it listens, and tells why when it cannot", async () => {
    installed.configure(`Nameserver 127.0.0.1:${nameserver.port}`, "Daemonize on");
    const started = await installed.run("-c", installed.config);
    assert.equal(
      started.out,
      `smf-spf: running in the background as pid ${installed.pid}; log: ${installed.log}; stop it with: kill ${installed.pid}\n`,
    );
    assert.deepEqual([started.code, started.err], [0, ""]);
    const { pid } = installed;
    assert.ok(pid !== undefined && existsSync(installed.socket));
    const mta = await installed.mta();
    mta.quit();
    const second = await installed.run("-c", installed.config);
    assert.equal(second.code, 69);
    assert.match(second.err, /^smf-spf: Socket unix:.* is in use: a daemon answers there\n$/);
    assert.equal(installed.pid, pid);
    process.kill(pid, "SIGTERM");
    await until("its end", () => !lives(pid));
    assert.equal(existsSync(installed.socket), false);
    assert.equal(existsSync(installed.pidFile), false);
  });
});
