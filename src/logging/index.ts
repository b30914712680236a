export type { LogLevel, SyslogFacility } from "./levels.ts";
export { Log, type LogOptions, type LogSettings } from "./log.ts";
export { isSyslogReachable } from "./logger-command.ts";
export { type LogOwner, openLogFile } from "./open-log-file.ts";
