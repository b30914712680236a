/** What a name that is not known may have meant. */

/**
 * The candidate that a misspelt word may have meant, or undefined where none is near: at most one slip in three
 * letters, and never more than three. Upper and lower case count as equal. Where all the slips are in one word of a
 * candidate (`Perm` for `Temp` in AcceptTempError), half of that word must be left: another word is not a misspelling.
 */
export function nearest(written: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestSlips = Math.min(3, Math.floor(written.length / 3)) + 1;
  for (const candidate of candidates) {
    const slips = slipsBetween(written.toLowerCase(), candidate.toLowerCase());
    if (slips < bestSlips && slips <= slipsAllowed(written, candidate)) {
      best = candidate;
      bestSlips = slips;
    }
  }
  return best;
}

/** Half of the words of a candidate that are not as written; no limit where letters are only added or left out. */
function slipsAllowed(written: string, candidate: string): number {
  const [a, b] = [written.toLowerCase(), candidate.toLowerCase()];
  const shorter = Math.min(a.length, b.length);
  let before = 0;
  while (before < shorter && a[before] === b[before]) before++;
  let after = 0;
  while (after < shorter - before && a.at(-1 - after) === b.at(-1 - after)) after++;
  if (before + after === shorter) return Infinity;
  const words = [...candidate.matchAll(/[A-Z]+(?![a-z])|[A-Z]?[^A-Z]+/g)];
  const start = words.findLast(({ index }) => index <= before)?.index ?? 0;
  const end = b.length - after;
  const word = words.find(({ index, 0: { length } }) => index + length >= end);
  const rest = word === undefined ? 0 : b.length - word.index - word[0].length;
  return Math.max(a.length, b.length) / 2 - (start + rest) / 2;
}

/** Whether one slip makes one word of the other; of words of any length. */
export function isOneSlipAway(a: string, b: string): boolean {
  return Math.abs(a.length - b.length) <= 1 && slipsBetween(a, b) === 1;
}

/** How many letters were left out, inserted, replaced or swapped with their neighbour (optimal string alignment). */
function slipsBetween(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let slips = Math.min(at(last, j) + 1, at(row, j - 1) + 1, at(last, j - 1) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        slips = Math.min(slips, at(beforeLast, j - 2) + 1);
      }
      row.push(slips);
    }
    beforeLast = last;
    last = row;
  }
  return at(last, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Infinity;
}

/** The option that decides what is done at a result. All refuse when they are on, but the last. */
const OPTION_OF_RESULT = {
  Fail: "RefuseFail",
  HeloFail: "RefuseHeloFail",
  SoftFail: "RefuseSoftFail",
  Neutral: "RefuseNeutral",
  None: "RefuseSPFNone",
  SPFNone: "RefuseSPFNone",
  PermError: "RefusePermError",
  TempError: "AcceptTempError",
} as const;

/** What one may take such an option to be called. */
const OTHER_NAMES: ReadonlyMap<string, { readonly option: string; readonly opposite: boolean }> = new Map(
  Object.entries(OPTION_OF_RESULT).flatMap(([result, option]) =>
    ["Accept", "Allow", "Refuse", "Reject", "Deny"].map((verb) => {
      const opposite = option.startsWith("Accept") !== (verb === "Accept" || verb === "Allow");
      return [`${verb}${result}`, { option, opposite }] as const;
    }),
  ),
);

/** `; did you mean OPTION?` where the name of an option that does not exist is near that of one, else nothing. */
export function optionHint(written: string, names: readonly string[]): string {
  const meant = nearest(written, [...names, ...OTHER_NAMES.keys()]);
  if (meant === undefined) return "";
  const { option, opposite } = names.includes(meant)
    ? { option: meant, opposite: false }
    : (OTHER_NAMES.get(meant) ?? { option: "", opposite: false });
  if (!names.includes(option)) return "";
  return `; did you mean ${option}${opposite ? ", which says the opposite" : ""}?`;
}
