import type { Option } from "./option.ts";
import type { OptionSettings } from "./settings.ts";
import { OPTIONS, type OptionKey, type OptionName } from "./table.ts";

/** A line of the file that lets mail pass or does something to it. */
export interface RuleLine {
  readonly rule: OptionName;
  /** `file:line`. */
  readonly line: string;
  /** As it may be written in a file. */
  readonly text: string;
}

/** The options that do something for a result. */
export const ACTING_OPTIONS = [
  "refuseFail",
  "refuseHeloFail",
  "refuseSoftFail",
  "refuseNeutral",
  "refuseSPFNone",
  "refuseSPFNoneHelo",
  "refusePermError",
  "acceptTempError",
  "tagSubject",
  "quarantine",
] as const satisfies readonly OptionKey[];

/** The options whose lines decide about mail, as far as it is told which of them has. */
const RULES: readonly OptionKey[] = [
  "whitelistIP",
  "whitelistPTR",
  "whitelistFrom",
  "whitelistTo",
  "trustedForwarder",
  "acceptDKIM",
  "skipAuth",
  "skipTLSVerified",
  "skipNDR",
  "policyFor",
  "spfBehavior",
  ...ACTING_OPTIONS,
  "removeForgedHeaders",
];

/** The lines of the configuration that decide about mail, the first of them; a list file may have a million. */
export function ruleLines({ values, origins }: OptionSettings, linesMax: number): RuleLine[] {
  const lines: RuleLine[] = [];
  for (const key of RULES) {
    const { name, kind, form }: Option<unknown, OptionName> = OPTIONS[key];
    const value: unknown = values[key];
    const entries = form === "list" ? (value as readonly unknown[]) : [value];
    for (let index = 0; index < entries.length && lines.length < linesMax; index++) {
      const origin = origins[name][index];
      const entry = entries[index];
      // Of AcceptTempError it is off that does something.
      const idle = entry === undefined || entry === (name === "AcceptTempError") || entry === "off";
      if (origin?.kind !== "file" || idle) continue;
      lines.push({ rule: name, line: origin.text, text: `${name} ${kind.format(entry)}` });
    }
  }
  return lines;
}
