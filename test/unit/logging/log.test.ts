import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Log, type LogSettings } from "../../../src/logging/index.ts";
import { actionEvent, fakeLogger, linesOf, resultEvent, until, withFolder } from "./samples.ts";

const NOW = new Date(2025, 10, 22, 3, 18, 0);
const HEAD = "Nov 22 03:18:00 host smf-spf[7]: ";
const options = { hostname: "host.example.jp", pid: 7, now: (): Date => NOW };

function settingsOf(changes: Partial<LogSettings>): LogSettings {
  return { syslog: "none", logTo: undefined, logFormat: "classic", logLevel: "info", ...changes };
}

describe("Log", () => {
  it("writes events and messages to LogTo under the head of syslog", () =>
    withFolder(async (folder) => {
      const logTo = join(folder, "log");
      const log = new Log(settingsOf({ logTo }), options);
      log.start();
      log.report(resultEvent());
      log.notice("started\nX");
      await log.close();
      assert.deepEqual(linesOf(logTo), [
        `${HEAD}SPF pass: 192.0.2.1, spf.example.jp, spf.example.jp, mikio@example.jp`,
        `${HEAD}started\\x0aX`,
      ]);
    }));

  it("writes lines of at most 1,000 octets, the head among them", () =>
    withFolder(async (folder) => {
      const logTo = join(folder, "log");
      const hostname = "h".repeat(200);
      const log = new Log(settingsOf({ logTo, logFormat: "detailed" }), {
        ...options,
        hostname,
        pid: 4194304,
      });
      log.start();
      const long = "x".repeat(5000);
      const recipients = Array.from({ length: 100 }, (_, index) => `<user${index}@example.jp>`);
      log.report(resultEvent({ ptr: long, helo: long, from: long, mechanism: long, problem: long }));
      log.report(actionEvent({ recipients }));
      log.notice(long);
      await log.close();
      const lines = linesOf(logTo);
      assert.ok(lines.length >= 4);
      for (const line of lines) assert.ok(line.length <= 1000, `${line.length}`);
    }));

  it("writes JSON without a head", () =>
    withFolder(async (folder) => {
      const logTo = join(folder, "log");
      const log = new Log(settingsOf({ logTo, logFormat: "json" }), options);
      log.report(resultEvent());
      log.warning("w");
      await log.close();
      const events = linesOf(logTo).map((line) => (JSON.parse(line) as { event: string }).event);
      assert.deepEqual(events, ["result", "daemon"]);
    }));

  it("leaves out what is less urgent than LogLevel", () =>
    withFolder(async (folder) => {
      const logTo = join(folder, "log");
      const log = new Log(settingsOf({ logTo, logLevel: "notice" }), options);
      log.report(resultEvent({ result: "none" }));
      log.message("info", "i");
      log.message("debug", "d");
      log.error("e");
      await log.close();
      assert.deepEqual(linesOf(logTo), [`${HEAD}e`]);
    }));

  it("writes to syslog and LogTo both", () =>
    withFolder(async (folder) => {
      const logTo = join(folder, "log");
      const loggerCommand = fakeLogger(folder, 'exec cat > "$F/syslog"');
      const log = new Log(settingsOf({ logTo, syslog: "local3" }), { ...options, loggerCommand });
      log.start();
      log.notice("both");
      await until("the line", () => linesOf(join(folder, "syslog")).length === 1);
      await log.close();
      assert.deepEqual(linesOf(join(folder, "syslog")), [`<${19 * 8 + 5}>both`]);
      assert.deepEqual(linesOf(logTo), [`${HEAD}both`]);
    }));

  it("reconfigure() starts a syslog that was not there, and ends one that goes", () =>
    withFolder(async (folder) => {
      const logTo = join(folder, "log");
      const loggerCommand = fakeLogger(folder, 'cat > "$F/syslog"; echo ended > "$F/end"');
      const log = new Log(settingsOf({ logTo }), { ...options, loggerCommand });
      log.start();
      log.reconfigure(settingsOf({ logTo, syslog: "local3" }));
      log.notice("to both");
      await until("the line", () => linesOf(join(folder, "syslog")).length === 1);
      log.reconfigure(settingsOf({ logTo }));
      await until("the end of the logger", () => linesOf(join(folder, "end")).length === 1);
      log.notice("to one");
      await log.close();
      assert.deepEqual(linesOf(join(folder, "syslog")), [`<${19 * 8 + 5}>to both`]);
      assert.deepEqual(linesOf(logTo), [`${HEAD}to both`, `${HEAD}to one`]);
    }));

  it("writes the stack of a defect once", () =>
    withFolder(async (folder) => {
      const logTo = join(folder, "log");
      const log = new Log(settingsOf({ logTo }), options);
      const error = new Error("boom");
      log.failure("evaluation", error);
      log.failure("evaluation", error);
      await log.close();
      const lines = linesOf(logTo);
      assert.equal(lines.filter((line) => line.includes("evaluation: Error: boom")).length, 2);
      const frames = lines.filter((line) => line.includes("]: at "));
      assert.equal(frames.length, new Set(frames).size);
      assert.ok(frames.length > 0);
    }));

  it("reconfigure() moves to another file, and keeps the old one when that cannot be opened", () =>
    withFolder(async (folder) => {
      const [one, two] = [join(folder, "one"), join(folder, "two")];
      const log = new Log(settingsOf({ logTo: one }), options);
      assert.throws(() => {
        log.reconfigure(settingsOf({ logTo: join(folder, "no", "log") }));
      }, /LogTo .*no\/log cannot be opened: its directory does not exist/);
      log.notice("1");
      log.reconfigure(settingsOf({ logTo: two, logFormat: "2.5" }));
      log.report(resultEvent());
      await log.close();
      await until("the old file", () => linesOf(one).length === 1);
      assert.deepEqual(linesOf(one), [`${HEAD}1`]);
      assert.match(linesOf(two)[0] ?? "", /fqdn=/);
    }));

  for (const [whose, does, expected] of [
    ["our standard error", "writes to it with a priority", "<4>to the journal\n"],
    ["another stream", "keeps standard error clean", ""],
  ] as const) {
    it(`${does} when JOURNAL_STREAM is ${whose}`, () => {
      const script = join(import.meta.dirname, "journal-writer.ts");
      const child = spawnSync(process.execPath, ["--import", "tsx", script, whose], { encoding: "latin1" });
      assert.equal(child.stderr, expected);
      assert.equal(child.status, 0);
    });
  }

  it("opens a standard stream once, however often it is reconfigured", {
    skip: process.platform !== "linux" && "needs /proc",
  }, () => {
    const program = [
      'import { readdirSync } from "node:fs";',
      `import { Log } from ${JSON.stringify(join(import.meta.dirname, "../../../src/logging/index.ts"))};`,
      'const settings = { syslog: "none", logTo: "/dev/stdout", logFormat: "classic", logLevel: "info" };',
      'const log = new Log(settings, { hostname: "h", pid: 1, now: () => new Date() });',
      'const count = () => readdirSync("/proc/self/fd").length;',
      "const before = count();",
      'for (let i = 0; i < 20; i++) log.reconfigure({ ...settings, logFormat: i % 2 ? "classic" : "json" });',
      "process.stderr.write(String(count() - before));",
    ];
    const args = ["--import", "tsx", "--input-type=module", "-e", program.join("\n")];
    const { stderr } = spawnSync(process.execPath, args, { encoding: "latin1" });
    assert.equal(stderr, "0");
  });

  it("throws when LogTo cannot be opened at the start", () =>
    withFolder((folder) => {
      assert.throws(() => new Log(settingsOf({ logTo: join(folder, "no", "log") }), options), /no\/log/);
    }));
});
