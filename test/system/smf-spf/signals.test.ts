import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { PATIENCE_MS } from "../../support/child-process.ts";
import { ended, Installed, lives, until } from "./installed.ts";

const SKIP = process.platform === "linux" ? false : "needs /proc";

/** Whether the process has a handler of its own for the signal. */
function handles(pid: number, signal: NodeJS.Signals): boolean {
  try {
    const [, caught = "0"] = /^SigCgt:\s*(\S+)/m.exec(readFileSync(`/proc/${pid}/status`, "latin1")) ?? [];
    return ((BigInt(`0x${caught}`) >> BigInt(constants.signals[signal] - 1)) & 1n) === 1n;
  } catch {
    return false;
  }
}

/** Whether the process listens on a TCP port, which only Node's debugger would do here. */
function hasDebugger(pid: number): boolean {
  const listening = new Set(
    readFileSync(`/proc/${pid}/net/tcp`, "latin1")
      .split("\n")
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[3] === "0A")
      .map((fields) => `socket:[${fields[9]}]`),
  );
  return readdirSync(`/proc/${pid}/fd`).some((fd) => {
    try {
      return listening.has(readlinkSync(`/proc/${pid}/fd/${fd}`));
    } catch {
      return false;
    }
  });
}

/** Resolves in the moment in which the condition holds, or when the process has ended. */
async function inTheMoment(child: ChildProcess, condition: () => boolean): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!condition() && child.exitCode === null && child.signalCode === null) {
    if (performance.now() > end) throw new Error("the moment has not come");
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe("a signal at any moment of a start", { skip: SKIP }, () => {
  let installed: Installed;
  const run = (): string => join(installed.folder, "run");
  const left = (): string[] => (existsSync(run()) ? readdirSync(run()) : []);

  /** From Node's first handler, which opens the debugger, to the last file. */
  const moments: Readonly<Record<string, (pid: number) => boolean>> = {
    "when Node would open its debugger": (pid) => handles(pid, "SIGUSR1"),
    "when the program runs": (pid) => handles(pid, "SIGUSR2"),
    "when the socket is there": () => existsSync(installed.socket),
    "when the PID file is there": () => existsSync(installed.pidFile),
  };

  before(() => {
    installed = new Installed();
    installed.configure("RefuseFail off");
  });

  afterEach(async () => {
    await installed.killAll();
    rmSync(run(), { recursive: true, force: true });
    rmSync(installed.log, { force: true });
  });

  after(() => installed.close());

  function spawnProgram(...args: string[]): ChildProcess {
    return installed.spawn(["-c", installed.config, ...args]);
  }

  for (const [moment, isReached] of Object.entries(moments)) {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      it(`${signal} ${moment} ends the daemon and leaves nothing`, async () => {
        const child = spawnProgram("-f");
        const over = ended(child);
        await inTheMoment(child, () => isReached(child.pid ?? 0));
        child.kill(signal);
        const { code } = await over;
        // Before the program runs, the system ends it.
        assert.ok(code === 0 || child.signalCode === signal, `ended with ${code}`);
        assert.deepEqual(left(), []);
      });
    }

    for (const signal of ["SIGHUP", "SIGUSR1", "SIGUSR2"] as const) {
      it(`${signal} ${moment} neither ends the daemon nor opens the debugger`, async () => {
        const child = spawnProgram("-f");
        const over = ended(child);
        await inTheMoment(child, () => isReached(child.pid ?? 0));
        const early = !handles(child.pid ?? 0, signal);
        child.kill(signal);
        await inTheMoment(child, () => installed.logLines().some((line) => line.includes("started")));
        if (early && child.signalCode === signal) return;
        assert.equal(child.signalCode, null, `${signal} has ended the daemon`);
        await until("the debugger's end", () => !hasDebugger(child.pid ?? 0));
        child.kill("SIGTERM");
        const { code, err } = await over;
        assert.equal(code, 0);
        if (!moment.includes("debugger")) assert.doesNotMatch(err, /Debugger/);
        assert.deepEqual(left(), []);
      });
    }

    it(`SIGTERM ${moment} to the starting process leaves a daemon only if the start succeeded`, async () => {
      const child = spawnProgram();
      const over = ended(child);
      await inTheMoment(child, () => isReached(child.pid ?? 0));
      child.kill("SIGTERM");
      const { code } = await over;
      const { pid } = installed;
      if (code === 0) {
        assert.ok(pid !== undefined && lives(pid));
      } else {
        assert.ok(code === 143 || child.signalCode === "SIGTERM", `ended with ${code}`);
        assert.deepEqual(left(), []);
      }
    });

    it(`SIGUSR1 ${moment} to the starting process does not hinder the start`, async () => {
      const child = spawnProgram();
      const over = ended(child);
      await inTheMoment(child, () => isReached(child.pid ?? 0));
      child.kill("SIGUSR1");
      const { code } = await over;
      const { pid } = installed;
      assert.equal(code, 0);
      assert.ok(pid !== undefined && lives(pid) && !hasDebugger(pid));
    });
  }
});
