import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parseIpAddress } from "../../src/address/index.ts";
import {
  type CheckHostInput,
  type LocalPolicy,
  type Outcome,
  parseMechanisms,
  type SpfRecord,
  type SpfResult,
  withDefaultExplanation,
} from "../../src/spf-check/index.ts";
import { drive } from "./drive.ts";
import { type TimeoutKind, Zone, type ZoneData } from "./zone.ts";

/** A case of a suite: a zone, a client and identities, and what may come of them. */
export interface ConformanceCase {
  readonly suite: string;
  readonly name: string;
  readonly helo: string;
  readonly host: string;
  /** Empty: the null sender, so the HELO identity is checked. */
  readonly mailfrom: string;
  readonly zonedata: ZoneData;
  /** The results allowed, the preferred one first. */
  readonly result: readonly SpfResult[];
  /** The texts allowed on fail; `DEFAULT`: the domain gives none. */
  readonly explanation?: string | readonly string[];
  readonly receiver?: string;
  /** The section of RFC 7208, or another RFC, that decides. */
  readonly section?: string;
  readonly lookups?: number;
  readonly voids?: number;
  readonly mechanism?: string | null;
  /** Words that the problem must contain. */
  readonly problem?: string;
  /** What local rules or guess rules lead to; null: nothing. */
  readonly local?: SpfResult | null;
  readonly guess?: SpfResult | null;
  readonly options?: CaseOptions;
}

/** What the operator has set, as texts. */
export interface CaseOptions {
  readonly lookupLimit?: number;
  readonly voidLookupLimit?: number;
  readonly rules?: string;
  readonly guess?: string;
  readonly explanation?: string;
  readonly overrides?: Readonly<Record<string, string>>;
  readonly fallbacks?: Readonly<Record<string, string>>;
}

/** A case of a public suite that contradicts the RFC. */
export interface SuiteException {
  readonly name: string;
  readonly section: string;
  readonly reason: string;
}

/** A suite in a file, its cases without the exceptions. */
export interface Suite {
  readonly name: string;
  readonly cases: readonly ConformanceCase[];
  /** The cases that contradict the RFC, each with its section and reason. */
  readonly exceptions: readonly (SuiteException & { readonly case: ConformanceCase })[];
}

/** The suites that lie outside the project, and the exceptions to each. */
const PUBLIC_SUITES = [
  { name: "rfc7208", exceptions: undefined },
  { name: "extra", exceptions: "extra-exceptions.json" },
] as const;

const HERE = import.meta.dirname;

/** The folder of the public suites. */
export const SUITES_FOLDER = process.env["SPF_SUITES"] ?? join(HERE, "../../../shared/spf-suites");

/** The names of the public suites that are not where they should be. */
export function missingSuites(): string[] {
  return PUBLIC_SUITES.filter(({ name }) => !existsSync(suiteFile(name))).map(({ name }) => name);
}

/** The public suites that are there, then the project's own cases. */
export function loadSuites(): Suite[] {
  const suites = PUBLIC_SUITES.filter(({ name }) => existsSync(suiteFile(name))).map(
    ({ name, exceptions: file }) => {
      const cases = readJson(suiteFile(name)) as ConformanceCase[];
      const listed = file === undefined ? [] : (readJson(join(HERE, file)) as SuiteException[]);
      const exceptions = listed.map((exception) => {
        const excepted = cases.find((one) => one.name === exception.name);
        if (excepted === undefined) throw new Error(`${name} has no case ${exception.name} to except`);
        return { ...exception, case: excepted };
      });
      const names = new Set(listed.map((exception) => exception.name));
      return { name, cases: cases.filter((one) => !names.has(one.name)), exceptions };
    },
  );
  const own = readdirSync(join(HERE, "cases"))
    .filter((file) => file.endsWith(".json"))
    .sort()
    .map((file) => ({
      name: `own/${basename(file, ".json")}`,
      cases: readJson(join(HERE, "cases", file)) as ConformanceCase[],
      exceptions: [],
    }));
  return [...suites, ...own];
}

function suiteFile(name: string): string {
  return join(SUITES_FOLDER, `${name}.json`);
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, "utf8"));
}

/** What is wrong with the outcome of a case, with time-outs seen both ways; empty where nothing is. */
export function runCase(one: ConformanceCase): string[] {
  const usesTimeout = JSON.stringify(one.zonedata).includes('"TIMEOUT"');
  const kinds: TimeoutKind[] = usesTimeout ? ["SERVFAIL", "silence"] : ["SERVFAIL"];
  return kinds.flatMap((kind) => {
    const wrong = judge(one, evaluateCase(one, kind));
    return usesTimeout ? wrong.map((text) => `${text} (time-out as ${kind})`) : wrong;
  });
}

/** The outcome of a case. */
export function evaluateCase(one: ConformanceCase, timeout: TimeoutKind): Outcome {
  const zone = new Zone(one.zonedata, timeout);
  const input = inputOf(one);
  const { outcome } = drive(input, (question) => zone.answer(question));
  return withDefaultExplanation(input, outcome);
}

/** The arguments of check_host() for a case. */
export function inputOf(one: ConformanceCase): CheckHostInput {
  const ip = parseIpAddress(one.host);
  if (ip === undefined) throw new Error(`${one.name}: ${one.host} is no address`);
  const sender = one.mailfrom === "" ? `postmaster@${one.helo}` : one.mailfrom;
  return {
    ip,
    domain: sender.slice(sender.lastIndexOf("@") + 1),
    sender,
    helo: one.helo,
    receiver: one.receiver ?? "receiver.example.net",
    nowSeconds: 1_700_000_000,
    limits: {
      lookupLimit: one.options?.lookupLimit ?? 10,
      voidLookupLimit: one.options?.voidLookupLimit ?? 2,
    },
    localPolicy: localPolicy(one.options ?? {}),
    hints: true,
    trace: false,
  };
}

function localPolicy(options: CaseOptions): LocalPolicy {
  return {
    rules: mechanisms(options.rules),
    guess: mechanisms(options.guess),
    explanation: options.explanation ?? "DEFAULT",
    overrides: new Map(Object.entries(options.overrides ?? {})),
    fallbacks: new Map(Object.entries(options.fallbacks ?? {})),
  };
}

function mechanisms(text: string | undefined): SpfRecord | undefined {
  if (text === undefined) return undefined;
  const parsed = parseMechanisms(text);
  if ("fault" in parsed) throw new Error(`${parsed.fault.term}: ${parsed.fault.reason}`);
  return parsed.record;
}

function judge(one: ConformanceCase, outcome: Outcome): string[] {
  const wrong: string[] = [];
  const expect = (what: string, wanted: unknown, got: unknown): void => {
    if (wanted === undefined || wanted === (got ?? null)) return;
    wrong.push(`${what} is ${JSON.stringify(got ?? null)}, not ${JSON.stringify(wanted)}`);
  };
  if (!one.result.includes(outcome.result)) {
    wrong.push(`the result is ${outcome.result}, not ${one.result.join(" or ")}`);
  }
  if (outcome.result === "fail" && one.explanation !== undefined) {
    const allowed = [one.explanation].flat();
    const text = outcome.explanation?.text ?? "";
    if (!allowed.includes(text)) wrong.push(`the explanation is "${text}", not "${allowed.join('" or "')}"`);
  }
  expect("the mechanism", one.mechanism, outcome.mechanism);
  expect("the number of lookups", one.lookups, outcome.lookups);
  expect("the number of void lookups", one.voids, outcome.voids);
  expect("the local outcome", one.local, outcome.local?.result);
  expect("the guess", one.guess, outcome.guess?.result);
  if (one.problem !== undefined && !(outcome.problem ?? "").includes(one.problem)) {
    wrong.push(`the problem is "${outcome.problem ?? ""}", without "${one.problem}"`);
  }
  return wrong;
}
