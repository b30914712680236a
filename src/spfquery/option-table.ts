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
  /** A flag that another program gives a value behind `=` (libspf2's `-debug=2`). */
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
  option("scope", "scope", "mfrom|helo", "which identity is checked", true),
  option("helo", "helo-identity helo-id helo", "NAME", "the HELO name", true),
  {
    ...option("trace", "trace debug", undefined, "show the evaluation as a tree, and why it ended so"),
    mayHaveValue: true,
  },
  option("json", "json", undefined, "the same as one JSON object"),
  option("batch", "batch", undefined, "read JSON lines from standard input, write one for each"),
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
  ignored("trusted sanitize", { value: undefined, mayHaveValue: true, mayBeSwitched: true }),
  ignored("keep-comments no-keep-comments no-sanitize no-debug tfwl no-tfwl enable-black-magic", {
    value: undefined,
  }),
  ignored("versions rcpt-to authorize-mxes-for max-name-lookups-per-term", { value: "VALUE" }),
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
  return longest ?? [...BY_NAME.keys()].find((known) => known.length > 3 && isOneEditAway(name, known));
}

/** Whether one letter added, left out, changed or swapped with its neighbour makes `b` of `a`. */
export function isOneEditAway(a: string, b: string): boolean {
  if (a === b) return false;
  const [short, long] = a.length <= b.length ? [a, b] : [b, a];
  if (long.length - short.length > 1) return false;
  let at = 0;
  while (at < short.length && short[at] === long[at]) at++;
  if (short.length < long.length) return short.slice(at) === long.slice(at + 1);
  const swapped = short[at] === long[at + 1] && short[at + 1] === long[at];
  return (
    short.slice(at + 1) === long.slice(at + 1) || (swapped && short.slice(at + 2) === long.slice(at + 2))
  );
}
