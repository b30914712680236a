import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { Session } from "node:inspector/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { MilterServer } from "../../../src/server/index.ts";
import { createGeneration } from "../../../src/smf-spf/engine.ts";
import { PATIENCE_MS } from "../../support/child-process.ts";
import { command, MODERN_OFFER } from "../../support/mta-codec.ts";
import { startNameserver } from "../../support/nameserver/index.ts";
import { settingsOf } from "../hardening/filter-bench.ts";

const ARCHITECTURE = readFileSync(join(import.meta.dirname, "../../../ARCHITECTURE.md"), "utf8");
const FILES_MAX = 15;

/** The files that ARCHITECTURE.md lists between its marks. */
function listedPath(): string[] {
  const list = /<!-- mail path -->\n([\s\S]*?)<!-- end -->/.exec(ARCHITECTURE)?.[1] ?? "";
  return [...list.matchAll(/^\d+\. `([^`]+)`/gm)].map(([, file]) => file ?? "");
}

it("a MAIL FROM whose verdict is in memory leads through the files that ARCHITECTURE.md lists", async () => {
  const nameserver = await startNameserver({ "d.test": [{ TXT: "v=spf1 ip4:192.0.2.1 -all" }] });
  const settings = settingsOf(`Nameserver 127.0.0.1:${nameserver.port}`);
  const fail = (error: unknown): void => {
    throw error;
  };
  const generation = createGeneration(settings, {
    hostname: "mx.test",
    report: () => undefined,
    onError: fail,
    tell: () => undefined,
  });
  const server = new MilterServer({
    ...settings,
    heldOctetsMax: 1e8,
    createHandler: generation.createHandler,
    onEvent: () => undefined,
  });
  const folder = mkdtempSync(join(tmpdir(), "mail-path-"));
  await server.listen({ path: join(folder, "s") });
  const socket = connect(join(folder, "s"));
  const send = (...packets: Buffer[]): Promise<unknown> => {
    const heard = once(socket, "data", { signal: AbortSignal.timeout(PATIENCE_MS) });
    socket.write(Buffer.concat(packets));
    return heard;
  };
  const client = { hostname: "[192.0.2.1]", family: "inet", port: 1, address: "192.0.2.1" } as const;
  const mail = command.mail("<a@d.test>");
  await send(command.negotiate(MODERN_OFFER));
  await send(command.connect(client), command.helo("h.test"), mail);
  await send(command.endOfMessage());

  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: false });
  // What the message before has left to do is done: no timer of it is left, and nothing that one has put off.
  await sleep(100);
  for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve));
  await session.post("Profiler.takePreciseCoverage");
  await send(mail);
  const { result } = await session.post("Profiler.takePreciseCoverage");
  session.disconnect();
  socket.destroy();
  await server.drain(0);
  generation.engine.close();
  await nameserver.close();
  rmSync(folder, { recursive: true });

  const entered = result
    .filter(({ url }) => url.includes("/src/"))
    // A module's body has no name, and neither has what the transpiler adds.
    .filter(({ functions }) =>
      functions.some(
        ({ functionName, ranges }) =>
          functionName !== "" && functionName !== "__name" && (ranges[0]?.count ?? 0) > 0,
      ),
    )
    .map(({ url }) => url.replace(/^.*\/src\//, ""));
  assert.deepEqual(entered.sort(), listedPath().sort());
  assert.ok(entered.length <= FILES_MAX, `${entered.length} files`);
});
