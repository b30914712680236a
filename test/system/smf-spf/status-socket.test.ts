import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { Installed } from "./installed.ts";

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
  after(() => {
    stranger.close();
    installed.close();
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
    it(`is told as a daemon that is already running, where that has it (${kind})`, async () => {
      const free = await freePort();
      const socket =
        kind === "inet" ? `inet:${free}@127.0.0.1` : `unix:${join(installed.folder, "run", "status")}`;
      installed.configure(`StatusSocket ${socket}`);
      const first = await installed.start();
      const { code, err } = await installed.run("-f", "-c", installed.config);
      assert.match(err, new RegExp(`smf-spf is already running: PidFile .* names process ${first.pid ?? 0}`));
      assert.equal(code, 69);
      first.kill("SIGTERM");
      await new Promise((resolve) => first.once("close", resolve));
    });
  }
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
