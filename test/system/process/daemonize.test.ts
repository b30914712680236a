import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { type StartOutcome, startInBackground } from "../../../src/process/index.ts";
import { until, withFolder } from "./samples.ts";

const start = (...args: string[]): Promise<StartOutcome> =>
  startInBackground({
    script: join(import.meta.dirname, "background-daemon.ts"),
    args,
    execArgv: ["--import", "tsx"],
    env: process.env,
    keepStdout: false,
    keepStderr: false,
  });

describe("startInBackground", () => {
  it("resolves with 0 once the daemon is ready, which lives on in a session of its own", () =>
    withFolder(async (folder) => {
      const file = join(folder, "pid");
      assert.deepEqual(await start("ready", file), { exitCode: 0, message: "" });
      const { pid, mark } = JSON.parse(readFileSync(file, "utf8")) as { pid: number; mark: boolean };
      assert.equal(mark, false, "the mark must not be inherited further");
      if (process.platform === "linux") {
        const session = readFileSync(`/proc/${pid}/stat`, "latin1")
          .replace(/^.*\) /, "")
          .split(" ")[3];
        assert.equal(Number(session), pid);
      }
      process.kill(pid, "SIGTERM");
      await until("its end", () => {
        try {
          process.kill(pid, 0);
          return false;
        } catch {
          return true;
        }
      });
    }));

  it("resolves with the daemon's error and code when it cannot start", async () => {
    assert.deepEqual(await start("fail"), { exitCode: 69, message: "the socket is in use" });
  });

  it("resolves with the exit code when the daemon ends without a word", async () => {
    const outcome = await start("exit");
    assert.equal(outcome.exitCode, 78);
    assert.match(outcome.message, /ended with status 78/);
  });

  it("resolves with an error when the daemon is killed", async () => {
    const outcome = await start("die");
    assert.equal(outcome.exitCode, 70);
    assert.match(outcome.message, /SIGKILL/);
  });
});
