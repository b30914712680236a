/** Logs a line as under systemd: standard error is what JOURNAL_STREAM names. For log.test.ts. */
import { fstatSync } from "node:fs";
import { Log } from "../../../src/logging/index.ts";

const { dev, ino } = fstatSync(2, { bigint: true });
const log = new Log(
  { syslog: "mail", logTo: undefined, logFormat: "classic", logLevel: "info" },
  {
    hostname: "host",
    pid: 7,
    now: () => new Date(),
    journalStream: process.argv[2] === "our standard error" ? `${dev}:${ino}` : "1:1",
    loggerCommand: "/nonexistent/logger",
  },
);
log.start();
log.warning("to the journal");
await log.close();
