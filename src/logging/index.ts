export { type LogOwner, openLogFile } from "./file-sink.ts";
export type { LogLevel, SyslogFacility } from "./levels.ts";
export { Log, type LogOptions, type LogSettings } from "./log.ts";
export { isJournal, isSyslogReachable } from "./syslog-sink.ts";
