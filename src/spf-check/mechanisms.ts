/** What mechanisms ask and match (RFC 7208 section 5), and which of it can be asked early. */
import {
  type IpAddress,
  isMultiLabelDomain,
  isWithinDomain,
  type OctetString,
  samePrefix,
  withoutFinalDot,
} from "../address/index.ts";
import { isAskable, type MacroString, readsMacro, reverseName, targetName } from "./macros.ts";
import type { DualCidr, Mechanism } from "./record.ts";
import type { CurrentRecord, Scope, Session, Term } from "./session.ts";
import type { Answer, Evaluating, Question, RecordData, RecordType } from "./types.ts";

/** RFC 7208 section 4.6.4: one `mx` looks up the addresses of no more exchanges than these. */
const MX_ADDRESS_LOOKUPS_MAX = 10;
/** RFC 7208 section 4.6.4: names beyond these are ignored, as the sender's domain has no say in them. */
const PTR_NAMES_MAX = 10;

/** Mechanisms that need no DNS (RFC 7208 section 4.6.4). */
export type StaticMechanism = Extract<Mechanism, { kind: "all" | "ip4" | "ip6" }>;

/** Mechanisms that ask for other things than a record. */
export type AddressMechanism = Exclude<Mechanism, StaticMechanism | { kind: "include" }>;

/** Whether a mechanism is decided without DNS. */
export function isStatic(mechanism: Mechanism): mechanism is StaticMechanism {
  return mechanism.kind === "all" || mechanism.kind === "ip4" || mechanism.kind === "ip6";
}

/** all, ip4 and ip6 (RFC 7208 sections 5.1 and 5.6). */
export function staticMatches(mechanism: StaticMechanism, ip: IpAddress): boolean {
  return mechanism.kind === "all" || inBlock(ip, mechanism.address, mechanism.prefixLength);
}

/** Whether a, mx, ptr or exists matches; one whose name DNS cannot carry does not (RFC 7208 section 4.3). */
export function* addressMatches(
  term: Term,
  mechanism: AddressMechanism,
  name: OctetString,
): Evaluating<boolean> {
  if (!isAskable(name)) return false;
  switch (mechanism.kind) {
    case "a":
      return yield* aMatches(term, name, mechanism.cidr);
    case "mx":
      return yield* mxMatches(term, name, mechanism.cidr);
    case "ptr":
      return yield* ptrMatches(term, name);
    case "exists":
      return yield* existsMatches(term, name);
  }
}

/** The `a` mechanism (RFC 7208 section 5.3). */
function* aMatches(term: Term, name: OctetString, cidr: DualCidr): Evaluating<boolean> {
  const { ip, addressType } = term.session;
  return anyInBlock(ip, yield* term.records(name, addressType), cidr);
}

/** The `mx` mechanism (RFC 7208 section 5.4); exchanges are looked up in the order of their preference. */
function* mxMatches(term: Term, name: OctetString, cidr: DualCidr): Evaluating<boolean> {
  const { addressType, input } = term.session;
  const exchanges = yield* exchangesOf(term, name);
  if (input.hints && exchanges.length > 1)
    yield { kind: "hint", questions: addressHints(exchanges, addressType) };
  for (const [i, exchange] of exchanges.entries()) {
    if (i >= MX_ADDRESS_LOOKUPS_MAX) {
      throw term.error(
        "permerror",
        "lookups",
        `more than ${MX_ADDRESS_LOOKUPS_MAX} mail exchangers to look up`,
      );
    }
    if (yield* aMatches(term, exchange, cidr)) return true;
  }
  return false;
}

/** The exchangers that can be asked for, in order; of those that are over the limit one. */
function* exchangesOf(term: Term, name: OctetString): Evaluating<readonly OctetString[]> {
  const records = yield* term.records(name, "MX");
  return distinct(records, ({ preference, exchange }) => `${preference} ${exchange.toLowerCase()}`)
    .sort(byPreference)
    .map(({ exchange }) => withoutFinalDot(exchange))
    .filter(isAskable)
    .slice(0, MX_ADDRESS_LOOKUPS_MAX + 1);
}

function addressHints(exchanges: readonly OctetString[], type: Session["addressType"]): Question[] {
  return exchanges.slice(0, MX_ADDRESS_LOOKUPS_MAX).map((name) => ({ name, type }));
}

/** Equal preferences by name: the order in which a name server lists them plays no part. */
function byPreference(a: RecordData["MX"], b: RecordData["MX"]): number {
  if (a.preference !== b.preference) return a.preference - b.preference;
  return a.exchange < b.exchange ? -1 : a.exchange > b.exchange ? 1 : 0;
}

/** The `exists` mechanism (RFC 7208 section 5.7): an A lookup for IPv6 clients too. */
function* existsMatches(term: Term, name: OctetString): Evaluating<boolean> {
  return (yield* term.records(name, "A")).length > 0;
}

/**
 * The `ptr` mechanism (RFC 7208 section 5.5): whether a validated name of the client is the domain or lies below
 * it. DNS faults mean no match. Every question is asked once; yet RFC 7208 section 4.6.4 limits terms, not messages
 * to a name server: a second `ptr` is void where the first was, just as a second `a` of the same name is.
 */
function* ptrMatches(term: Term, domain: OctetString): Evaluating<boolean> {
  const { scope, session } = term;
  const ask: Ask = (question) => term.ask(question);
  const { pointers } = scope;
  if (pointers !== undefined) term.countRemembered(pointersQuestion(session), pointers);
  for (const name of yield* clientNames(scope, ask)) {
    if (!isWithinDomain(name, domain)) continue;
    const known = scope.clientAddresses.get(name.toLowerCase());
    if (known !== undefined) term.countRemembered({ name, type: session.addressType }, known);
    if (yield* isValidated(scope, name, ask)) return true;
  }
  return false;
}

/** How a question is asked: by a term, which counts, or by an explanation, which does not. */
export type Ask = <T extends RecordType>(question: Question<T>) => Evaluating<Answer<T>>;

/**
 * The value of %{p} (RFC 7208 section 7.3): the domain itself where it is a validated name of the client, else a
 * name below it, else any validated name, else `unknown`.
 */
export function* validatedName(scope: Scope, domain: OctetString, ask: Ask): Evaluating<OctetString> {
  const names = yield* clientNames(scope, ask);
  // Sorted, so that the order in which a name server lists them plays no part.
  const ranked = [...names].sort((a, b) => rank(a, domain) - rank(b, domain) || (a < b ? -1 : 1));
  for (const name of ranked) if (yield* isValidated(scope, name, ask)) return name;
  return "unknown";
}

function rank(name: OctetString, domain: OctetString): number {
  if (!isWithinDomain(name, domain)) return 2;
  return name.length === domain.length ? 0 : 1;
}

/** The names of the client by its PTR records. */
function* clientNames(scope: Scope, ask: Ask): Evaluating<readonly OctetString[]> {
  if (scope.pointers === undefined) {
    const answer = yield* askOfClient(scope, pointersQuestion(scope.session), ask);
    scope.pointers = remembered(scope, answer, (records) => distinctNames(records).slice(0, PTR_NAMES_MAX));
  }
  const { pointers } = scope;
  if (pointers.status !== "found") return [];
  return distinctNames(pointers.records).slice(0, PTR_NAMES_MAX).map(withoutFinalDot);
}

function distinctNames(records: readonly OctetString[]): OctetString[] {
  return distinct(records, (name) => name.toLowerCase());
}

/** An answer with no more than what is looked at again, unless it is to be shown: it is held to the end. */
function remembered<T extends RecordType>(
  { session }: Scope,
  answer: Answer<T>,
  select: (records: readonly RecordData[T][]) => readonly RecordData[T][],
): Answer<T> {
  if (answer.status !== "found" || session.input.trace) return answer;
  return { ...answer, records: select(answer.records) };
}

function* askOfClient<T extends RecordType>(
  { session }: Scope,
  question: Question<T>,
  ask: Ask,
): Evaluating<Answer<T>> {
  session.asksOfClient = true;
  const answer = yield* ask(question);
  session.asksOfClient = false;
  return answer;
}

/** Without the records that are there already: identical ones are one (RFC 2181 section 5). */
function distinct<T>(records: readonly T[], key: (record: T) => string): T[] {
  const seen = new Set<string>();
  return records.filter((record) => seen.size < seen.add(key(record)).size);
}

function pointersQuestion({ ip }: Session): Question<"PTR"> {
  return { name: reverseName(ip), type: "PTR" };
}

/** Whether a name of the client has the client's address. */
function* isValidated(scope: Scope, name: OctetString, ask: Ask): Evaluating<boolean> {
  if (!isAskable(name)) return false;
  const { ip, addressType } = scope.session;
  const isItself = (address: IpAddress): boolean => inBlock(ip, address, ip.bytes.length * 8);
  const key = name.toLowerCase();
  let answer = scope.clientAddresses.get(key);
  if (answer === undefined) {
    const asked = yield* askOfClient(scope, { name, type: addressType }, ask);
    answer = remembered(scope, asked, (addresses) => addresses.filter(isItself).slice(0, 1));
    scope.clientAddresses.set(key, answer);
  }
  return answer.status === "found" && answer.records.some(isItself);
}

function anyInBlock(ip: IpAddress, addresses: readonly IpAddress[], cidr: DualCidr): boolean {
  const prefixLength = ip.family === 4 ? cidr.ip4 : cidr.ip6;
  return addresses.some((address) => inBlock(ip, address, prefixLength));
}

function inBlock(ip: IpAddress, address: IpAddress, prefixLength: number): boolean {
  return ip.family === address.family && samePrefix(ip.bytes, address.bytes, prefixLength);
}

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

function questionOf(
  session: Session,
  mechanism: Exclude<Mechanism, StaticMechanism>,
  domain: OctetString,
): Question | undefined {
  if (mechanism.kind === "ptr") return pointersQuestion(session);
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
