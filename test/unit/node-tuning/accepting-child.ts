/**
 * Accepts connections on a Unix socket and prints by how many octets each makes the old part of the heap grow.
 *
 *     node --expose-gc --import tsx accepting-child.ts SOCKET shared|alone
 */
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { getHeapSpaceStatistics } from "node:v8";
import { shareSocketShapes } from "../../../src/node-tuning.ts";

const CONNECTIONS = 2000;
const [path = "", mode] = process.argv.slice(2);

function oldOctets(): number {
  const old = getHeapSpaceStatistics().find(({ space_name }) => space_name === "old_space");
  if (old === undefined) throw new Error("no old_space");
  return old.space_used_size;
}

async function accept(count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    const socket = connect(path);
    await once(socket, "connect");
    socket.destroy();
  }
}

if (mode === "shared") shareSocketShapes();
const server = createServer((socket) => {
  socket.on("error", () => undefined).resume();
});
await once(server.listen(path), "listening");
await accept(300);
globalThis.gc?.();
const before = oldOctets();
await accept(CONNECTIONS);
process.stdout.write(`${Math.round((oldOctets() - before) / CONNECTIONS)}\n`);
server.close();
