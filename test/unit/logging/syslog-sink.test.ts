import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { SyslogSink } from "../../../src/logging/syslog-sink.ts";
import { exitOf } from "../../support/child-process.ts";
import { fakeLogger, linesOf, until, withFolder } from "./samples.ts";

const CHILD = join(import.meta.dirname, "logger-without-descriptors.ts");

function sinkOf(command: string, stableMs = 10): SyslogSink {
  return new SyslogSink({
    facility: "mail",
    ident: "smf-spf[7]",
    command,
    restartMs: [20, 40],
    stableMs,
    formatOwn: (_level, text) => text,
  });
}

describe("SyslogSink", () => {
  it("gives util-linux's logger each line with facility and severity", () =>
    withFolder(async (folder) => {
      const sink = sinkOf(fakeLogger(folder, 'exec cat > "$F/log"'));
      sink.write("notice", "before the start");
      sink.start();
      await until("the first line", () => linesOf(join(folder, "log")).length === 1);
      sink.write("error", "e");
      sink.write("info", "<0>forged");
      await sink.close();
      assert.deepEqual(linesOf(join(folder, "log")), ["<21>before the start", "<19>e", "<22><0>forged"]);
      assert.deepEqual(linesOf(join(folder, "args")), [
        "--prio-prefix --size 8192 --socket-errors=on -t smf-spf[7] -p mail.notice",
      ]);
    }));

  it("gives another logger bare lines, with a process for each level", () =>
    withFolder(async (folder) => {
      const sink = sinkOf(fakeLogger(folder, 'exec cat > "$F/log.$4"', "usage: logger [-is]"));
      sink.start();
      sink.write("error", "e");
      sink.write("info", "i1");
      sink.write("info", "i2");
      await until("lines of both", () => linesOf(join(folder, "log.mail.info")).length === 2);
      await sink.close();
      assert.deepEqual(linesOf(join(folder, "log.mail.err")), ["e"]);
      assert.deepEqual(linesOf(join(folder, "log.mail.info")), ["i1", "i2"]);
      assert.ok(linesOf(join(folder, "args")).includes("-t smf-spf[7] -p mail.info"));
    }));

  it("starts a logger again that dies, and says so once it is back", () =>
    withFolder(async (folder) => {
      const body =
        '[ -e "$F/up" ] || { echo "socket /dev/log: no such file" >&2; exit 1; }\nexec cat >> "$F/log"';
      // Longer than one takes to die: what is written is for the one that stays.
      const sink = sinkOf(fakeLogger(folder, body), 500);
      sink.start();
      await until("a second attempt", () => linesOf(join(folder, "args")).length >= 2);
      sink.write("notice", "waited");
      writeFileSync(join(folder, "up"), "");
      await until("the line", () => linesOf(join(folder, "log")).some((line) => line.includes("waited")));
      await sink.close();
      assert.match(
        linesOf(join(folder, "log"))[0] ?? "",
        /^<20>log: logger ended with status 1: socket \/dev\/log: no such file, restarted; the last lines before may be missing/,
      );
    }));

  it("drops and counts what does not fit while the logger hangs, and tells it afterwards", () =>
    withFolder(async (folder) => {
      const body = 'while [ ! -e "$F/go" ]; do sleep 0.02; done\nexec cat > "$F/log"';
      const sink = sinkOf(fakeLogger(folder, body));
      sink.start();
      await until("the logger", () => linesOf(join(folder, "args")).length === 1);
      const sent = 15_000;
      for (let i = 0; i < sent; i++) sink.write("info", `${i} ${"x".repeat(80)}`);
      writeFileSync(join(folder, "go"), "");
      const log = join(folder, "log");
      await until("the report", () => linesOf(log).some((line) => line.includes("lost")));
      await until("the last line", () => {
        const lines = linesOf(log);
        const lost = /log: (\d+) lines were lost/.exec(lines.find((line) => line.includes("lost")) ?? "");
        return lines.length - 1 + Number(lost?.[1]) === sent;
      });
      await sink.close();
    }));

  it("throws nothing when there is no logger at all", () =>
    withFolder(async (folder) => {
      const sink = sinkOf(join(folder, "missing"));
      sink.start();
      for (let i = 0; i < 20; i++) sink.write("info", "x");
      await sink.close();
    }));

  it("starts a logger again that died while no descriptor was left", () =>
    withFolder(async (folder) => {
      const log = join(folder, "log");
      const body = '[ -e "$F/go" ] && exec cat >> "$F/log"\nhead -n 1 >> "$F/log"; exit 1';
      const child = spawn(
        "/bin/sh",
        ["-c", 'ulimit -n 64 && exec "$@"', "sh", process.execPath, "--import", "tsx", CHILD].concat([
          fakeLogger(folder, body),
          log,
          join(folder, "go"),
        ]),
        { stdio: ["ignore", "ignore", "pipe"] },
      );
      let errors = "";
      child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
      const code = exitOf(child, "close");
      await until("the first line", () => linesOf(log).length === 1);
      setTimeout(() => {
        writeFileSync(join(folder, "go"), "");
      }, 200);
      assert.equal(await code, 0, errors);
      assert.ok(
        linesOf(log).some((line) => line.endsWith("last")),
        linesOf(log).join("\n"),
      );
    }));
});
