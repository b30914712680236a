import {
  type IpAddress,
  isAscii,
  type OctetString,
  toALabels,
  unmapIpv4,
  withoutFinalDot,
} from "../address/index.ts";
import { type MacroString, type MacroValues, printable, readsMacro } from "./macros.ts";
import { isSpfRecord, type SpfRecord } from "./record.ts";
import { isVoid, type LookupCounts, type RecordTracer, type TermTracer } from "./trace.ts";
import type {
  Answer,
  CheckHostInput,
  Evaluating,
  Outcome,
  Question,
  RecordData,
  RecordType,
  SenderMacro,
  SpfResult,
} from "./types.ts";

const PROBLEM_LENGTH_MAX = 400;

/** Thrown inside an evaluation, and its result: temperror or permerror (RFC 7208 sections 2.6.6 and 2.6.7). */
export class SpfError extends Error {
  readonly result: Extract<SpfResult, "temperror" | "permerror">;
  readonly failure: NonNullable<Outcome["failure"]>;

  /** @param problem what is wrong, in words; it becomes printable and short */
  constructor(result: SpfError["result"], failure: SpfError["failure"], problem: string) {
    super(printable(problem, PROBLEM_LENGTH_MAX));
    this.result = result;
    this.failure = failure;
  }
}

/** What all parts of one call of check_host() share: the arguments, made ready, and what has been read. */
export class Session {
  readonly input: CheckHostInput;
  /** The client; an IPv4-mapped address is an IPv4 address (RFC 7208 section 5). */
  readonly ip: IpAddress;
  readonly #values: SessionMacroValues;
  readonly macrosRead = new Set<SenderMacro>();
  /** The smallest TTL of the answers so far, in seconds. */
  ttlSeconds = Number.POSITIVE_INFINITY;

  constructor(input: CheckHostInput) {
    this.input = input;
    this.#values = sessionMacroValues(input);
    this.ip = this.#values.ip;
  }

  /** The record type that holds addresses of the client's family. */
  get addressType(): "A" | "AAAA" {
    return this.ip.family === 4 ? "A" : "AAAA";
  }

  /** While the client's own names are asked for (RFC 7208 section 5.5). */
  asksOfClient = false;

  /** The values of the macros while the record of `domain` is evaluated. */
  macroValues(domain: OctetString, validatedName: OctetString): MacroValues {
    const { ip, localPart, senderDomain, helo, receiver, nowSeconds } = this.#values;
    // Written out, as V8 11 gives each object that is made by a spread and added to a hidden class of its own.
    return { ip, domain, localPart, senderDomain, helo, receiver, nowSeconds, validatedName };
  }

  /** Notes which of the sender's macros a string reads: they widen a cache key. */
  noteMacros(string: MacroString): void {
    for (const letter of string.letters) if (isSenderMacro(letter)) this.macrosRead.add(letter);
  }

  /** Whether a string reads a local part that no name can hold: its term does not match (RFC 8616 section 4). */
  isUnmatchable(string: MacroString): boolean {
    return !isAscii(this.#values.localPart) && readsMacro(string, "sl");
  }

  /** Asks one question. Nothing is counted; the TTL of the answer bounds the life of the outcome. */
  *ask<T extends RecordType>(question: Question<T>): Evaluating<Answer<T>> {
    const answer = yield this.asksOfClient
      ? { kind: "ask", question, ofClient: true }
      : { kind: "ask", question };
    if (answer === undefined) return { status: "fault", problem: "no answer was given" };
    // A fault that ptr and exp= tolerate still shapes the outcome, and may be over the next moment.
    this.ttlSeconds = answer.status === "fault" ? 0 : Math.min(this.ttlSeconds, answer.ttlSeconds);
    // The driver answers the question it was asked, so the records are of its type.
    return answer as Answer<T>;
  }
}

/** The values of macros that are the same for all records. */
export type SessionMacroValues = Omit<MacroValues, "domain" | "validatedName">;

/**
 * What macros read of the arguments of check_host(). A sender without a local part is "postmaster" (RFC 7208 section
 * 4.3). Names come without their final dot, which is not a label.
 */
export function sessionMacroValues({
  ip,
  sender,
  helo,
  receiver,
  nowSeconds,
}: Pick<CheckHostInput, "ip" | "sender" | "helo" | "receiver" | "nowSeconds">): SessionMacroValues {
  const at = sender.lastIndexOf("@");
  const domain = sender.slice(at + 1);
  return {
    ip: unmapIpv4(ip),
    localPart: at > 0 ? sender.slice(0, at) : "postmaster",
    senderDomain: nameValue(toALabels(domain) ?? domain),
    helo: nameValue(helo),
    receiver: nameValue(receiver),
    nowSeconds,
  };
}

/** A name that ends in two dots has an empty label, and keeps it. */
function nameValue(name: OctetString): OctetString {
  return name.endsWith("..") ? name : withoutFinalDot(name);
}

function isSenderMacro(letter: string): letter is SenderMacro {
  return letter === "s" || letter === "l" || letter === "o" || letter === "h";
}

/**
 * One policy while it is evaluated: the published one, the local rules or the guess rules. Each has counts and
 * client names of its own, so that the published result is the same with and without the operator's rules.
 */
export class Scope implements LookupCounts {
  readonly session: Session;
  /** Terms that cause lookups, and those of them that found nothing (RFC 7208 section 4.6.4). */
  lookups = 0;
  voids = 0;
  /** The record that was fetched first: the domain's own. */
  ownRecord: FetchedRecord | undefined;
  /** The record in which local rules have a place, once they are reached. */
  localRulesPlace: Pick<CurrentRecord, "domain" | "trace"> | undefined;
  /** The client's PTR records, asked for once. */
  pointers: Answer<"PTR"> | undefined;
  /** The addresses of the names in them, by lower-case name. */
  readonly clientAddresses = new Map<OctetString, Answer<"A" | "AAAA">>();

  constructor(session: Session) {
    this.session = session;
  }

  /** How many more terms may cause lookups. */
  get lookupsLeft(): number {
    return Math.max(0, this.session.input.limits.lookupLimit - this.lookups);
  }
}

/** The record of one domain while it is evaluated. */
export interface CurrentRecord {
  readonly domain: OctetString;
  readonly record: SpfRecord;
  readonly trace: RecordTracer;
  /** How many records there are around this one. */
  readonly depth: number;
  /** Whether local rules have a place in it: not inside an include, and not in the operator's rules themselves. */
  readonly takesLocalRules: boolean;
}

/** One directive or modifier while it is evaluated: it is counted, it asks, and it may be traced. */
export class Term {
  readonly scope: Scope;
  /** The domain whose record holds the term. */
  readonly domain: OctetString;
  readonly text: OctetString;
  readonly trace: TermTracer;
  #countedAsVoid = false;

  constructor(scope: Scope, { domain, trace }: CurrentRecord, text: OctetString) {
    this.scope = scope;
    this.domain = domain;
    this.text = text;
    this.trace = trace.term(text);
  }

  get session(): Session {
    return this.scope.session;
  }

  /** Counts one lookup. Throws where it is one too many (RFC 7208 section 4.6.4). */
  count(): void {
    const { lookupLimit } = this.session.input.limits;
    if (++this.scope.lookups > lookupLimit) {
      throw this.error("permerror", "lookups", `more than ${lookupLimit} terms that cause DNS lookups`);
    }
  }

  /** Asks on behalf of the term. */
  *ask<T extends RecordType>(question: Question<T>): Evaluating<Answer<T>> {
    const answer = yield* this.session.ask(question);
    this.trace.lookup(question, answer, false);
    this.countVoid(answer);
    return answer;
  }

  /** Counts an answer that an earlier term was given as if this one had asked for it. */
  countRemembered(question: Question, answer: Answer): void {
    this.trace.lookup(question, answer, true);
    this.countVoid(answer);
  }

  /**
   * Counts an answer that holds nothing. Throws where it is one too many. However many of its lookups find
   * nothing, a term counts once: RFC 7208 section 4.6.4 limits the number of terms for which queries come back
   * void.
   */
  countVoid(answer: Answer): void {
    if (!isVoid(answer) || this.#countedAsVoid) return;
    this.#countedAsVoid = true;
    const { voidLookupLimit } = this.session.input.limits;
    if (++this.scope.voids > voidLookupLimit) {
      throw this.error(
        "permerror",
        "voids",
        `more than ${voidLookupLimit} terms whose DNS lookups find nothing`,
      );
    }
  }

  /** The records that a question finds, none where there are none. Throws on a fault (RFC 7208 section 5). */
  *records<T extends RecordType>(name: OctetString, type: T): Evaluating<readonly RecordData[T][]> {
    const answer = yield* this.ask({ name, type });
    if (answer.status === "found") return answer.records;
    if (answer.status !== "fault") return [];
    const reason = `the ${type} lookup of ${printable(name)} failed: ${answer.problem}`;
    throw this.error("temperror", answer.cause ?? "other", reason);
  }

  /** The term is done. */
  end(matched: boolean): void {
    this.trace.end(matched, this.scope);
  }

  /** An error in this term, in words that name the domain and the term. */
  error(result: SpfError["result"], failure: SpfError["failure"], reason: string): SpfError {
    return new SpfError(result, failure, `${printable(this.domain)}: "${printable(this.text)}": ${reason}`);
  }
}

/** The text of a domain's record and who gave it. */
export interface FetchedRecord {
  readonly text: OctetString;
  readonly source: Outcome["recordSource"];
}

/**
 * The one SPF record of a domain (RFC 7208 sections 4.4 and 4.5), or the operator's: `OverrideRecord` before
 * the published one is asked for, `FallbackRecord` where none is published. Undefined: there is none.
 * `term` is the include or redirect that leads here, undefined for the domain that is checked.
 */
export function* fetchRecord(
  session: Session,
  domain: OctetString,
  term: Term | undefined,
  trace: RecordTracer,
): Evaluating<FetchedRecord | undefined> {
  const { overrides, fallbacks } = session.input.localPolicy;
  const key = domain.toLowerCase();
  const override = overrides.get(key);
  if (override !== undefined) return { text: override, source: "override" };

  const question = { name: domain, type: "TXT" } as const;
  const answer = yield* session.ask(question);
  trace.lookup(question, answer);
  term?.countVoid(answer);
  const published = selectRecord(answer, domain, term);
  if (published !== undefined) return { text: published, source: "published" };
  const fallback = fallbacks.get(key);
  return fallback === undefined ? undefined : { text: fallback, source: "fallback" };
}

function selectRecord(
  answer: Answer<"TXT">,
  domain: OctetString,
  term: Term | undefined,
): OctetString | undefined {
  const error = (result: SpfError["result"], failure: SpfError["failure"], problem: string): SpfError =>
    term?.error(result, failure, problem) ?? new SpfError(result, failure, problem);
  if (answer.status === "fault") {
    const problem = `the TXT lookup of ${printable(domain)} failed: ${answer.problem}`;
    throw error("temperror", answer.cause ?? "other", problem);
  }
  if (answer.status !== "found") return undefined;
  // The identical record twice is one record (RFC 2181 section 5).
  const [text, ...others] = new Set(answer.records.filter(isSpfRecord));
  if (others.length > 0) {
    const count = others.length + 1;
    const problem = `${printable(domain)} publishes ${count} SPF records where one is allowed`;
    throw error("permerror", "records", problem);
  }
  return text;
}
