import type { OctetString } from "../address/index.ts";
import { printable } from "./printable.ts";
import type { MacroPart, MacroString, RecordFault } from "./record.ts";

/**
 * Where a macro-string stands. `domain-spec`: the argument of a mechanism, of redirect= and of exp=, which must
 * end in a top label or a macro. `explanation`: the text behind exp= and the value of an unknown modifier.
 * `own explanation`: the operator's SPFExplanation.
 */
export type MacroPlace = "domain-spec" | "explanation" | "own explanation";

/** A parsed macro-string, or why the text is none. */
export type ParsedMacroString = { readonly macroString: MacroString } | { readonly fault: RecordFault };

/** RFC 7208 section 7.2; c, r and t are for explanations only. */
const EXPLANATION_LETTERS = new Set("slodiphvcrt");
const LETTERS: Record<MacroPlace, ReadonlySet<string>> = {
  "domain-spec": new Set("slodiphv"),
  explanation: EXPLANATION_LETTERS,
  "own explanation": new Set([...EXPLANATION_LETTERS, "xr", "xs", "xe"]),
};

const ESCAPES: Readonly<Record<string, string>> = { "%": "%", _: " ", "-": "%20" };

// Every quantifier is followed by a character outside its set: time is linear in the text.
const MACRO = /%\{(x?[a-z])(\d*)(r?)([.\-+,/_=]*)\}/iy;

/**
 * Reads a macro-string (RFC 7208 section 7.1). The fault names the whole text as its term; whoever reads a
 * record puts the term of the record in its place.
 */
export function parseMacroString(text: OctetString, place: MacroPlace): ParsedMacroString {
  const fault = (reason: string): ParsedMacroString => ({ fault: { term: text, reason } });
  const foreign = (place === "domain-spec" ? /[^\x21-\x7e]/ : /[^\x20-\x7e]/).exec(text);
  if (foreign !== null) return fault(`${octetName(foreign[0])} may not stand in it`);

  const parts: MacroPart[] = [];
  let at = 0;
  let endsInMacro = false;
  while (at < text.length) {
    const percent = text.indexOf("%", at);
    const literalEnd = percent === -1 ? text.length : percent;
    if (literalEnd > at) parts.push({ kind: "literal", text: text.slice(at, literalEnd) });
    endsInMacro = percent !== -1;
    if (percent === -1) break;
    const expand = readExpand(text, percent, place);
    if (typeof expand === "string") return fault(expand);
    parts.push(expand.part);
    at = expand.end;
  }
  if (place === "domain-spec" && !endsInMacro) {
    const reason = domainEndFault(text);
    if (reason !== undefined) return fault(reason);
  }
  return { macroString: { text, parts } };
}

/** The `%…` at a place and where it ends, or what is wrong with it. */
function readExpand(
  text: OctetString,
  at: number,
  place: MacroPlace,
): { readonly part: MacroPart; readonly end: number } | string {
  const escaped = ESCAPES[text.charAt(at + 1)];
  if (escaped !== undefined) return { part: { kind: "literal", text: escaped }, end: at + 2 };
  MACRO.lastIndex = at;
  const match = MACRO.exec(text);
  if (match === null) {
    return `"${printable(text.slice(at, at + 8))}" begins no macro; a percent sign is written %%`;
  }
  const [whole, name = "", digits = "", reverse = "", delimiters = ""] = match;
  const letter = name.toLowerCase();
  if (!LETTERS[place].has(letter)) {
    return EXPLANATION_LETTERS.has(letter)
      ? `the macro %{${name}} may stand only in an explanation`
      : `there is no macro %{${name}}`;
  }
  if (digits !== "" && Number(digits) === 0) return "a macro cannot keep zero parts";
  return {
    part: {
      kind: "macro",
      letter,
      escape: name !== letter,
      digits: digits === "" ? undefined : Number(digits),
      reverse: reverse !== "",
      delimiters: delimiters === "" ? "." : [...new Set(delimiters)].join(""),
    },
    end: at + whole.length,
  };
}

/** What is wrong with the end of a domain-spec that ends in no macro (RFC 7208 section 7.1, domain-end). */
function domainEndFault(text: OctetString): string | undefined {
  if (text === "") return "a domain name is missing";
  const name = text.endsWith(".") ? text.slice(0, -1) : text;
  const dot = name.lastIndexOf(".");
  if (dot === -1) return `"${printable(text)}" is not a domain name with a dot in it`;
  const label = name.slice(dot + 1);
  if (!/^[a-z0-9-]+$/i.test(label) || label.startsWith("-") || label.endsWith("-") || /^\d+$/.test(label)) {
    return `"${printable(text)}" does not end in a top-level domain`;
  }
  return undefined;
}

function octetName(octet: string): string {
  if (octet === " ") return "a space";
  return `the octet 0x${octet.charCodeAt(0).toString(16).padStart(2, "0").toUpperCase()}`;
}
