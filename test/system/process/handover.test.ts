import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { handoverVariable, takeHandover } from "../../../src/process/daemonize.ts";

describe("takeHandover", () => {
  for (const fromSystemd of [true, false]) {
    for (const hasLog of [true, false]) {
      it(`reads what handoverVariable() says of ${fromSystemd ? "systemd's" : "our own"} socket ${hasLog ? "and a log" : "alone"}`, () => {
        const env: NodeJS.ProcessEnv = { ...handoverVariable({ fromSystemd, hasLog }), HOME: "/" };
        assert.deepEqual(takeHandover(env), {
          socketFd: 4,
          fromSystemd,
          logFd: hasLog ? 5 : undefined,
          statusFd: undefined,
        });
        assert.deepEqual(env, { HOME: "/" });
      });
    }
  }

  it("is undefined where nothing was handed over", () => {
    assert.equal(takeHandover({}), undefined);
  });
});
