export { LOG_LEVELS, type LogLevel, type SyslogFacility } from "./levels.ts";
export { Log, type LogOptions, type LogSettings } from "./log.ts";
export { type LogOwner, openLogFile } from "./open-log-file.ts";
