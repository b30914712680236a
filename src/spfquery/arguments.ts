import type { OctetString } from "../address/index.ts";
import {
  EXIT_STYLES,
  type ExitStyle,
  type OptionKey,
  optionNamed,
  similarOption,
  UsageError,
} from "./options.ts";
import type { Query, QuerySettings } from "./query.ts";
import {
  fieldsOf,
  type MessageField,
  queryOfMessage,
  readAddress,
  readDomainRecord,
  readDuration,
  readExplanation,
  readIp,
  readLimit,
  readLine,
  readRules,
  readSender,
  readServer,
  shown,
} from "./values.ts";

/** What the command line asks for. */
export type Request =
  | { readonly action: "help" | "version" }
  | {
      readonly action: "batch";
      readonly settings: QuerySettings;
      readonly output: Output;
      readonly policy: PolicyRequest | undefined;
    }
  | {
      readonly action: "check";
      readonly query: Query;
      readonly settings: QuerySettings;
      readonly output: Output;
      /** `--policy`. */
      readonly policy: PolicyRequest | undefined;
      /** The header of the message of `--mail`. */
      readonly fields: readonly MessageField[];
      readonly exitStyle: ExitStyle;
      /** Options of the other spfquery programs that were given and change nothing here. */
      readonly ignored: readonly string[];
    };

/** What `--policy` asks. */
export interface PolicyRequest {
  /** The smf-spf.conf; undefined for the daemon's own. */
  readonly config: string | undefined;
  readonly recipients: readonly string[];
  readonly authenticated: string | undefined;
  readonly ptr: string | undefined;
}

/** How the answer is shown. */
export interface Output {
  readonly trace: boolean;
  readonly json: boolean;
  readonly colour: "always" | "never" | "auto";
}

const TIMEOUT_DEFAULT_MS = 20_000;

/** An argument that is not a value of an option: a name with its value, or a positional argument. */
type Word =
  | { readonly kind: "option"; readonly key: OptionKey; readonly written: string; readonly value: string }
  | { readonly kind: "positional"; readonly text: string };

/**
 * Whose style the arguments have, told by their look alone, so that a usage error knows its exit code: an option
 * that names what is checked is libspf2's with one dash and Mail::SPF's with two; positional arguments are
 * qmail's. `--exit-style` decides where it is given.
 */
export function exitStyleOf(argv: readonly string[]): ExitStyle {
  const before = argv.includes("--") ? argv.slice(0, argv.indexOf("--")) : argv;
  for (const [i, argument] of before.entries()) {
    const chosen = /^--?exit-style(?:=(.*))?$/s.exec(argument);
    const style = EXIT_STYLES.find((known) => known === (chosen?.[1] ?? before[i + 1]));
    if (chosen !== null && style !== undefined) return style;
  }
  const asks = (argument: string, dashes: string): boolean => {
    const match = /^(--?)([a-z][a-z0-9-]+)(?:=|$)/i.exec(argument);
    return match?.[1] === dashes && optionNamed(match[2] ?? "")?.asks === true;
  };
  if (before.some((argument) => asks(argument, "-"))) return "libspf2";
  return before.some((argument) => asks(argument, "--")) ? "mail-spf" : "qmail";
}

/**
 * Reads the command line.
 * @param readMessage the octets at the top of the file of `--mail`
 * @throws UsageError with what is wrong.
 */
export function parseArguments(
  argv: readonly string[],
  hostname: OctetString,
  readMessage: (file: string) => OctetString = () => "",
): Request {
  const words = wordsOf(argv);
  const options = new Options(words);
  if (options.has("help")) return { action: "help" };
  if (options.has("version")) return { action: "version" };
  const [elsewhere] = options.written("file");
  if (elsewhere !== undefined) {
    throw new UsageError(
      `${elsewhere} is not supported: write a JSON object a line and use --batch < ${options.last("file") ?? "FILE"}`,
    );
  }
  const positionals = words.flatMap((word) => (word.kind === "positional" ? [word.text] : []));
  const settings = settingsOf(options, positionals, hostname);
  const output: Output = {
    trace: options.has("trace"),
    json: options.has("json"),
    colour: choice("colour", options.last("colour") ?? "auto", ["always", "never", "auto"]),
  };
  const exitStyle = choice("exit-style", options.last("exitStyle") ?? exitStyleOf(argv), EXIT_STYLES);
  const policy = policyOf(options, positionals);
  if (options.has("batch")) {
    if (positionals.length > 0 || options.asks()) {
      throw new UsageError("--batch reads what it checks from standard input");
    }
    return { action: "batch", settings, output, policy };
  }
  const file = options.last("mail");
  const fields = file === undefined ? [] : fieldsOf(readMessage(file));
  const query = queryOf(positionals, options, fields);
  const ignored = options.written("ignored");
  return { action: "check", query, settings, output, policy, fields, exitStyle, ignored };
}

function queryOf(positionals: readonly string[], options: Options, fields: readonly MessageField[]): Query {
  if (!options.has("line") && !options.has("mail")) {
    return positionals.length > 0 ? positionalQuery(positionals, options) : optionQuery(options);
  }
  // One of the two itself comes first.
  const other =
    positionals[0] ?? options.writtenQuery().find((written) => !/^--?(line|mail)$/i.test(written));
  if (other !== undefined) {
    throw new UsageError(`${shown(other)} cannot be used with --line or --mail, which say what is checked`);
  }
  const line = options.read("line", readLine, undefined);
  return line ?? queryOfMessage(fields, options.last("mail") ?? "");
}

/** What --policy takes from the configuration, and the option there. */
const IN_CONFIG = {
  rules: "SPFRules",
  guess: "SPFGuess",
  explanation: "SPFExplanation",
  override: "OverrideRecord",
  fallback: "FallbackRecord",
  timeout: "LookupTime",
  lookupLimit: "LookupLimit",
  voidLimit: "VoidLookupLimit",
} as const;

function policyOf(options: Options, positionals: readonly string[]): PolicyRequest | undefined {
  if (!options.has("policy")) {
    for (const key of ["config", "rcpt", "auth", "ptr"] as const) {
      const [written] = options.written(key);
      if (written !== undefined) throw new UsageError(`${written} needs --policy`);
    }
    return undefined;
  }
  if (positionals.slice(3).some((rules) => rules !== ""))
    throw new UsageError("with --policy local rules are those of smf-spf.conf");
  for (const [key, option] of Object.entries(IN_CONFIG) as [keyof typeof IN_CONFIG, string][]) {
    const [written] = options.written(key);
    if (written !== undefined) {
      throw new UsageError(`${written} cannot be used with --policy, which takes ${option} of smf-spf.conf`);
    }
  }
  return {
    config: options.last("config"),
    recipients: options.readAll("rcpt", readAddress),
    authenticated: options.last("auth"),
    ptr: options.last("ptr"),
  };
}

function wordsOf(argv: readonly string[]): Word[] {
  const words: Word[] = [];
  for (let i = 0; i < argv.length; i++) {
    const argument = argv[i] ?? "";
    if (argument === "--") {
      words.push(...argv.slice(i + 1).map((text) => ({ kind: "positional" as const, text })));
      break;
    }
    const match = /^(--?([a-z][a-z0-9-]*))(?:=(.*))?$/is.exec(argument);
    const [, written = "", name = "", given] = match ?? [];
    const spec = optionNamed(name) ?? optionNamed(name.toLowerCase());
    const positionals = words.filter(({ kind }) => kind === "positional").length;
    // After IP, HELO and SENDER come rules, and those may be "-all".
    if (match === null || (spec === undefined && positionals >= 3 && !written.startsWith("--"))) {
      words.push({ kind: "positional", text: argument });
      continue;
    }
    if (spec === undefined) {
      const similar = similarOption(name.toLowerCase());
      throw new UsageError(
        `unknown option ${written}${similar === undefined ? "" : `; did you mean --${similar}?`}`,
      );
    }
    if (spec.value === undefined && given !== undefined && spec.mayHaveValue !== true) {
      throw new UsageError(`${written} takes no value`);
    }
    if (spec.value !== undefined && given === undefined && ++i >= argv.length) {
      throw new UsageError(`${written} needs a value: ${written} ${spec.value}`);
    }
    if (spec.mayBeSwitched === true && given === undefined && /^[01]$/.test(argv[i + 1] ?? "")) i++;
    words.push({
      kind: "option",
      key: spec.key,
      written,
      value: given ?? (spec.value === undefined ? "" : (argv[i] ?? "")),
    });
  }
  return words;
}

/** The options that were given, by key. */
class Options {
  readonly #words: readonly Extract<Word, { kind: "option" }>[];

  constructor(words: readonly Word[]) {
    this.#words = words.filter((word) => word.kind === "option");
  }

  has(key: OptionKey): boolean {
    return this.#words.some((word) => word.key === key);
  }

  all(key: OptionKey): string[] {
    return this.#words.flatMap((word) => (word.key === key ? [word.value] : []));
  }

  last(key: OptionKey): string | undefined {
    return this.all(key).at(-1);
  }

  written(key: OptionKey): string[] {
    return this.#words.flatMap((word) => (word.key === key ? [word.written] : []));
  }

  /** The options, as written, that name what is checked. */
  writtenQuery(): string[] {
    return (["ip", "identity", "scope", "helo", "line", "mail"] as const).flatMap((key) => this.written(key));
  }

  /** Whether any option names what is checked. */
  asks(): boolean {
    return this.writtenQuery().length > 0;
  }

  /** The last value of a key, read; the error names the option. */
  read<T>(key: OptionKey, read: (text: string) => T, otherwise: T): T {
    const word = this.#words.findLast(({ key: given }) => given === key);
    return word === undefined ? otherwise : named(word.written, read, word.value);
  }

  readAll<T>(key: OptionKey, read: (text: string) => T): T[] {
    return this.#words.flatMap((word) => (word.key === key ? [named(word.written, read, word.value)] : []));
  }
}

function named<T>(name: string, read: (text: string) => T, value: string): T {
  try {
    return read(value);
  } catch (error) {
    if (error instanceof UsageError) throw new UsageError(`${name}: ${error.message}`);
    throw error;
  }
}

function choice<T extends string>(name: string, value: string, known: readonly T[]): T {
  const found = known.find((one) => one === value.toLowerCase());
  if (found === undefined)
    throw new UsageError(`invalid --${name} ${shown(value)}: expected ${known.join(", ")}`);
  return found;
}

function settingsOf(options: Options, positionals: readonly string[], hostname: OctetString): QuerySettings {
  const [, , , rules, guess, explanation] = positionals;
  return {
    receiver: options.read("receiver", readAddress, hostname),
    limits: {
      lookupLimit: options.read("lookupLimit", readLimit, 10),
      voidLookupLimit: options.read("voidLimit", readLimit, 2),
    },
    localPolicy: {
      rules:
        rules === undefined
          ? options.read("rules", readRules, undefined)
          : named("local rules", readRules, rules),
      guess:
        guess === undefined
          ? options.read("guess", readRules, undefined)
          : named("guess rules", readRules, guess),
      explanation:
        explanation === undefined
          ? options.read("explanation", readExplanation, undefined)
          : named("explanation", readExplanation, explanation),
      overrides: new Map(options.readAll("override", readDomainRecord)),
      fallbacks: new Map(options.readAll("fallback", readDomainRecord)),
    },
    nameservers: options.readAll("nameserver", readServer),
    timeoutMs: options.read("timeout", readDuration, TIMEOUT_DEFAULT_MS),
  };
}

/** `IP HELO SENDER [LOCAL-RULES] [GUESS-RULES] [EXPLANATION]`. */
function positionalQuery(positionals: readonly string[], options: Options): Query {
  if (options.asks())
    throw new UsageError(
      `${shown(positionals[0] ?? "")} cannot be used with options that say what is checked; use one style`,
    );
  const [ip = "", helo = "", sender] = positionals;
  if (sender === undefined) {
    throw new UsageError(
      `expected IP HELO SENDER, got ${positionals.length} argument${positionals.length === 1 ? "" : "s"}`,
    );
  }
  if (positionals.length > 6) throw new UsageError(`unexpected argument ${shown(positionals[6] ?? "")}`);
  return {
    ip: readIp(ip),
    helo: readAddress(helo),
    sender: named("sender", readSender, sender),
    scope: "mfrom",
  };
}

/** `--ip-address IP --identity SENDER …` and `-ip=IP -sender=SENDER …`. */
function optionQuery(options: Options): Query {
  if (!options.asks()) throw new UsageError("nothing to check: give an IP address, a HELO name and a sender");
  if (!options.has("ip")) throw new UsageError("the client's address is missing: --ip-address IP");
  const ip = options.read("ip", readIp, undefined);
  const identity = options.read(
    "identity",
    options.last("scope")?.toLowerCase() === "helo" ? readAddress : readSender,
    undefined,
  );
  const helo = options.read("helo", readAddress, undefined);
  const wanted = options.last("scope");
  if (wanted?.toLowerCase() === "pra") {
    throw new UsageError("--scope pra is Sender ID (RFC 4406), which is not SPF: use mfrom or helo");
  }
  const scope = choice("scope", wanted ?? (identity === undefined ? "helo" : "mfrom"), ["mfrom", "helo"]);
  if (ip === undefined || (identity === undefined && (helo === undefined || scope === "mfrom"))) {
    throw new UsageError("the identity is missing: the sender, or the HELO name where that is to be checked");
  }
  if (scope === "mfrom" && identity === "" && helo === undefined) {
    throw new UsageError("the null sender is checked by its HELO name: --helo-identity NAME");
  }
  if (scope === "helo") return { ip, helo: identity ?? helo ?? "", sender: "", scope };
  return { ip, helo: helo ?? "", sender: identity ?? "", scope };
}
