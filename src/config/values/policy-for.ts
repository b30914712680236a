import type { PolicyFor } from "../../policy/index.ts";
import { oneWord, quotedWhere, shown, type Value } from "../lines.ts";
import { network } from "./address.ts";
import { addressPattern, hostPattern } from "./name.ts";
import { optionHint } from "./nearest.ts";
import { invalid, ok, type Reading, type ValueKind, withCutWarning } from "./value-kind.ts";

/** One PolicyFor line as it was written: which mail, and the options given for it by their keys. */
export interface PolicyForLine {
  readonly selectors: Selectors;
  readonly given: Readonly<Record<string, unknown>>;
}

/** All that are given must match. */
export type Selectors = Pick<PolicyFor, "ip" | "ptr" | "from" | "to">;

/** An option that a line may give. */
export interface MessageRow {
  readonly key: string;
  readonly name: string;
  readonly kind: ValueKind<unknown>;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const SELECTOR_KINDS: { readonly [K in keyof Selectors]: ValueKind<NonNullable<Selectors[K]>> } = {
  ip: network,
  ptr: hostPattern,
  from: addressPattern,
  to: addressPattern,
};

const SELECTOR_NAMES = Object.keys(SELECTOR_KINDS) as readonly (keyof Selectors)[];
const ACCEPTED = "selectors ip=, ptr=, from=, to=, then options as Key=value";

/** `selector… Key=value…`; a value with spaces is in double quotes. `rows`: the options that a line may give. */
export function policyFor(rows: () => readonly MessageRow[]): ValueKind<PolicyForLine> {
  return {
    accepted: ACCEPTED,
    format: ({ selectors, given }) =>
      [
        ...SELECTOR_NAMES.flatMap((name) => {
          const value = selectors[name];
          return value === undefined ? [] : [`${name}=${formatSelector(name, value)}`];
        }),
        ...rows().flatMap(({ key, name, kind }) =>
          given[key] === undefined ? [] : [`${name}=${inOneWord(kind.format(given[key]))}`],
        ),
      ].join(" "),
    read: ({ words, cut }) => {
      const line = new LineReader(rows());
      for (const word of words) {
        const problem = line.take(word);
        if (problem !== undefined) return invalid(problem);
      }
      return cut ? withCutWarning(line.done()) : line.done();
    },
  };
}

/** A value that has spaces and is not in quotes yet. */
function inOneWord(text: string): string {
  return text.startsWith('"') ? text : quotedWhere(/\s/, text);
}

function formatSelector<K extends keyof Selectors>(name: K, value: NonNullable<Selectors[K]>): string {
  return SELECTOR_KINDS[name].format(value);
}

/** Collects the words of one line. */
class LineReader {
  readonly #rows: readonly MessageRow[];
  readonly #selectors: Mutable<Selectors> = { ip: undefined, ptr: undefined, from: undefined, to: undefined };
  readonly #given: Record<string, unknown> = {};
  readonly #warnings: string[] = [];

  constructor(rows: readonly MessageRow[]) {
    this.#rows = rows;
  }

  /** Reads one word; says in words what is wrong with it. */
  take(word: string): string | undefined {
    const equals = word.indexOf("=");
    if (equals < 1) return `invalid word ${shown(word)}: expected ${ACCEPTED}`;
    const name = word.slice(0, equals);
    const value = oneWord(word.slice(equals + 1));
    const selector = SELECTOR_NAMES.find((known) => known === name.toLowerCase());
    if (selector !== undefined) {
      return this.#keep(this.#selectors, selector, selector, SELECTOR_KINDS[selector], value);
    }
    const row = this.#rows.find((known) => known.name.toLowerCase() === name.toLowerCase());
    if (row !== undefined) return this.#keep(this.#given, row.key, row.name, row.kind, value);
    const hint = optionHint(name, [...SELECTOR_NAMES, ...this.#rows.map((known) => known.name)]);
    return `${shown(name)} is neither a selector nor an option that PolicyFor can set${hint}`;
  }

  done(): Reading<PolicyForLine> {
    if (SELECTOR_NAMES.every((name) => this.#selectors[name] === undefined)) {
      return invalid(`missing selector: expected ${ACCEPTED}`);
    }
    if (Object.keys(this.#given).length === 0) return invalid(`missing option: expected ${ACCEPTED}`);
    return ok({ selectors: this.#selectors, given: this.#given }, ...this.#warnings);
  }

  #keep(
    into: Record<string, unknown>,
    key: string,
    name: string,
    kind: ValueKind<unknown>,
    value: Value,
  ): string | undefined {
    if (into[key] !== undefined) return `${name}= is given twice`;
    const reading = kind.read(value);
    if ("fault" in reading) return `${name}=: ${reading.fault}`;
    this.#warnings.push(...reading.warnings.map((text) => `${name}=: ${text}`));
    into[key] = reading.value;
    return undefined;
  }
}
