import { existsSync, readdirSync, readFileSync } from "node:fs";
import { isIPv4, isIPv6 } from "node:net";
import { basename, join } from "node:path";
import type { ConformanceCase } from "./conformance-case.ts";
import { casesOf, type OwnSuite } from "./own-suite.ts";
import type { ZoneData, ZoneEntry } from "./zone.ts";

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
export const SUITES_FOLDER = process.env["SPF_SUITES"] ?? join(HERE, "../../../../shared/spf-suites");

/** The names of the public suites that are not where they should be. */
export function missingSuites(): string[] {
  return PUBLIC_SUITES.filter(({ name }) => !existsSync(suiteFile(name))).map(({ name }) => name);
}

/** The public suites that are there, then the project's own cases. */
export function loadSuites(): Suite[] {
  const suites = PUBLIC_SUITES.filter(({ name }) => existsSync(suiteFile(name))).map(
    ({ name, exceptions: file }) => {
      const cases = (readJson(suiteFile(name)) as ConformanceCase[]).map(servable);
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
    .map((file) => {
      const name = `own/${basename(file, ".json")}`;
      return { name, cases: casesOf(name, readJson(join(HERE, "cases", file)) as OwnSuite), exceptions: [] };
    });
  return [...suites, ...own];
}

/** The case without address records of the wrong family: no name server can hold them. */
function servable(one: ConformanceCase): ConformanceCase {
  const zonedata = Object.entries(one.zonedata).map(([owner, entries]) => [
    owner,
    entries.filter(canBeServed),
  ]);
  return { ...one, zonedata: Object.fromEntries(zonedata) as ZoneData };
}

function canBeServed(entry: ZoneEntry): boolean {
  if (typeof entry === "string") return true;
  const { A, AAAA } = entry;
  return (typeof A !== "string" || isIPv4(A)) && (typeof AAAA !== "string" || isIPv6(AAAA));
}

function suiteFile(name: string): string {
  return join(SUITES_FOLDER, `${name}.json`);
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, "utf8"));
}
