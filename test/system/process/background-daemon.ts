/** A daemon that does what its argument says. For daemonize.test.ts. */
import { writeFileSync } from "node:fs";
import { findStarter } from "../../../src/process/index.ts";

const [what, file = ""] = process.argv.slice(2);
const starter = findStarter();
if (what === "ready") {
  setInterval(() => undefined, 60_000);
  const mark = Object.keys(process.env).some((name) => name.startsWith("SMF_SPF_"));
  writeFileSync(file, JSON.stringify({ pid: process.pid, mark }));
  await starter.ready();
} else if (what === "fail") {
  await starter.failed(69, "the socket is in use");
  process.exit(69);
} else if (what === "exit") {
  process.exit(78);
} else {
  process.kill(process.pid, "SIGKILL");
}
