import { encodeEdits } from "./encode-edit.ts";
import { encodeResponse } from "./encode-response.ts";
import type { EndOfMessageResponse } from "./handler.ts";
import type { Negotiated } from "./negotiate.ts";
import type { Edit } from "./response.ts";

/** Where faults of a handler are told. */
export interface ReportPort {
  report(error: unknown): void;
}

/**
 * Edits and the final answer as the MTA understands them, in one buffer. Edits are left out where the
 * message is refused or discarded. An edit that was not negotiated is left out and reported: a handler that
 * has looked at the offer asks for none. Throws RangeError for a reply or an index that cannot be encoded.
 */
export function encodeEndOfMessage(
  { edits, response }: EndOfMessageResponse,
  terms: Negotiated | undefined,
  ports: ReportPort,
): Buffer {
  const final = encodeResponse(response, terms?.replyLinesMax);
  const goesOn = response.kind === "continue" || response.kind === "accept";
  if (!goesOn || terms === undefined || edits.length === 0) return final;
  const { edits: negotiated, insertsHeaders } = terms;
  const possible = edits.filter(({ kind }) => {
    if (negotiated.has(kind)) return true;
    ports.report(new Error(`edit ${kind} was not negotiated and is left out`));
    return false;
  });
  return encodeEdits(insertsHeaders ? possible : possible.map(withoutIndex), final);
}

/** SMFIR_INSHEADER for an MTA that does not know it: the field goes to the end of the header. */
function withoutIndex(edit: Edit): Edit {
  return edit.kind === "insertHeader" ? { kind: "addHeader", name: edit.name, value: edit.value } : edit;
}
