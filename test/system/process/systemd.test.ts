import assert from "node:assert/strict";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { inheritedSocket, notifyReady, notifyStopping } from "../../../src/process/index.ts";
import { daemonError, withFolder } from "./samples.ts";

describe("inheritedSocket", () => {
  const table: [string, NodeJS.ProcessEnv, number | undefined][] = [
    ["systemd passed one to us", { LISTEN_PID: "7", LISTEN_FDS: "1" }, 3],
    ["it was for another process", { LISTEN_PID: "8", LISTEN_FDS: "1" }, undefined],
    ["there is none", {}, undefined],
    ["the number is missing", { LISTEN_PID: "7" }, undefined],
  ];
  for (const [what, env, expected] of table) {
    it(`is ${expected ?? "undefined"} when ${what}`, () => {
      assert.equal(inheritedSocket(env, 7), expected);
    });
  }

  it("throws when there are two", () => {
    assert.throws(
      () => inheritedSocket({ LISTEN_PID: "7", LISTEN_FDS: "2" }, 7),
      daemonError(69, /must define exactly one/),
    );
  });
});

describe("notifyReady", () => {
  it("runs systemd-notify with the socket, the status and our PID", () =>
    withFolder(async (folder) => {
      const command = join(folder, "notify");
      writeFileSync(command, `#!/bin/sh\necho "$NOTIFY_SOCKET $*" > '${folder}/args'\n`);
      chmodSync(command, 0o755);
      assert.equal(await notifyReady({ NOTIFY_SOCKET: "/run/n" }, { status: "up", command }), undefined);
      const args = readFileSync(join(folder, "args"), "latin1");
      assert.equal(args, `/run/n --ready --status=up MAINPID=${process.pid}\n`);
    }));

  it("does nothing without NOTIFY_SOCKET", async () => {
    assert.equal(await notifyReady({}, { status: "up", command: "/nonexistent" }), undefined);
  });

  it("tells in words what went wrong", async () => {
    const words = await notifyReady({ NOTIFY_SOCKET: "/run/n" }, { status: "up", command: "/nonexistent" });
    assert.match(words ?? "", /cannot tell systemd.*ENOENT/);
  });
});

describe("notifyStopping", () => {
  it("asks for the time that a stop may take", () =>
    withFolder(async (folder) => {
      const command = join(folder, "notify");
      writeFileSync(command, `#!/bin/sh\necho "$NOTIFY_SOCKET $*" > '${folder}/args'\n`);
      chmodSync(command, 0o755);
      assert.equal(
        await notifyStopping({ NOTIFY_SOCKET: "/run/n" }, { withinMs: 75_000, command }),
        undefined,
      );
      const args = readFileSync(join(folder, "args"), "latin1");
      assert.equal(args, "/run/n STOPPING=1 EXTEND_TIMEOUT_USEC=75000000\n");
    }));

  it("tells in words what went wrong", async () => {
    const words = await notifyStopping({ NOTIFY_SOCKET: "/run/n" }, { withinMs: 1, command: "/nonexistent" });
    assert.match(words ?? "", /cannot tell systemd that the daemon ends.*ENOENT/);
  });
});
