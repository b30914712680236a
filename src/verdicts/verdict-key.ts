import type { SenderMacro } from "spf-check";
import type { IpAddress, OctetString } from "../address/index.ts";

/** What a verdict can depend on, DNS and the clock aside. */
export interface VerdictInput {
  readonly ip: IpAddress;
  readonly domain: OctetString;
  /** `local@domain` */
  readonly sender: OctetString;
  readonly helo: OctetString;
  readonly receiver: OctetString;
}

const LETTERS: readonly SenderMacro[] = ["s", "l", "o", "h"];

/** A set of the sender's macros as a number of four bits. */
export type MacroMask = number;

/** Every mask but the empty one. */
export const MACRO_MASKS: readonly MacroMask[] = Array.from({ length: 15 }, (_, i) => i + 1);

/** The sets that the masks stand for: verdicts in memory share them. */
const MACRO_SETS: readonly ReadonlySet<SenderMacro>[] = Array.from(
  { length: 16 },
  (_, mask) => new Set(LETTERS.filter((_letter, bit) => (mask & (1 << bit)) !== 0)),
);

/** The mask of a set. */
export function macroMask(macros: ReadonlySet<SenderMacro>): MacroMask {
  let mask = 0;
  for (const [bit, letter] of LETTERS.entries()) if (macros.has(letter)) mask |= 1 << bit;
  return mask;
}

/** The set of a mask, always the same object. */
export function macroSet(mask: MacroMask): ReadonlySet<SenderMacro> {
  return MACRO_SETS[mask] ?? new Set(LETTERS);
}

/**
 * The key of what every verdict depends on. An address never has a space, and the domain's length says where it
 * ends: no text of a client can make the key of another.
 */
export function baseKey({ ip, domain, receiver }: VerdictInput): string {
  return `${ip.text} ${domain.length} ${domain}${receiver}`;
}

/** The key of a verdict that has read the macros of a mask: a base key begins with none of the four letters. */
export function widenedKey(mask: MacroMask, base: string, input: VerdictInput): string {
  let key = "";
  for (const [bit, letter] of LETTERS.entries()) {
    if ((mask & (1 << bit)) === 0) continue;
    const value = macroValue(letter, input);
    key += `${letter}${value.length} ${value}`;
  }
  return `${key} ${base}`;
}

/** The key of everything: equal inputs, equal verdicts. */
export function exactKey(base: string, { sender, helo }: VerdictInput): string {
  return `${sender.length} ${sender}${helo.length} ${helo}${base}`;
}

/** A sender without a local part stands for itself: finer than need be, never too coarse. */
function macroValue(letter: SenderMacro, { sender, helo }: VerdictInput): OctetString {
  if (letter === "h") return helo;
  const at = sender.lastIndexOf("@");
  if (letter === "s" || at <= 0) return sender;
  return letter === "l" ? sender.slice(0, at) : sender.slice(at + 1);
}
