import { isMultiLabelDomain, type OctetString } from "../address/index.ts";
import { isAskable, readsMacro, reverseName, targetName } from "./macros.ts";
import { isStatic, staticMatches } from "./mechanisms.ts";
import type { MacroString, Mechanism } from "./record.ts";
import type { CurrentRecord, Scope, Session } from "./session.ts";
import type { Evaluating, Question } from "./types.ts";

type LookupMechanism = Exclude<Mechanism, { kind: "all" | "ip4" | "ip6" }>;

/** Offers the questions of a record to the driver; a single one would be asked next anyway. */
export function* hint(scope: Scope, current: CurrentRecord): Evaluating<void> {
  if (!scope.session.input.hints) return;
  const questions = recordHints(scope, current);
  if (questions.length > 1) yield { kind: "hint", questions };
}

/**
 * The questions that a record is going to ask, in its order: up to the first directive that certainly matches,
 * and no more than the limit leaves. Names that need %{p} are left out, since they depend on another answer.
 * Nothing is noted or counted here.
 */
function recordHints({ session, lookupsLeft }: Scope, { record, domain }: CurrentRecord): Question[] {
  const questions: Question[] = [];
  let left = lookupsLeft;
  for (const { mechanism } of record.directives) {
    if (isStatic(mechanism)) {
      if (staticMatches(mechanism, session.ip)) return questions;
      continue;
    }
    if (left-- <= 0) return questions;
    const question = questionOf(session, mechanism, domain);
    if (question !== undefined) questions.push(question);
  }
  if (record.redirect !== undefined && left > 0) {
    const question = recordQuestion(session, nameOf(session, record.redirect.value, domain));
    if (question !== undefined) questions.push(question);
  }
  return questions;
}

function questionOf(session: Session, mechanism: LookupMechanism, domain: OctetString): Question | undefined {
  if (mechanism.kind === "ptr") return { name: reverseName(session.ip), type: "PTR" };
  const name = mechanism.target === undefined ? domain : nameOf(session, mechanism.target, domain);
  if (mechanism.kind === "include") return recordQuestion(session, name);
  if (name === undefined || !isAskable(name)) return undefined;
  const type = mechanism.kind === "a" ? session.addressType : mechanism.kind === "mx" ? "MX" : "A";
  return { name, type };
}

/** The name that a term will ask for; undefined where that is not known yet or it will not ask. */
function nameOf(session: Session, target: MacroString, domain: OctetString): OctetString | undefined {
  if (readsMacro(target, "p") || session.isUnmatchable(target)) return undefined;
  return targetName(target, session.macroValues(domain, ""));
}

function recordQuestion(session: Session, name: OctetString | undefined): Question | undefined {
  if (name === undefined || !isAskable(name) || !isMultiLabelDomain(name)) return undefined;
  if (session.input.localPolicy.overrides.has(name.toLowerCase())) return undefined;
  return { name, type: "TXT" };
}
