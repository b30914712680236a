/** Scenario files: what an administrator sets, what an MTA does, and what must come of it. README.md has the language. */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import type { Zone } from "../../support/nameserver/index.ts";
import { type Expectation, type ExpectedField, expectation, expectedFields } from "./expectation.ts";
import { MTA_NAMES, type MtaName, readScenarioText, ScenarioError, type Section } from "./lines.ts";
import { readSteps, type Step } from "./steps.ts";
import { readZone } from "./zone.ts";

export const CASES = join(import.meta.dirname, "cases");

/** A message that must be in each of these mailboxes. */
export interface ExpectedMessage {
  readonly boxes: readonly string[];
  readonly fields: readonly ExpectedField[];
  /** Undefined: any. */
  readonly body: readonly string[] | undefined;
}

/** A message that must be in the MTA's quarantine queue. */
export interface ExpectedHeld {
  /** Local parts. */
  readonly recipients: readonly string[];
  /** Undefined: any. */
  readonly reason: Expectation | undefined;
}

/** One scenario as one MTA plays it. */
export interface Scenario {
  /** Below {@link CASES}, without the suffix. */
  readonly name: string;
  readonly title: string;
  /** The text of smf-spf.conf. `$FILES` is the folder of {@link files}. */
  readonly settings: string;
  /** Environment variables of the daemon. */
  readonly environment: Readonly<Record<string, string>>;
  /** Files that the settings name. */
  readonly files: ReadonlyMap<string, string>;
  readonly zone: Zone;
  /** A record has a TTL of its own, so that verdicts are remembered. */
  readonly remembers: boolean;
  /** Macros that the MTA does not send. Real ones send what they are asked for, and cannot play such a scenario. */
  readonly missing: ReadonlySet<string>;
  readonly steps: readonly Step[];
  readonly delivered: readonly ExpectedMessage[];
  readonly held: readonly ExpectedHeld[];
  /** Undefined: any lines. */
  readonly log: readonly Expectation[] | undefined;
}

/** The scenarios that a real MTA can play. */
export function loadPlayableScenarios(mta: MtaName): Scenario[] {
  return loadScenarios(mta).filter(({ missing }) => missing.size === 0);
}

/** All scenarios that concern an MTA, in the order of their names. */
export function loadScenarios(mta: MtaName): Scenario[] {
  return readdirSync(CASES, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".scenario"))
    .sort()
    .flatMap((path) => {
      const file = join(CASES, path);
      const scenario = readScenario(readFileSync(file, "latin1"), relative(process.cwd(), file), mta);
      return scenario === undefined ? [] : [{ ...scenario, name: path.replace(/\.scenario$/, "") }];
    });
}

/**
 * Reads one scenario; undefined where it is for the other MTA only.
 *
 * @param text octets
 * @throws ScenarioError
 */
export function readScenario(text: string, file: string, mta: MtaName): Scenario | undefined {
  const { title, sections } = readScenarioText(text, file, mta);
  const fault = (line: number, reason: string): ScenarioError => new ScenarioError(file, line, reason);
  const plain = (section: Section | undefined): string =>
    (section?.lines ?? []).map((line) => `${line.text}\n`).join("");

  const single = new Map<string, Section>();
  const delivered: ExpectedMessage[] = [];
  const held: ExpectedHeld[] = [];
  const files = new Map<string, string>();
  const missing = new Set<string>();
  for (const section of sections) {
    const { name, words, lines, number } = section;
    switch (name) {
      case "delivered":
        if (words.length === 0) throw fault(number, "[delivered] names the mailboxes");
        delivered.push({ boxes: words, ...expectedFields(lines, fault) });
        break;
      case "held":
        held.push({ recipients: words, reason: lines[0] && expectation(lines[0], fault) });
        break;
      case "missing":
        if (words.length === 0) throw fault(number, "[missing] names the macros");
        for (const word of words) missing.add(word);
        break;
      case "file":
        files.set(words[0] ?? "", plain(section));
        break;
      case "only":
      case "settings":
      case "environment":
      case "zone":
      case "session":
      case "log":
        if (single.has(name)) throw fault(number, `a second [${name}]`);
        single.set(name, section);
        break;
      default:
        throw fault(number, `there is no section [${name}]`);
    }
  }

  const only = single.get("only");
  if (only !== undefined) {
    if (!only.words.every((word) => (MTA_NAMES as readonly string[]).includes(word))) {
      throw fault(only.number, `[only] names one of ${MTA_NAMES.join(", ")}`);
    }
    if (only.lines.length === 0) throw fault(only.number, "[only] says why");
    if (!only.words.includes(mta)) return undefined;
  }
  const session = single.get("session");
  if (session === undefined) throw fault(1, "there is no [session]");
  const { zone, remembers } = readZone(single.get("zone")?.lines ?? [], fault);
  return {
    name: file,
    title,
    settings: plain(single.get("settings")),
    environment: readEnvironment(single.get("environment"), fault),
    files,
    zone,
    remembers,
    missing,
    steps: readSteps(session.lines, fault),
    delivered,
    held,
    log: single.get("log")?.lines.map((line) => expectation(line, fault)),
  };
}

function readEnvironment(
  section: Section | undefined,
  fault: (line: number, reason: string) => Error,
): Record<string, string> {
  return Object.fromEntries(
    (section?.lines ?? []).map(({ number, text }) => {
      const [, name, value] = /^(\w+)=(.*)$/.exec(text) ?? [];
      if (name === undefined || value === undefined)
        throw fault(number, "an environment variable is NAME=value");
      return [name, value];
    }),
  );
}
