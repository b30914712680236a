/** The settings that the report reads mail by. */
import { readFileSync } from "node:fs";
import { formatFault, parseConfig, type Settings } from "../config/index.ts";
import { reasonOf } from "./sources.ts";

/** The settings of a file, those of --what-if, or why there are none. */
export type Configuration =
  | { readonly settings: Settings; readonly whatIf: Settings | undefined }
  | { readonly exitCode: 64 | 66 | 78; readonly problems: readonly string[] };

/**
 * Reads smf-spf.conf; without one the defaults are in force. The environment of the daemon is not ours.
 *
 * @param overrides `Option=value`, as if they stood at the end of the file
 */
export function readConfiguration(file: string | undefined, overrides: readonly string[]): Configuration {
  let text = "";
  if (file !== undefined) {
    const content = readText(file);
    if ("problem" in content) return { exitCode: 66, problems: [`${file}: ${content.problem}`] };
    ({ text } = content);
  }
  const sources = { file: file ?? "defaults", env: {}, readList: readText };
  const base = parseConfig(text, sources);
  if (base.settings === undefined) return { exitCode: 78, problems: base.faults.map(formatFault) };
  if (overrides.length === 0) return { settings: base.settings, whatIf: undefined };
  const lines = overrides.map((override) => override.replace("=", " "));
  const changed = parseConfig(`${text}\n${lines.join("\n")}\n`, sources);
  const unknown = changed.unknown.slice(base.unknown.length);
  if (changed.settings === undefined || unknown.length > 0) {
    const faults = [...changed.faults, ...unknown].map(
      ({ option, reason }) => `--what-if ${option}: ${reason}`,
    );
    return { exitCode: 64, problems: faults };
  }
  return { settings: base.settings, whatIf: changed.settings };
}

function readText(path: string): { readonly text: string } | { readonly problem: string } {
  try {
    return { text: readFileSync(path, "utf8") };
  } catch (error) {
    return { problem: reasonOf(error) };
  }
}
