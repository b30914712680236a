import { isNoMailRecord, type Outcome, type PathStep } from "spf-check";
import type { OctetString } from "../address/index.ts";
import { ownText } from "./own-text.ts";
import { type MacroMask, macroMask, macroSet } from "./verdict-key.ts";

const NO_MAIL_RECORD = "v=spf1 -all";

/** What few verdicts have. */
interface Rarely
  extends Pick<Outcome, "explanation" | "problem" | "failure" | "recordSource" | "local" | "guess" | "path"> {
  /** Where it is not as it was asked for: A-labels, without a final dot. */
  readonly domain: OctetString | undefined;
}

/**
 * A verdict as it is kept: one small object, for there may be a hundred thousand. What only spfquery tells is left
 * out: the text of a record (but that of `v=spf1 -all`, which options ask for), the way through includes, the trace.
 */
export class KeptVerdict {
  /** Whole milliseconds, which take no object of their own. */
  readonly expiresMs: number;
  /** Under a base key: a bit for each mask of macros that a verdict on this client and domain has read. */
  readonly masksSeen: number;
  readonly #result: Outcome["result"];
  readonly #mechanism: string | undefined;
  readonly #sendsNoMail: boolean;
  readonly #lookups: number;
  readonly #voids: number;
  readonly #mask: MacroMask;
  readonly #rarely: Rarely | undefined;

  /** @param asked the domain as it was asked for, which the key has */
  constructor(outcome: Outcome, asked: OctetString, expiresMs: number, masksSeen: number) {
    const { result, mechanism, record, lookups, voids, macrosRead } = outcome;
    this.expiresMs = Math.floor(expiresMs);
    this.masksSeen = masksSeen;
    this.#result = result;
    this.#mechanism = mechanism === undefined ? undefined : ownText(mechanism);
    this.#sendsNoMail = record !== undefined && isNoMailRecord(record);
    this.#lookups = lookups;
    this.#voids = voids;
    this.#mask = macroMask(macrosRead);
    this.#rarely = rarelyOf(outcome, asked);
  }

  /** The same verdict with another end, or with other masks beside it. */
  with({ expiresMs = this.expiresMs, masksSeen = this.masksSeen }): KeptVerdict {
    return new KeptVerdict(this.outcome(""), "", expiresMs, masksSeen);
  }

  /** The outcome, made anew for the domain that is asked for. */
  outcome(asked: OctetString): Outcome {
    const rarely = this.#rarely;
    const domain = rarely?.domain ?? asked;
    const mechanism = this.#mechanism;
    return {
      result: this.#result,
      domain,
      mechanism,
      path: rarely?.path ?? (mechanism === undefined ? [] : [{ domain, term: mechanism }]),
      explanation: rarely?.explanation,
      problem: rarely?.problem,
      failure: rarely?.failure,
      record: this.#sendsNoMail ? NO_MAIL_RECORD : undefined,
      recordSource: rarely?.recordSource ?? "published",
      lookups: this.#lookups,
      voids: this.#voids,
      macrosRead: macroSet(this.#mask),
      ttlSeconds: 0,
      local: rarely?.local,
      guess: rarely?.guess,
      trace: undefined,
    };
  }
}

function rarelyOf(outcome: Outcome, asked: OctetString): Rarely | undefined {
  const { explanation, problem, failure, recordSource, local, guess, domain, mechanism } = outcome;
  const path = pathToDecision(outcome.path);
  const [first, ...further] = path;
  const isPlain =
    further.length === 0 &&
    (first === undefined ? mechanism === undefined : first.domain === domain && first.term === mechanism);
  const own = domain === asked ? undefined : ownText(domain);
  const something = explanation ?? problem ?? local ?? guess ?? own;
  if (isPlain && something === undefined && recordSource === "published") return undefined;
  return { explanation, problem, failure, recordSource, local, guess, path, domain: own };
}

/** The records up to the one that stands for the domain's own, behind redirects. */
function pathToDecision(path: readonly PathStep[]): readonly PathStep[] {
  const decided = path.findIndex(({ term }) => !/^redirect=/i.test(term));
  const kept = decided === -1 ? path : path.slice(0, decided + 1);
  return kept.map(({ domain, term }) => ({ domain: ownText(domain), term: ownText(term) }));
}
