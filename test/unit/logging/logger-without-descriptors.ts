/**
 * A process whose logger dies while it has no descriptor left. Its arguments are a logger program that dies after
 * the first line, the file where it puts its lines, and a file: once that is there the descriptors are given back.
 */
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { SyslogSink } from "../../../src/logging/syslog-sink.ts";

const [command = "", log = "", go = ""] = process.argv.slice(2);
const sink = new SyslogSink({
  facility: "mail",
  ident: "smf-spf[7]",
  command,
  restartMs: [20, 40],
  stableMs: 10,
  formatOwn: (_level, text) => text,
});
sink.start();
sink.write("notice", "first");
while (!existsSync(log)) await delay(5);

const held: number[] = [];
for (let attempts = 0; attempts < 1000; attempts++) {
  // The logger's own descriptors come back when it dies, so they are taken again and again.
  try {
    for (;;) held.push(openSync("/dev/null", "r"));
  } catch {
    if (existsSync(go)) break;
  }
  await delay(5);
}
for (const fd of held) closeSync(fd);
sink.write("notice", "last");
for (let i = 0; i < 1000 && !readFileSync(log, "latin1").includes("last"); i++) await delay(10);
await sink.close();
