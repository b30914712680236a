import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { outputOf, runScript } from "./samples.ts";

describe("listenToSignals", () => {
  it("tells stop from a second stop, reload and report", async () => {
    const child = runScript(join(import.meta.dirname, "signal-listener.ts"), []);
    const steps: [NodeJS.Signals, string][] = [
      ["SIGHUP", "reload"],
      ["SIGUSR1", "report"],
      ["SIGUSR2", "flush"],
      ["SIGINT", "stop SIGINT"],
      ["SIGHUP", "reload"],
      ["SIGTERM", "stopNow SIGTERM"],
    ];
    let at = 0;
    child.stdout?.on("data", () => {
      const step = steps[at++];
      if (step !== undefined) child.kill(step[0]);
    });
    const { code, out } = await outputOf(child);
    assert.deepEqual(out.trim().split("\n"), ["up", ...steps.map(([, line]) => line)]);
    assert.equal(code, 3);
  });

  it("is the first that every program does", () => {
    for (const [program, first] of [
      ["smf-spf", "./early.ts"],
      ["spfquery", "../process/no-debugger.ts"],
      ["spfreport", "../process/no-debugger.ts"],
    ] as const) {
      const text = readFileSync(join(import.meta.dirname, `../../../src/${program}/main.ts`), "utf8");
      assert.equal(/^import .*$/m.exec(text)?.[0], `import "${first}";`, program);
    }
  });
});
