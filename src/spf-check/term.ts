import type { OctetString } from "../address/index.ts";
import { type Evaluating, type Failure, isFailure } from "./evaluating.ts";
import type { LookupLimits } from "./input.ts";
import type { Answer, Question, RecordData, RecordType } from "./lookup.ts";
import { printable } from "./printable.ts";
import type { Session } from "./session.ts";
import { isVoid, type TermDraft, termDraft, traceLookup } from "./trace-draft.ts";

const PROBLEM_LENGTH_MAX = 400;

/** What has been counted against the limits of RFC 7208 section 4.6.4; local and guess rules have their own. */
export class Budget {
  readonly limits: LookupLimits;
  lookups = 0;
  voids = 0;

  constructor(limits: LookupLimits) {
    this.limits = limits;
  }

  /** How many more terms may cause lookups. */
  get remaining(): number {
    return Math.max(0, this.limits.lookupLimit - this.lookups);
  }
}

/** One directive or modifier while it is evaluated: it is counted, it asks, and it may be traced. */
export class Term {
  readonly session: Session;
  readonly budget: Budget;
  /** The domain whose record holds the term. */
  readonly domain: OctetString;
  readonly text: OctetString;
  readonly draft: TermDraft | undefined;
  private countedAsVoid = false;

  constructor(session: Session, budget: Budget, domain: OctetString, text: OctetString) {
    this.session = session;
    this.budget = budget;
    this.domain = domain;
    this.text = text;
    this.draft = session.input.trace ? termDraft(text) : undefined;
  }

  /** Counts one lookup against the limit; the failure where it is one too many. */
  count(): Failure | undefined {
    this.budget.lookups++;
    const { lookupLimit } = this.budget.limits;
    if (this.budget.lookups <= lookupLimit) return undefined;
    return this.fail("permerror", `more than ${lookupLimit} terms that cause DNS lookups`);
  }

  /** Asks on behalf of the term. */
  *ask<T extends RecordType>(name: OctetString, type: T): Evaluating<Answer<T> | Failure> {
    const question: Question<T> = { name, type };
    const answer = yield* this.session.ask(question);
    this.draft?.lookups.push(traceLookup(question, answer));
    return this.countVoid(answer) ?? answer;
  }

  /** Counts an answer that an earlier term was given as if this one had asked for it. */
  recall(name: OctetString, type: RecordType, answer: Answer): Failure | undefined {
    this.draft?.lookups.push(traceLookup({ name, type }, answer, true));
    return this.countVoid(answer);
  }

  /**
   * Counts an answer that holds nothing; the failure where it is one too many. However many of its lookups find
   * nothing, a term counts once: RFC 7208 section 4.6.4 limits the number of terms for which queries come back
   * void.
   */
  countVoid(answer: Answer): Failure | undefined {
    if (!isVoid(answer) || this.countedAsVoid) return undefined;
    this.countedAsVoid = true;
    this.budget.voids++;
    const { voidLookupLimit } = this.budget.limits;
    if (this.budget.voids <= voidLookupLimit) return undefined;
    return this.fail("permerror", `more than ${voidLookupLimit} terms whose DNS lookups find nothing`);
  }

  /** The records behind a question, none where there are none; a fault is a temperror (RFC 7208 section 5). */
  *records<T extends RecordType>(name: OctetString, type: T): Evaluating<readonly RecordData[T][] | Failure> {
    const answer = yield* this.ask(name, type);
    if (isFailure(answer)) return answer;
    if (answer.status === "found") return answer.records;
    if (answer.status !== "fault") return [];
    return this.fail("temperror", `the ${type} lookup of ${printable(name)} failed: ${answer.problem}`);
  }

  /** A failure of this term, in words that name the domain and the term. */
  fail(result: Failure["result"], reason: string): Failure {
    const problem = `${printable(this.domain)}: "${printable(this.text)}": ${reason}`;
    return { result, problem: printable(problem, PROBLEM_LENGTH_MAX) };
  }

  /** Notes in the trace what has been counted before the record that this term leads to. */
  noteCounts(): void {
    if (this.draft === undefined) return;
    this.draft.lookupsBefore = this.budget.lookups;
    this.draft.voidsBefore = this.budget.voids;
  }

  /** Closes the entry of the trace, and hands it out. */
  finish(matched: boolean, failure: Failure | undefined): TermDraft | undefined {
    if (this.draft === undefined) return undefined;
    this.draft.matched = matched;
    this.draft.lookupsSoFar = this.budget.lookups;
    this.draft.voidsSoFar = this.budget.voids;
    this.draft.problem = failure?.problem;
    return this.draft;
  }
}
