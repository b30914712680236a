import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, renameSync, rmSync } from "node:fs";
import { createServer, connect as netConnect, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { exitOf, until } from "../../support/child-process.ts";
import { MtaPlayer, openSocket } from "../../support/mta-player.ts";

const CHILD = join(import.meta.dirname, "server-child.ts");
const CLIENT = { hostname: "mail.a.test", address: "192.0.2.1" };
const folder = mkdtempSync(join(tmpdir(), "milter-process-"));
after(() => {
  rmSync(folder, { recursive: true });
});

/** The lines of a child's standard output, as they come. */
function linesOf(child: ChildProcess): string[] {
  const lines: string[] = [];
  let rest = "";
  child.stdout?.on("data", (chunk: Buffer) => {
    const parts = (rest + chunk.toString()).split("\n");
    rest = parts.pop() ?? "";
    lines.push(...parts);
  });
  return lines;
}

async function stop(child: ChildProcess): Promise<void> {
  const over = exitOf(child);
  child.kill("SIGTERM");
  await over;
}

async function listening(listen: (server: Server) => Server): Promise<Server> {
  const server = listen(createServer());
  await new Promise((resolve) => server.once("listening", resolve));
  return server;
}

describe("MilterServer in a process", () => {
  for (const [transport, open, target] of [
    ["unix", (s: Server) => s.listen(join(folder, "inherited")), () => join(folder, "inherited")],
    [
      "inet",
      (s: Server) => s.listen(0, "127.0.0.1"),
      (s: Server) => ({ host: "127.0.0.1", port: (s.address() as { port: number }).port }),
    ],
  ] as const) {
    it(`serves an inherited ${transport} socket`, async () => {
      const opened = await listening(open);
      // Node has no public way to hand a listening socket to a child but by its descriptor.
      const { fd } = (opened as unknown as { _handle: { fd: number } })._handle;
      const child = spawn(process.execPath, ["--import", "tsx", CHILD, "fd:3"], {
        stdio: ["ignore", "pipe", "inherit", fd],
      });
      try {
        const lines = linesOf(child);
        await until("ready", () => lines[0] !== undefined);
        assert.equal(lines[0], "ready");
        // From here on only the child accepts. Closing removes the file by its name, so it gets another.
        let where = target(opened);
        if (typeof where === "string") {
          renameSync(where, `${where}.kept`);
          where = `${where}.kept`;
        }
        await new Promise((resolve) => opened.close(resolve));
        const mta = new MtaPlayer(await openSocket(where));
        assert.equal((await mta.connect(CLIENT)).kind, "continue");
        assert.equal(lines[1], transport);
        mta.quit();
      } finally {
        await stop(child);
      }
    });
  }

  it("survives a lack of descriptors and serves again afterwards", async () => {
    const path = join(folder, "few");
    const child = spawn(
      "/bin/sh",
      ["-c", `ulimit -n 64 && exec "$0" --import tsx "$1" "$2"`, process.execPath, CHILD, path],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    try {
      const lines = linesOf(child);
      await until("ready", () => lines[0] === "ready");
      let gone = 0;
      const sockets = Array.from({ length: 100 }, (): Socket => {
        const socket = netConnect(path);
        socket.on("error", () => {});
        socket.on("close", () => gone++);
        socket.resume();
        return socket;
      });
      // Those for which there is no descriptor are closed at once, the others stay.
      await until("some closed", () => gone >= 100 - 64);
      assert.ok(gone < 100);
      for (const socket of sockets) socket.destroy();
      await until("all closed", () => gone === 100);
      let verdict: string | undefined;
      await until("an answer", async () => {
        const mta = new MtaPlayer(await openSocket(path));
        verdict = await mta.connect(CLIENT).then(
          ({ kind }) => kind,
          () => undefined,
        );
        mta.hangUp();
        return verdict !== undefined;
      });
      assert.equal(verdict, "continue");
    } finally {
      await stop(child);
    }
  });
});
