import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { exitOf, Installed } from "./installed.ts";

describe("a StatusSocket that cannot be had", () => {
  let installed: Installed;
  let stranger: Server;
  let port: number;

  before(async () => {
    installed = new Installed("status");
    stranger = createServer();
    await new Promise<void>((resolve) => stranger.listen(0, "127.0.0.1", resolve));
    port = (stranger.address() as { port: number }).port;
    writeFileSync(join(installed.folder, "a-file"), "not ours");
  });
  after(async () => {
    stranger.close();
    await installed.close();
  });

  it("is 69 where another program has the port", async () => {
    installed.configure(`StatusSocket inet:${port}@127.0.0.1`);
    const { code, err } = await installed.run("-f", "-c", installed.config);
    assert.match(err, new RegExp(`^smf-spf: .*inet:${port}@127\\.0\\.0\\.1`, "m"));
    assert.equal(code, 69);
  });

  it("is 69 where a file that is no socket is in its place", async () => {
    const file = join(installed.folder, "a-file");
    installed.configure(`StatusSocket unix:${file}`);
    const { code, err } = await installed.run("-f", "-c", installed.config);
    assert.match(err, /a-file/);
    assert.equal(code, 69);
  });

  for (const kind of ["inet", "unix"] as const) {
    it(`is told as a daemon that is already running, where that has it (${kind})`, {
      skip: kind === "inet" && process.platform !== "linux" && "needs all of 127.0.0.0/8",
    }, async () => {
      // At an address where nobody else would listen: a port that was free here may be taken by the time it is named.
      const address = `127.${process.pid & 255}.${(process.pid >> 8) & 255}.7`;
      const socket =
        kind === "inet" ? `inet:${port}@${address}` : `unix:${join(installed.folder, "run", "status")}`;
      installed.configure(`StatusSocket ${socket}`);
      const first = await installed.start();
      const { code, err } = await installed.run("-f", "-c", installed.config);
      assert.match(err, new RegExp(`smf-spf is already running: PidFile .* names process ${first.pid ?? 0}`));
      assert.equal(code, 69);
      first.kill("SIGTERM");
      assert.equal(await exitOf(first), 0);
    });
  }
});

describe("--status", () => {
  let installed: Installed;
  before(() => {
    installed = new Installed("status");
  });
  after(async () => {
    await installed.close();
  });

  it("says what to do where StatusSocket is not set, and where nobody answers", async () => {
    installed.configure();
    const unset = await installed.run("--status", "-c", installed.config);
    assert.equal(unset.code, 69);
    assert.match(
      unset.err,
      /StatusSocket is not set in .*: add, for example, "StatusSocket unix:.*restart smf-spf\n$/,
    );
    installed.configure(`StatusSocket unix:${join(installed.folder, "nobody")}`);
    const silent = await installed.run("--status", "-c", installed.config);
    assert.equal(silent.code, 69);
    assert.match(
      silent.err,
      /does not answer: .*; is smf-spf running, and was it started after StatusSocket was set\?\n$/,
    );
  });

  it("asks the daemon also where the file has become faulty, and names the fault", async () => {
    const line = `StatusSocket unix:${join(installed.folder, "run", "status")}`;
    installed.configure(line);
    const daemon = await installed.start();
    installed.configure(line, "RefuseFail offf");
    const { code, out, err } = await installed.run("--status", "-c", installed.config);
    assert.match(out, /^smf-spf .*, up since /);
    assert.match(err, /^smf-spf: .*: RefuseFail: invalid value "offf": [^\n]*\n$/);
    assert.equal(code, 0);
    installed.configure("StatusSocket nonsense");
    const none = await installed.run("--status", "-c", installed.config);
    assert.match(none.err, /: StatusSocket: invalid/);
    assert.equal(none.code, 78);
    daemon.kill("SIGTERM");
    assert.equal(await exitOf(daemon), 0);
  });
});
