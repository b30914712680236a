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

/**
 * The domain names of the client, by its PTR records, and which of them have the client's address
 * (RFC 7208 section 5.5). DNS faults mean that a name is not among them. Every question is asked once.
 */
export class ClientNames {
  private readonly session: Session;
  private names: readonly OctetString[] | undefined;
  private readonly validated = new Map<OctetString, boolean>();

  constructor(session: Session) {
    this.session = session;
  }

  /** Whether the PTR records have been asked for already, so that %{p} costs no further lookup. */
  get known(): boolean {
    return this.names !== undefined;
  }

  /** Whether a validated name is the domain or lies below it: the `ptr` mechanism. */
  *anyWithin(domain: OctetString, asker: Asker): Evaluating<boolean | Failure> {
    const names = yield* this.list(asker);
    if (isFailure(names)) return names;
    for (const name of names) {
      if (!isWithinDomain(name, domain)) continue;
      const valid = yield* this.validate(name, asker);
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
    if (this.names !== undefined) return this.names;
    const answer = yield* asker.ask(reverseName(this.session.ip), "PTR");
    if (isFailure(answer)) return answer;
    const records = answer.status === "found" ? answer.records : [];
    this.names = records.slice(0, PTR_NAMES_MAX).map(withoutFinalDot);
    return this.names;
  }

  private *validate(name: OctetString, asker: Asker): Evaluating<boolean | Failure> {
    const key = name.toLowerCase();
    const known = this.validated.get(key);
    if (known !== undefined) return known;
    let valid = false;
    if (isAskable(name)) {
      const answer = yield* asker.ask(name, this.session.addressType);
      if (isFailure(answer)) return answer;
      const { bytes } = this.session.ip;
      valid =
        answer.status === "found" &&
        answer.records.some((ip) => samePrefix(ip.bytes, bytes, bytes.length * 8));
    }
    this.validated.set(key, valid);
    return valid;
  }
}

function rank(name: OctetString, domain: OctetString): number {
  if (!isWithinDomain(name, domain)) return 2;
  return name.length === domain.length ? 0 : 1;
}
