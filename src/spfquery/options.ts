import type { SpfResult } from "spf-check";
import { isOneSlipAway } from "../config/index.ts";
import { wrap } from "./layout.ts";

/** Arguments or a batch line that cannot be understood; the message says what is wrong and what is accepted. */
export class UsageError extends Error {}

/** A file that was named cannot be used: an example of other arguments would not help. */
export class FileError extends UsageError {}

/** Whose exit codes are used: the qmail patch's, Mail::SPF's or libspf2's spfquery. */
export const EXIT_STYLES = ["qmail", "mail-spf", "libspf2"] as const;
export type ExitStyle = (typeof EXIT_STYLES)[number];

const MAIL_SPF: Record<SpfResult, number> = {
  pass: 0,
  fail: 1,
  softfail: 2,
  neutral: 3,
  permerror: 4,
  temperror: 5,
  none: 6,
};

const LIBSPF2: Record<SpfResult, number> = {
  neutral: 1,
  pass: 2,
  fail: 3,
  softfail: 4,
  none: 5,
  temperror: 6,
  permerror: 7,
};

/** The exit code for a result. */
export function exitCodeOf(style: ExitStyle, result: SpfResult): number {
  switch (style) {
    case "qmail":
      return 0;
    case "mail-spf":
      return MAIL_SPF[result];
    case "libspf2":
      return LIBSPF2[result];
  }
}

/** The exit code for arguments that make no sense. */
export function usageExitCode(style: ExitStyle): number {
  return style === "qmail" ? 100 : 255;
}

/** The options of spfquery: their names in the three styles that people know, and what they say. */

/** What an option is for; options of one key are the same option under several names. */
export type OptionKey =
  | "ip"
  | "identity"
  | "scope"
  | "helo"
  | "receiver"
  | "rules"
  | "guess"
  | "explanation"
  | "override"
  | "fallback"
  | "nameserver"
  | "timeout"
  | "lookupLimit"
  | "voidLimit"
  | "exitStyle"
  | "colour"
  | "trace"
  | "json"
  | "batch"
  | "policy"
  | "config"
  | "rcpt"
  | "auth"
  | "ptr"
  | "line"
  | "mail"
  | "file"
  | "help"
  | "version"
  | "ignored";

/** One option. */
export interface OptionSpec {
  readonly key: OptionKey;
  /** The name that the help shows comes first. */
  readonly names: readonly string[];
  /** What the help calls the value; undefined where the option takes none. */
  readonly value: string | undefined;
  /** For the help; undefined leaves the option out. */
  readonly help: string | undefined;
  /** An option that names what is checked: its look chooses the exit codes. */
  readonly asks?: boolean;
  /** A flag that another program gives a value after `=` (libspf2's `-debug=2`). */
  readonly mayHaveValue?: boolean;
  /** A flag that another program gives 0 or 1 as a word of its own (libspf2's `-trusted 1`). */
  readonly mayBeSwitched?: boolean;
}

const option = (key: OptionKey, names: string, value?: string, help?: string, asks = false): OptionSpec => ({
  key,
  names: names.split(" "),
  value,
  help,
  asks,
});

/** An option of another program that means something else there than anything here. */
const elsewhere = (names: string, value: string): OptionSpec => ({
  key: "file",
  names: names.split(" "),
  value,
  help: undefined,
});

/** Options of other programs that change nothing here. */
const ignored = (
  names: string,
  how: Pick<OptionSpec, "value" | "mayHaveValue" | "mayBeSwitched">,
): OptionSpec => ({
  ...how,
  key: "ignored",
  names: names.split(" "),
  help: undefined,
});

/** In the order of the help. */
export const OPTIONS: readonly OptionSpec[] = [
  option("ip", "ip-address ip ipv4 ipv6", "IP", "the client's address", true),
  option(
    "identity",
    "identity id sender mfrom mail-from",
    "SENDER",
    "the MAIL FROM address; empty: null sender",
    true,
  ),
  option("scope", "scope s", "mfrom|helo", "which identity is checked", true),
  option("helo", "helo-identity helo-id helo", "NAME", "the HELO name", true),
  {
    ...option("trace", "trace debug", undefined, "show the evaluation as a tree, and why it ended so"),
    mayHaveValue: true,
  },
  option("json", "json", undefined, "the same as one JSON object"),
  option(
    "batch",
    "batch",
    undefined,
    "read JSON or maillog lines from standard input, write one JSON line each",
  ),
  option("line", "line", "LINE", "take address, HELO and sender from a line of the maillog", true),
  option(
    "mail",
    "mail",
    "FILE",
    "take them from a stored message: its topmost Received and Return-Path",
    true,
  ),
  option("policy", "policy", undefined, "what the daemon would do, by which rule, with which reply"),
  option("config", "config c", "FILE", "with --policy: this smf-spf.conf"),
  option("rcpt", "rcpt", "ADDRESS", "with --policy: a recipient; repeat for more"),
  option("auth", "auth", "NAME", "with --policy: the sender has logged in under this name"),
  option("ptr", "ptr", "NAME", "with --policy: the host name that the MTA has verified"),
  option("nameserver", "nameserver", "ADDR[:PORT]", "ask this name server; repeat for more"),
  option("timeout", "timeout", "TIME", "for the whole evaluation (20s)"),
  option(
    "lookupLimit",
    "lookup-limit max-dns-interactive-terms max-lookup max-lookup-count",
    "N",
    "terms that ask DNS (10)",
  ),
  option("voidLimit", "void-limit max-void-dns-lookups", "N", "terms whose lookups find nothing (2)"),
  option("override", "override", "DOMAIN=RECORD", "use this record instead of the published one"),
  option("fallback", "fallback", "DOMAIN=RECORD", "use this record where none is published"),
  option("rules", "local local-rules", "RULES", "local rules, as SPFRules"),
  option("guess", "guess guess-rules", "RULES", "guess rules, as SPFGuess"),
  option(
    "explanation",
    "explanation default-explanation def-exp",
    "TEXT",
    "explanation where the domain has none",
  ),
  option("receiver", "receiver hostname name", "NAME", "the name of the host that checks"),
  option("exitStyle", "exit-style", "STYLE", "exit codes of qmail, mail-spf or libspf2"),
  option("colour", "colour color", "WHEN", "always, never or auto"),
  option("help", "help h", undefined, "this text"),
  option("version", "version V", undefined, "the version"),
  elsewhere("file f", "FILE"),
  ignored("trusted sanitize", { value: undefined, mayHaveValue: true, mayBeSwitched: true }),
  ignored("keep-comments no-keep-comments no-sanitize no-debug tfwl no-tfwl enable-black-magic", {
    value: undefined,
  }),
  ignored("versions v rcpt-to authorize-mxes-for max-name-lookups-per-term", { value: "VALUE" }),
];

const BY_NAME = new Map(OPTIONS.flatMap((spec) => spec.names.map((name) => [name, spec])));

/** The option of that name. */
export function optionNamed(name: string): OptionSpec | undefined {
  return BY_NAME.get(name);
}

/** The known name that looks most like a wrong one, where one does. */
export function similarOption(name: string): string | undefined {
  const begins = [...BY_NAME.keys()].filter((known) => known.startsWith(name) || name.startsWith(known));
  const longest = begins.filter((known) => known.length > 1).sort((a, b) => b.length - a.length)[0];
  return longest ?? [...BY_NAME.keys()].find((known) => known.length > 3 && isOneSlipAway(name, known));
}

/** A call that works, for messages about one that did not. */
export function exampleFor(style: ExitStyle): string {
  switch (style) {
    case "qmail":
      return "spfquery 192.0.2.1 mail.example.org user@example.org";
    case "mail-spf":
      return "spfquery --ip-address 192.0.2.1 --identity user@example.org --helo-identity mail.example.org";
    case "libspf2":
      return "spfquery -ip=192.0.2.1 -sender=user@example.org -helo=mail.example.org";
  }
}

const HELP_COLUMNS = 80;

/** What `--help` prints, 80 columns wide. */
export function helpText(): string {
  const rows = OPTIONS.flatMap(({ names, value, help }) =>
    help === undefined
      ? []
      : [[`--${names[0] ?? ""}${value === undefined ? "" : ` ${value}`}`, help] as const],
  );
  const width = Math.max(...rows.map(([left]) => left.length)) + 4;
  const lines = rows.flatMap(([left, right]) =>
    wrap(right, HELP_COLUMNS - width).map(
      (line, i) => `${(i === 0 ? `  ${left}` : "").padEnd(width)}${line}\n`,
    ),
  );
  return `usage:
  spfquery [OPTIONS] IP HELO SENDER [LOCAL-RULES [GUESS-RULES [EXPLANATION]]]
  spfquery [OPTIONS] --ip-address IP --identity SENDER
           [--scope mfrom|helo] [--helo-identity HELO]
  spfquery [OPTIONS] -ip=IP -sender=SENDER [-helo=HELO]
  spfquery [OPTIONS] --line LINE | --mail FILE | --batch

Checks whether the client IP may send mail as SENDER (RFC 7208). An empty
sender, or <>, is the null sender: then the HELO name is checked.

  Why was my mail refused?             spfquery --trace IP HELO SENDER
  What would this server do with it?   spfquery --policy IP HELO SENDER

options:
${lines.join("")}
exit codes:
                 pass fail softfail neutral none temperror permerror usage
  qmail (IP ...)    0    0        0       0    0         0         0   100
  mail-spf (--ip)   0    1        2       3    6         5         4   255
  libspf2 (-ip=)    2    3        4       1    5         6         7   255
`;
}
