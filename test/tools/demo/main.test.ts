import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { commandLineOf, exitOf, until } from "../../support/child-process.ts";

const DEMO = join(import.meta.dirname, "main.ts");

/** The command lines of processes that name a folder. */
function processesIn(folder: string): string[] {
  return readdirSync("/proc").flatMap((pid) => {
    const line = commandLineOf(pid);
    return line.includes(folder) ? [line] : [];
  });
}

describe("make demo", { skip: process.platform !== "linux" && "needs /proc" }, () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "smf-spf-demo-test-"));
    // The daemon is nobody where this is root.
    chmodSync(folder, 0o755);
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  for (const [how, end, code] of [
    ["its reader has seen enough", (child: ReturnType<typeof spawn>) => child.stdout?.destroy(), 0],
    ["SIGTERM comes", (child: ReturnType<typeof spawn>) => child.kill("SIGTERM"), 143],
  ] as const) {
    it(`leaves no daemon and no file when ${how}`, async () => {
      const child = spawn(process.execPath, ["--import", "tsx", DEMO], {
        env: { ...process.env, TMPDIR: folder },
        stdio: ["ignore", "pipe", "inherit"],
      });
      const over = exitOf(child);
      let text = "";
      // The first scene: the daemon runs by then.
      child.stdout.on("data", (chunk: Buffer) => {
        const wasThere = text.includes("< 250 ok");
        text += chunk.toString();
        if (!wasThere && text.includes("< 250 ok")) end(child);
      });
      assert.equal(await over, code);
      await until("the end of the daemon", () => processesIn(folder).length === 0);
      assert.deepEqual(
        readdirSync(folder).filter((name) => name.startsWith("smf-spf-demo")),
        [],
      );
    });
  }
});
