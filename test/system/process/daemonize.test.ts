import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { ownEnvironment, type StartOutcome, startInBackground } from "../../../src/process/index.ts";
import { killed, lives, until, withFolder } from "./samples.ts";

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
      const outcome = await start("ready", file);
      const { pid, mark } = JSON.parse(readFileSync(file, "utf8")) as { pid: number; mark: boolean };
      try {
        assert.deepEqual(outcome, { exitCode: 0, message: "", pid });
        assert.equal(mark, false, "the mark must not be inherited further");
        if (process.platform === "linux") {
          const session = readFileSync(`/proc/${pid}/stat`, "latin1")
            .replace(/^.*\) /, "")
            .split(" ")[3];
          assert.equal(Number(session), pid);
        }
        process.kill(pid, "SIGTERM");
        await until("its end", () => !lives(pid));
      } finally {
        await killed(pid);
      }
    }));

  it("passes on what a daemon reads of the environment, and nothing else", () => {
    const own = {
      PATH: "/bin",
      TZ: "UTC",
      LC_ALL: "C",
      SPFBEHAVIOR: "3",
      NODE_OPTIONS: "",
      NOTIFY_SOCKET: "/n",
    };
    const foreign = {
      HOME: "/root",
      SSH_AUTH_SOCK: "/s",
      AWS_SECRET: "x",
      LD_PRELOAD: "/l",
      LCX: "1",
      MYPATH: "/",
    };
    assert.deepEqual(ownEnvironment({ ...own, ...foreign }), own);
  });

  it("resolves with the daemon's error and code when it cannot start", async () => {
    const { exitCode, message } = await start("fail");
    assert.deepEqual([exitCode, message], [69, "the socket is in use"]);
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
