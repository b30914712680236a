import type { SpfRecord } from "./record.ts";

/**
 * Where the operator's local rules go in a record, as the qmail patch has it: in front of the run of directives
 * with one qualifier (`-`, `~` or `?`) that ends in `all`. Undefined where the record has no such run, or the
 * run begins the record: local rules do not help a domain that sends no mail.
 */
export function localRulesIndex({ directives }: SpfRecord): number | undefined {
  const all = directives.findIndex(({ mechanism }) => mechanism.kind === "all");
  const qualifier = directives[all]?.qualifier;
  if (qualifier === undefined || qualifier === "+") return undefined;
  let start = all;
  while (start > 0 && directives[start - 1]?.qualifier === qualifier) start--;
  return start === 0 ? undefined : start;
}
