/**
 * A server in a process of its own, for what only a process can show: an inherited socket, a limit on
 * descriptors. Prints `ready`, `unix` or `inet` for each connection, and each event as JSON.
 *
 *     tsx test/unit/server/server-child.ts fd:3 | PATH
 */
import { MilterServer } from "../../../src/server/index.ts";
import { RecordingHandler } from "../../support/recording-handler.ts";

const target = process.argv[2] ?? "";
const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};
const server = new MilterServer({
  maxConnections: 1000,
  idleTimeoutMs: 60_000,
  heldOctetsMax: 1 << 28,
  createHandler: (transport) => {
    say(transport);
    return new RecordingHandler();
  },
  onEvent: (event) => {
    say(JSON.stringify(event));
  },
});
await server.listen(target.startsWith("fd:") ? { fd: Number(target.slice(3)) } : { path: target });
say("ready");
process.once("SIGTERM", () => {
  void server.drain(0).then(() => process.exit(0));
});
