import type { Command } from "commander";
import { DEFAULT_CONFIG_FILE, OPTION_NAMES } from "../config/index.ts";
import { makeCommand as makeDaemonCommand } from "../smf-spf/command-line.ts";
import { EXIT_STYLES, OPTIONS } from "../spfquery/options.ts";
import { FORMATS, makeCommand as makeReportCommand } from "../spfreport/command-line.ts";

/** What a shell offers in the place of a value. */
export type Offer =
  | { readonly kind: "files" }
  | { readonly kind: "words"; readonly words: readonly string[] }
  /** Words after which the value goes on: no space follows. */
  | { readonly kind: "beginnings"; readonly words: readonly string[] }
  | { readonly kind: "nothing" };

/** One option of a program. */
export interface CompletedOption {
  /** As they are written, `-c` or `--config`; the short one first. */
  readonly names: readonly string[];
  /** Undefined where the option takes none. */
  readonly value: { readonly name: string; readonly isOptional: boolean; readonly offer: Offer } | undefined;
  readonly help: string;
  readonly isRepeatable: boolean;
}

/** What a shell has to know of a program. */
export interface CompletedProgram {
  readonly name: string;
  readonly options: readonly CompletedOption[];
  /** What its arguments that belong to no option are. */
  readonly rest: Offer;
}

const FILES: Offer = { kind: "files" };
const NOTHING: Offer = { kind: "nothing" };
const words = (...list: readonly string[]): Offer => ({ kind: "words", words: list });

/** By the name that the help gives the value, in lower case. */
const OFFERS: Readonly<Record<string, Offer>> = {
  file: FILES,
  path: FILES,
  changed: words("changed"),
  json: words("json"),
  day: words("today", "yesterday"),
  format: words(...FORMATS),
  "option=value": { kind: "beginnings", words: OPTION_NAMES.map((name) => `${name}=`) },
  "mfrom|helo": words("mfrom", "helo"),
  style: words(...EXIT_STYLES),
  when: words("always", "never", "auto"),
  time: NOTHING,
  n: NOTHING,
  "net|domain": NOTHING,
  "addr[:port]": NOTHING,
  ip: NOTHING,
  sender: NOTHING,
  name: NOTHING,
  line: NOTHING,
  address: NOTHING,
  "domain=record": NOTHING,
  rules: NOTHING,
  text: NOTHING,
};

/** @throws Error for a value of a kind that is not in {@link OFFERS}. */
function offerOf(program: string, value: string): Offer {
  const offer = OFFERS[value.toLowerCase()];
  if (offer === undefined) throw new Error(`${program}: no completion is known for the value ${value}`);
  return offer;
}

/** The three programs, from the tables that their parsers read. */
export function programs(): readonly CompletedProgram[] {
  return [
    ofCommand(makeDaemonCommand("", DEFAULT_CONFIG_FILE), NOTHING),
    ofQuery(),
    ofCommand(makeReportCommand("", 0), FILES),
  ];
}

function ofCommand(command: Command, rest: Offer): CompletedProgram {
  const name = command.name();
  const options = command.createHelp().visibleOptions(command);
  return {
    name,
    rest,
    options: options.map((option) => {
      const value = /[<[]([^\]>].*)[\]>]$/.exec(option.flags)?.[1];
      return {
        names: [option.short, option.long].filter((written) => written !== undefined),
        value:
          value === undefined
            ? undefined
            : { name: value, isOptional: !option.required, offer: offerOf(name, value) },
        help: option.description,
        isRepeatable: option.description.includes("repeat"),
      };
    }),
  };
}

function ofQuery(): CompletedProgram {
  return {
    name: "spfquery",
    rest: NOTHING,
    options: OPTIONS.flatMap(({ names, value, help }) =>
      help === undefined
        ? []
        : [
            {
              names: names.slice(0, 1).map((name) => `--${name}`),
              value:
                value === undefined
                  ? undefined
                  : { name: value, isOptional: false, offer: offerOf("spfquery", value) },
              help,
              isRepeatable: help.includes("repeat"),
            },
          ],
    ),
  };
}
