import type { Network } from "../../address/index.ts";
import { oneWord, shown, type Value } from "../lines.ts";
import type { AddressPattern } from "../settings.ts";
import { nearest } from "../suggest.ts";
import { network } from "../values/address.ts";
import { addressPattern, hostPattern } from "../values/name.ts";
import { bad, good, type Reading, type ValueKind, withCutWarning } from "../values/value-kind.ts";
import { ACTION_NAMES, ACTION_TABLE, type ActionName, type ActionValues } from "./action.ts";

/** One PolicyFor line as it was written: which mail, and the options given for it. */
export interface PolicyForLine {
  readonly selectors: Selectors;
  readonly given: Partial<ActionValues>;
}

/** All that are given must match. */
export interface Selectors {
  readonly ip: Network | undefined;
  readonly ptr: string | undefined;
  readonly from: AddressPattern | undefined;
  readonly to: AddressPattern | undefined;
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

/** `selector… Key=value…`; a value with spaces stands in double quotes. */
export const policyFor: ValueKind<PolicyForLine> = {
  accepted: ACCEPTED,
  read: ({ words, cut }) => {
    const line = new LineReader();
    for (const word of words) {
      const problem = line.take(word);
      if (problem !== undefined) return bad(problem);
    }
    return cut ? withCutWarning(line.done()) : line.done();
  },
};

/** Collects the words of one line. */
class LineReader {
  readonly #selectors: Mutable<Selectors> = { ip: undefined, ptr: undefined, from: undefined, to: undefined };
  readonly #given: Partial<Mutable<ActionValues>> = {};
  readonly #warnings: string[] = [];

  /** Reads one word; says in words what is wrong with it. */
  take(word: string): string | undefined {
    const equals = word.indexOf("=");
    if (equals < 1) return `${shown(word)} is no name=value; accepted: ${ACCEPTED}`;
    const name = word.slice(0, equals);
    const text = word.slice(equals + 1);
    const value = oneWord(text);
    const selector = SELECTOR_NAMES.find((known) => known === name.toLowerCase());
    if (selector !== undefined) return this.#takeSelector(selector, value);
    const action = ACTION_NAMES.find((known) => known.toLowerCase() === name.toLowerCase());
    if (action !== undefined) return this.#takeAction(action, value);
    const meant = nearest(name, [...SELECTOR_NAMES, ...ACTION_NAMES]);
    const hint = meant === undefined ? "" : `; did you mean ${meant}?`;
    return `${shown(name)} is no selector, and no option for some mail only${hint}`;
  }

  done(): Reading<PolicyForLine> {
    if (SELECTOR_NAMES.every((name) => this.#selectors[name] === undefined)) {
      return bad(`no selector; accepted: ${ACCEPTED}`);
    }
    if (Object.keys(this.#given).length === 0) return bad(`no option; accepted: ${ACCEPTED}`);
    return good({ selectors: this.#selectors, given: this.#given }, ...this.#warnings);
  }

  #takeSelector(name: keyof Selectors, value: Value): string | undefined {
    return this.#keep(this.#selectors, name, SELECTOR_KINDS[name].read(value));
  }

  #takeAction(name: ActionName, value: Value): string | undefined {
    return this.#keep(this.#given, name, ACTION_TABLE[name].kind.read(value));
  }

  /** The reading comes from the kind of this very name, which the type of a name not known here cannot say. */
  #keep(into: Record<string, unknown>, name: string, reading: Reading<unknown>): string | undefined {
    if (into[name] !== undefined) return `${name}= is given twice`;
    if ("fault" in reading) return `${name}=: ${reading.fault}`;
    this.#warnings.push(...reading.warnings.map((text) => `${name}=: ${text}`));
    into[name] = reading.value;
    return undefined;
  }
}
