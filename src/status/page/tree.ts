import type { DecisionRow } from "../document.ts";
import { element, outside } from "./dom.ts";

/** What /why says of a lookup. */
interface Lookup {
  readonly name?: string;
  readonly type?: string;
  readonly status?: string;
  readonly records?: readonly (string | { readonly exchange: string })[];
  readonly problem?: string | null;
}

interface Term {
  readonly term: string;
  readonly target?: string | null;
  readonly matched?: boolean;
  readonly problem?: string | null;
  readonly lookups?: readonly Lookup[];
  readonly nested?: Tree | null;
}

interface Tree {
  readonly domain: string;
  readonly record: string | null;
  readonly lookup?: Lookup | null;
  readonly terms: readonly Term[];
}

interface Why {
  readonly result: string;
  readonly why: readonly string[];
  readonly lookups: number;
  readonly voids: number;
  readonly lookup_limit: number;
  readonly void_limit: number;
  readonly ms: number;
  readonly trace: Tree | null;
}

/** The evaluation of a message as it would come out now, as elements. */
export async function evaluationTree(row: DecisionRow): Promise<Node[]> {
  const sender = row.identity === "helo" ? "" : row.from;
  const query = new URLSearchParams({ ip: row.ip, helo: row.helo, sender });
  try {
    const response = await fetch(`why?${query.toString()}`);
    if (!response.ok) return [element("p", "why", `No evaluation: ${(await response.text()).trim()}`)];
    const why = (await response.json()) as Why;
    const tree = element("ul");
    if (why.trace !== null) tree.append(recordItem(why.trace));
    const counts = `${why.lookups} of ${why.lookup_limit} lookups, ${why.voids} of ${why.void_limit} void, ${Math.round(why.ms)} ms`;
    return [
      element("p", "why", `Evaluated now: ${why.result}. `, outside(why.why.join(" "))),
      tree,
      element("p", "note", counts),
    ];
  } catch {
    return [element("p", "why", "No evaluation: smf-spf does not answer.")];
  }
}

function recordItem({ domain, record, lookup, terms }: Tree): HTMLElement {
  const item = element("li", "", outside(domain), ": ");
  item.append(record === null ? lookupText(lookup) : element("code", "", outside(record)));
  if (terms.length > 0) item.append(element("ul", "", ...terms.map(termItem)));
  return item;
}

function termItem(term: Term): HTMLElement {
  const item = element("li", "", element("code", term.matched === true ? "hit" : "", outside(term.term)));
  if (typeof term.target === "string" && !term.term.includes(term.target)) {
    item.append(" ", element("span", "note", outside(term.target)));
  }
  for (const lookup of term.lookups ?? []) item.append(" ", element("span", "note", lookupText(lookup)));
  if (typeof term.problem === "string") item.append(" ", outside(term.problem));
  if (term.nested !== null && term.nested !== undefined)
    item.append(element("ul", "", recordItem(term.nested)));
  return item;
}

function recordText(record: string | { readonly exchange: string }): string {
  return typeof record === "string" ? record : record.exchange;
}

function lookupText(lookup: Lookup | null | undefined): string {
  if (lookup === null || lookup === undefined) return "";
  const { name = "", type = "", status = "", records = [], problem } = lookup;
  const found =
    typeof problem === "string" ? problem : records.length > 0 ? records.map(recordText).join(", ") : status;
  return `${type} ${name}: ${found}`;
}
