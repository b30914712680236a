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
