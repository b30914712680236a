/** One of the levels of syslog that smf-spf writes, most urgent first. */
export type LogLevel = "error" | "warning" | "notice" | "info" | "debug";

/** The severity of a level in RFC 5424 section 6.2.1. */
export const SEVERITY: Record<LogLevel, number> = { error: 3, warning: 4, notice: 5, info: 6, debug: 7 };

/** The facilities' numbers in RFC 5424 section 6.2.1. */
export const FACILITY = {
  mail: 2,
  daemon: 3,
  local0: 16,
  local1: 17,
  local2: 18,
  local3: 19,
  local4: 20,
  local5: 21,
  local6: 22,
  local7: 23,
} as const;

/** The facilities of syslog(3) that smf-spf takes. */
export type SyslogFacility = keyof typeof FACILITY;

/** Whether a line of this level is written when `threshold` is the least urgent level wanted. */
export function isWanted(level: LogLevel, threshold: LogLevel): boolean {
  return SEVERITY[level] <= SEVERITY[threshold];
}
