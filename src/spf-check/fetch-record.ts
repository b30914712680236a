import type { OctetString } from "../address/index.ts";
import type { Evaluating, Failure } from "./evaluating.ts";
import type { Answer } from "./lookup.ts";
import { isSpfRecord } from "./parse-record.ts";
import { printable } from "./printable.ts";
import type { Session } from "./session.ts";
import type { Term } from "./term.ts";
import { type RecordDraft, traceLookup } from "./trace-draft.ts";

/** The text of a domain's record and who gave it. */
export interface FetchedRecord {
  readonly text: OctetString;
  readonly source: "published" | "override" | "fallback";
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
  draft: RecordDraft | undefined,
): Evaluating<FetchedRecord | Failure | undefined> {
  const { overrides, fallbacks } = session.input.localPolicy;
  const key = domain.toLowerCase();
  const override = overrides.get(key);
  if (override !== undefined) return { text: override, source: "override" };

  const question = { name: domain, type: "TXT" } as const;
  const answer = yield* session.ask(question);
  if (draft !== undefined) draft.lookup = traceLookup(question, answer);
  const over = term?.countVoid(answer);
  if (over !== undefined) return over;
  const found = selectRecord(answer, domain, term);
  if (found !== undefined) return found;
  const fallback = fallbacks.get(key);
  return fallback === undefined ? undefined : { text: fallback, source: "fallback" };
}

function selectRecord(
  answer: Answer<"TXT">,
  domain: OctetString,
  term: Term | undefined,
): FetchedRecord | Failure | undefined {
  if (answer.status === "fault") {
    const reason = `the TXT lookup of ${printable(domain)} failed: ${answer.problem}`;
    return term?.fail("temperror", reason) ?? { result: "temperror", problem: printable(reason, 400) };
  }
  if (answer.status !== "found") return undefined;
  const [text, ...others] = answer.records.filter(isSpfRecord);
  if (text === undefined) return undefined;
  if (others.length === 0) return { text, source: "published" };
  const reason = `${printable(domain)} publishes ${others.length + 1} SPF records where one is allowed`;
  return term?.fail("permerror", reason) ?? { result: "permerror", problem: reason };
}
