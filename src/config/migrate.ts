/** A new smf-spf.conf from one of smf-spf 2.0.2 or 2.5: every line is kept, and a comment tells where its meaning changes. */
import type { Fault } from "./given.ts";
import { oneWord } from "./lines.ts";
import { parseConfig } from "./load-config.ts";
import { CHANGED_SINCE_25, KEYS_OF_25, KEYS_OF_202 } from "./old-meanings.ts";
import { OPTIONS, type Option, type OptionKey, optionNamed } from "./table.ts";

type Version = "2.0.2" | "2.5";

/** What options that are not given meant in the old version, where the default is another now. */
const OLD_DEFAULTS: Readonly<Record<Version, readonly (readonly [OptionKey, string, string])[]>> = {
  "2.0.2": [["relaxedLocalPart", "on", "long local parts were accepted"]],
  "2.5": [
    ["relaxedLocalPart", "off", "local parts of more than 64 octets were refused"],
    ["addReceivedHeader", "off", "Received-SPF was not added unless asked for"],
    ["logFormat", "2.5", "the log lines of 2.5; without this line they are those of 2.0.2"],
  ],
};

/** Old spellings of options. */
const OTHER_NAMES: Readonly<Record<string, OptionKey>> = { whitelistip6: "whitelistIP" };

/** The lines of the new file. They have no fault, whatever the old file holds. */
export function migrateConfig(text: string): string[] {
  const oldLines = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  if (oldLines.at(-1) === "") oldLines.pop();
  const version = versionOf(oldLines);
  const given = new Set<OptionKey>();
  const lines = [
    `# Made from a file of smf-spf ${version} by smf-spf --migrate. Check it with smf-spf -t.`,
    "# Refusals have the codes of RFC 7372 (550 5.7.23) now, and DNS lookups the limits of RFC 7208.",
    ...withoutRepetition(oldLines.map((line) => migrateLine(line, version, given))),
  ];
  const added = OLD_DEFAULTS[version].flatMap(([key, value, why]) => {
    const { name, default: now }: Option = OPTIONS[key];
    return given.has(key) || now === value ? [] : [`# ${why}:`, `${name} ${value}`];
  });
  const loopback = [
    "# Clients of 127.0.0.0/8 always passed; now they are checked unless WhitelistIP has them.",
    "WhitelistIP 127.0.0.0/8",
  ];
  const hasLoopback = lines.some((line) => /^\s*WhitelistIP\s+127\./i.test(line));
  return withoutFaults([...lines, "", ...added, ...(hasLoopback ? [] : loopback)]);
}

/** The options that are in use in a file, and whether it has other lines that are no comment. */
export function usedInOldFile(text: string): {
  /** Those that neither 2.0.2 nor 2.5 has. */
  readonly newer: readonly string[];
  readonly hasOptions: boolean;
  readonly hasOtherLines: boolean;
} {
  const names = text.split("\n").flatMap((line) => /^\s*([^\s#]+)/.exec(line)?.[1] ?? []);
  const keys = names.map((name) => optionNamed(name) ?? OTHER_NAMES[name.toLowerCase()]);
  const known = keys.filter((key) => key !== undefined);
  const newer = known.filter((key) => !KEYS_OF_202.has(key) && !KEYS_OF_25.has(key));
  return {
    newer: [...new Set(newer)].map((key) => OPTIONS[key].name),
    hasOptions: known.length > 0,
    hasOtherLines: known.length < keys.length,
  };
}

/** 2.5 where one of its options is given or, as in its sample file, a comment. */
function versionOf(lines: readonly string[]): Version {
  const names = lines.flatMap((line) => /^\s*#?\s?(\w+)(?:\s|$)/.exec(line)?.[1] ?? []);
  return names.some((name) => KEYS_OF_25.has(optionNamed(name) ?? "user")) ? "2.5" : "2.0.2";
}

/** Each line of the new file with the comments above it; those that the line before has too are not said again. */
function withoutRepetition(blocks: readonly (readonly string[])[]): string[] {
  let before = "";
  return blocks.flatMap((block) => {
    const notes = block.slice(0, -1);
    const said = notes.join("\n");
    const isSaid = said !== "" && said === before;
    before = said;
    return isSaid ? ["# as above:", ...block.slice(-1)] : block;
  });
}

/** The old parsers: a name, white space, a value that ends at `#`; 2.0.2 takes one word. */
function migrateLine(line: string, version: Version, given: Set<OptionKey>): string[] {
  const [, name = "", rest = ""] = /^\s*([^\s#]+)\s*([^#]*)/.exec(line) ?? [];
  if (name === "" || line.trimStart().startsWith("#")) return [printable(line)];
  const key = optionNamed(name) ?? OTHER_NAMES[name.toLowerCase()];
  if (key === undefined) return [`# not an option: ${printable(line)}`];
  given.add(key);
  // Newer than both: the file is one of ours already.
  if (!KEYS_OF_202.has(key) && !KEYS_OF_25.has(key)) return [line];
  const value = version === "2.0.2" ? (rest.trim().split(/\s+/)[0] ?? "") : rest.trim();
  if (value === "") return [`# without a value, so the default held: ${printable(line)}`];
  const option: Option = OPTIONS[key];
  const switched = /^on or off|^on, off/.test(option.kind.accepted) ? switchOf(option, value) : undefined;
  if (switched !== undefined)
    return [...switched.notes, ...notesOn(key, switched.value, version), `${option.name} ${switched.value}`];
  const reading = option.kind.read(oneWord(value));
  if ("fault" in reading) return [`# ${reading.fault}:`, `# ${printable(line)}`];
  const written = option.kind.format(reading.value);
  const cut =
    rest.trim() === value
      ? []
      : [`# smf-spf ${version} read only the first word of "${printable(rest.trim())}".`];
  return [...cut, ...notesOn(key, value, version), `${option.name} ${written}`];
}

/** Both versions knew "on" and "off" only; any other word left the default as it was. */
function switchOf(option: Option, value: string): { value: string; notes: string[] } {
  const lower = value.toLowerCase();
  if (lower === "on" || lower === "off") return { value: lower, notes: [] };
  const held = option.name === "AddReceivedHeader" ? "off" : (option.default ?? "off");
  return { value: held, notes: [`# "${printable(value)}" was neither on nor off, so the default held:`] };
}

/** What the line means now, where that is not what it meant. */
function notesOn(key: OptionKey, value: string, version: Version): string[] {
  const since25 = version === "2.5" ? CHANGED_SINCE_25[key] : undefined;
  const notes = [since25, CHANGES[key]?.(value, version)];
  return notes.flatMap((note) => (note === undefined ? [] : [`# ${OPTIONS[key].name} ${note}:`]));
}

type Change = (value: string, version: Version) => string | undefined;

const CHANGES: { readonly [K in OptionKey]?: Change } = {
  whitelistIP: (value, version) =>
    version === "2.5" && value.includes("/")
      ? "matches the network that it names; smf-spf 2.5 compared the octets in the wrong order"
      : undefined,
  whitelistPTR: (value) =>
    value.startsWith(".")
      ? undefined
      : `matches at label boundaries only: no longer a host such as my${printable(value)}`,
  whitelistFrom: changedPattern,
  whitelistTo: changedPattern,
  addHeader: (_, version) =>
    version === "2.0.2"
      ? "is for Authentication-Results, which Received-SPF follows, on top of the message; X-SPF-Scan-By is gone"
      : undefined,
  quarantine: () => "leaves X-SPF-Original-To out where another recipient keeps the message",
  acceptTempError: (value) =>
    value === "off"
      ? "defers mail while DNS does not answer; smf-spf 2.5 took that for none and accepted it"
      : undefined,
  refuseSPFNone: (value) =>
    value === "on" ? "no longer refuses mail because DNS did not answer" : undefined,
  ttlSeconds: () => "is the longest life of a verdict; the TTLs of DNS may end it earlier",
  rejectReason: () =>
    "is followed by the domain's own explanation on a line of its own; {sender}, {ip} and {host} are clearer than %s",
};

function changedPattern(value: string): string | undefined {
  if (value.includes("@"))
    return "matches whole addresses, domains or local parts; it matched inside longer ones, too";
  return value.startsWith(".") ? "matches subdomains only; it matched anywhere in an address" : undefined;
}

function printable(text: string): string {
  return text.replace(/[^\P{C}\t]|\uFFFD/gu, "?");
}

/** Lines that cannot be used become comments that say why. */
export function withoutFaults(lines: readonly string[]): string[] {
  const { faults, unknown } = parseConfig(lines.join("\n"), {
    file: "",
    env: {},
    readList: () => ({ text: "" }),
  });
  const wrong = new Map<number, Fault>([...faults, ...unknown].map((fault) => [fault.line, fault]));
  return lines.flatMap((line, index) => {
    const fault = wrong.get(index + 1);
    return fault === undefined ? [line] : [`# ${fault.reason}:`, `# ${printable(line)}`];
  });
}
