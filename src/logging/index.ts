export { openLogFile } from "./file-sink.ts";
export { Log, type LogSettings } from "./log.ts";
export { isJournal, isSyslogReachable } from "./syslog-sink.ts";
