import type { OctetString } from "../address/index.ts";
import { parseDirective } from "./parse-directive.ts";
import { parseMacroString } from "./parse-macro-string.ts";
import type { Directive, Modifier, RecordFault, SpfRecord } from "./record.ts";

/** A parsed record, or the first thing that is wrong with it. */
export type ParsedRecord = { readonly record: SpfRecord } | { readonly fault: RecordFault };

const VERSION_LENGTH = "v=spf1".length;

/** Whether a TXT record is an SPF record: its version section is exactly `v=spf1` (RFC 7208 section 4.5). */
export function isSpfRecord(text: OctetString): boolean {
  return /^v=spf1(?: |$)/i.test(text);
}

/**
 * Reads a whole record, version section included (RFC 7208 sections 4.6 and 12). The syntax of every term is
 * checked, also of those behind `all` and of unknown modifiers; modifiers may stand anywhere.
 */
export function parseRecord(text: OctetString): ParsedRecord {
  if (!isSpfRecord(text)) return { fault: { term: text, reason: 'a record begins with "v=spf1"' } };
  const directives: Directive[] = [];
  const unknownModifiers: Modifier[] = [];
  let redirect: Modifier | undefined;
  let explanation: Modifier | undefined;
  for (const term of termsOf(text.slice(VERSION_LENGTH))) {
    const name = modifierName(term);
    if (name === undefined) {
      const parsed = parseDirective(term);
      if ("fault" in parsed) return parsed;
      directives.push(parsed.directive);
      continue;
    }
    const parsed = parseModifier(term, name);
    if ("fault" in parsed) return parsed;
    const { modifier } = parsed;
    if (modifier.name === "redirect") {
      if (redirect !== undefined) return { fault: { term, reason: "redirect= is given more than once" } };
      redirect = modifier;
    } else if (modifier.name === "exp") {
      if (explanation !== undefined) return { fault: { term, reason: "exp= is given more than once" } };
      explanation = modifier;
    } else {
      unknownModifiers.push(modifier);
    }
  }
  return { record: { directives, redirect, explanation, unknownModifiers } };
}

/** Reads what SPFRules and SPFGuess hold: directives only, no version section, no modifiers. */
export function parseMechanisms(text: OctetString): ParsedRecord {
  const directives: Directive[] = [];
  for (const term of termsOf(text)) {
    if (modifierName(term) !== undefined) {
      return { fault: { term, reason: "only mechanisms can stand here, no version and no modifiers" } };
    }
    const parsed = parseDirective(term);
    if ("fault" in parsed) return parsed;
    directives.push(parsed.directive);
  }
  if (directives.length === 0) return { fault: { term: text, reason: "no mechanism is given" } };
  return { record: { directives, redirect: undefined, explanation: undefined, unknownModifiers: [] } };
}

/** Only spaces part terms (RFC 7208 section 4.6.1); a tab is an octet of a term, and wrong there. */
function termsOf(text: OctetString): OctetString[] {
  return text.split(" ").filter((term) => term !== "");
}

/** The name before `=`, as written; undefined where the term is a directive. */
function modifierName(term: OctetString): string | undefined {
  return /^([a-z][a-z0-9\-_.]*)=/i.exec(term)?.[1];
}

function parseModifier(
  term: OctetString,
  written: string,
): { readonly modifier: Modifier } | { readonly fault: RecordFault } {
  const name = written.toLowerCase();
  const known = name === "redirect" || name === "exp";
  const parsed = parseMacroString(term.slice(written.length + 1), known ? "domain-spec" : "explanation");
  if ("fault" in parsed) return { fault: { term, reason: parsed.fault.reason } };
  return { modifier: { text: term, name, value: parsed.macroString } };
}
