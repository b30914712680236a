import { ACTION_OPTIONS } from "./action.ts";
import { EVALUATION_OPTIONS } from "./evaluation.ts";
import { list, type Option } from "./option.ts";
import { policyFor } from "./policy-for.ts";
import { HEADER_OPTIONS, MEMORY_OPTIONS, PROCESS_OPTIONS } from "./process.ts";
import { WHO_OPTIONS } from "./who.ts";

const POLICY_FOR_OPTION = {
  PolicyFor: list(policyFor, "ip=192.0.2.0/24 SPFBehavior=1", {
    section: "what is done",
    help: "other options for some mail only",
    of: (s) => s.policyFor,
  }),
};

/**
 * Every option of smf-spf.conf, in the order of the documents. Parsing, defaults, reload, and the tests of man page
 * and sample file all follow this table.
 */
const ALL_OPTIONS = {
  ...WHO_OPTIONS,
  ...EVALUATION_OPTIONS,
  ...ACTION_OPTIONS,
  ...POLICY_FOR_OPTION,
  ...HEADER_OPTIONS,
  ...MEMORY_OPTIONS,
  ...PROCESS_OPTIONS,
};

/** The values of one entry of each option, by name. */
export type OptionValues = {
  readonly [K in keyof typeof ALL_OPTIONS]: (typeof ALL_OPTIONS)[K] extends Option<infer T> ? T : never;
};

/** The name of an option, spelled as the documents do. */
export type OptionName = keyof OptionValues;

/** The table, typed so that a name and its values stay together. */
export const OPTIONS: { readonly [K in OptionName]: Option<OptionValues[K]> } = ALL_OPTIONS;

/** Their names in the order of the documents. */
export const OPTION_NAMES = Object.keys(ALL_OPTIONS) as readonly OptionName[];

const BY_LOWER_CASE: ReadonlyMap<string, OptionName> = new Map(
  OPTION_NAMES.map((name) => [name.toLowerCase(), name]),
);

/** The option that a key means; upper and lower case are equal. */
export function optionNamed(key: string): OptionName | undefined {
  return BY_LOWER_CASE.get(key.toLowerCase());
}
