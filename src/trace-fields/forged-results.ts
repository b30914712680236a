import { type OctetString, toALabels } from "../address/index.ts";
import { parseAuthenticationResults } from "./parse-authentication-results.ts";

/**
 * Whether an incoming Authentication-Results field must go, because a reader behind us could take it for ours
 * (RFC 8601 section 5). With `on`: it bears our id and carries an spf result, is of another version or cannot
 * be read; fields without a readable id go where they speak of spf or of us. With `all`: every one that bears
 * our id as well.
 */
export function isForgedResult(value: OctetString, ourId: OctetString, mode: "on" | "all"): boolean {
  const field = parseAuthenticationResults(value);
  if (field.authservId === undefined) {
    const text = value.toLowerCase();
    const us = canonicalId(ourId);
    return /(?:^|[^a-z0-9-])spf(?:[^a-z0-9-]|$)/.test(text) || (us !== "" && text.includes(us));
  }
  if (canonicalId(field.authservId) !== canonicalId(ourId)) return false;
  return mode === "all" || !field.wellFormed || field.version !== 1 || field.methods.includes("spf");
}

/** Ids are compared as domain names: without regard to case, final dot, or U-label against A-label. */
function canonicalId(id: OctetString): OctetString {
  return (toALabels(id) ?? id).toLowerCase().replace(/\.$/, "");
}
