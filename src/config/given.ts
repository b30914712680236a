import type { OptionName, OptionValues } from "./options/table.ts";
import type { Fault } from "./settings.ts";

/** A value and the place that gave it. */
export interface GivenValue<T> {
  readonly value: T;
  readonly place: Place;
}

/** Where a value stands: what a {@link Fault} has without its reason. */
export type Place = Omit<Fault, "reason">;

/** All that was given, in the order of the files; options that were not given are not there. */
export type Given = { [K in OptionName]?: GivenValue<OptionValues[K]>[] };

/** The last value given for an option, and its place. */
export function lastGiven<K extends OptionName>(
  given: Given,
  name: K,
): GivenValue<OptionValues[K]> | undefined {
  const values: readonly GivenValue<OptionValues[K]>[] | undefined = given[name];
  return values?.at(-1);
}

/** The last value given for an option. */
export function valueOf<K extends OptionName>(given: Given, name: K): OptionValues[K] | undefined {
  return lastGiven(given, name)?.value;
}

/** All values given for a list option. */
export function valuesOf<K extends OptionName>(given: Given, name: K): OptionValues[K][] {
  const values: readonly GivenValue<OptionValues[K]>[] = given[name] ?? [];
  return values.map(({ value }) => value);
}
