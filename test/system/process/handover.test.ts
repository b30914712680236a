import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { handoverVariable, takeHandover } from "../../../src/process/daemonize.ts";

describe("takeHandover", () => {
  for (const fromSystemd of [true, false]) {
    for (const [what, has, logFd, statusFd] of [
      ["alone", { hasLog: false }, undefined, undefined],
      ["and a log", { hasLog: true }, 5, undefined],
      ["and that of the status page", { hasLog: false, hasStatus: true }, undefined, 5],
      ["a log and that of the status page", { hasLog: true, hasStatus: true }, 5, 6],
    ] as const) {
      it(`reads what handoverVariable() says of ${fromSystemd ? "systemd's" : "our own"} socket ${what}`, () => {
        const env: NodeJS.ProcessEnv = { ...handoverVariable({ fromSystemd, ...has }), HOME: "/" };
        assert.deepEqual(takeHandover(env), { socketFd: 4, fromSystemd, logFd, statusFd });
        assert.deepEqual(env, { HOME: "/" });
      });
    }
  }

  it("is undefined where nothing was handed over", () => {
    assert.equal(takeHandover({}), undefined);
  });
});
