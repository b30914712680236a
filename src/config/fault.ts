import type { Fault } from "./settings.ts";

/** `file:line: option: reason`; what a fault does not have is left out. */
export function formatFault({ file, line, option, reason }: Fault): string {
  const place = line > 0 ? `${file}:${line}` : file;
  return option === "" ? `${place}: ${reason}` : `${place}: ${option}: ${reason}`;
}
