import { isWithinDomain, type OctetString, samePrefix, withoutFinalDot } from "../address/index.ts";
import { type Evaluating, type Failure, isFailure } from "./evaluating.ts";
import { reverseName } from "./expand-macros.ts";
import type { Answer, RecordType } from "./lookup.ts";
import type { Session } from "./session.ts";
import { isAskable } from "./target-name.ts";

/** RFC 7208 section 4.6.4: names beyond these are ignored, as the sender's domain has no say in them. */
const PTR_NAMES_MAX = 10;

/** Whoever asks: a term, which counts, or an explanation, which does not. */
export interface Asker {
  ask<T extends RecordType>(name: OctetString, type: T): Evaluating<Answer<T> | Failure>;
}

/** A term that comes to an answer which an earlier one was given. */
export interface Rememberer extends Asker {
  /** Counts the answer as if it had been asked for here; the failure where it is one void too many. */
  recall(name: OctetString, type: RecordType, answer: Answer): Failure | undefined;
}

/**
 * The domain names of the client, by its PTR records, and which of them have the client's address
 * (RFC 7208 section 5.5). DNS faults mean that a name is not among them. Every question is asked once.
 */
export class ClientNames {
  private readonly session: Session;
  private pointers: Answer<"PTR"> | undefined;
  /** By lower-case name. */
  private readonly addresses = new Map<OctetString, Answer<"A" | "AAAA">>();

  constructor(session: Session) {
    this.session = session;
  }

  /** Whether the PTR records have been asked for already, so that %{p} costs no further lookup. */
  get known(): boolean {
    return this.pointers !== undefined;
  }

  /**
   * Whether a validated name is the domain or lies below it: the `ptr` mechanism. RFC 7208 section 4.6.4 limits
   * terms, not messages to a name server: a second `ptr` is void where the first was, just as a second `a` of the
   * same name is, although nothing is asked again.
   */
  *anyWithin(domain: OctetString, term: Rememberer): Evaluating<boolean | Failure> {
    const { pointers } = this;
    const failure =
      pointers === undefined ? undefined : term.recall(reverseName(this.session.ip), "PTR", pointers);
    const names = failure ?? (yield* this.list(term));
    if (isFailure(names)) return names;
    for (const name of names) {
      if (!isWithinDomain(name, domain)) continue;
      const known = this.addresses.get(name.toLowerCase());
      const over = known === undefined ? undefined : term.recall(name, this.session.addressType, known);
      const valid = over ?? (yield* this.validate(name, term));
      if (valid !== false) return valid;
    }
    return false;
  }

  /**
   * The value of %{p} (RFC 7208 section 7.3): the domain itself where it is a validated name, else a name
   * below it, else any validated name, else `unknown`.
   */
  *best(domain: OctetString, asker: Asker): Evaluating<OctetString | Failure> {
    const names = yield* this.list(asker);
    if (isFailure(names)) return names;
    // Sorted, so that the order in which a name server lists them plays no part.
    const ranked = [...names].sort((a, b) => rank(a, domain) - rank(b, domain) || (a < b ? -1 : 1));
    for (const name of ranked) {
      const valid = yield* this.validate(name, asker);
      if (isFailure(valid)) return valid;
      if (valid) return name;
    }
    return "unknown";
  }

  private *list(asker: Asker): Evaluating<readonly OctetString[] | Failure> {
    if (this.pointers === undefined) {
      const answer = yield* asker.ask(reverseName(this.session.ip), "PTR");
      if (isFailure(answer)) return answer;
      this.pointers = answer;
    }
    const records = this.pointers.status === "found" ? this.pointers.records : [];
    return records.slice(0, PTR_NAMES_MAX).map(withoutFinalDot);
  }

  private *validate(name: OctetString, asker: Asker): Evaluating<boolean | Failure> {
    if (!isAskable(name)) return false;
    const key = name.toLowerCase();
    let answer = this.addresses.get(key);
    if (answer === undefined) {
      const asked = yield* asker.ask(name, this.session.addressType);
      if (isFailure(asked)) return asked;
      answer = asked;
      this.addresses.set(key, answer);
    }
    const { bytes } = this.session.ip;
    return (
      answer.status === "found" && answer.records.some((ip) => samePrefix(ip.bytes, bytes, bytes.length * 8))
    );
  }
}

function rank(name: OctetString, domain: OctetString): number {
  if (!isWithinDomain(name, domain)) return 2;
  return name.length === domain.length ? 0 : 1;
}
