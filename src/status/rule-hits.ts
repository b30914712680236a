import type { ActionEvent } from "../filter/index.ts";
import type { ConfiguredRule } from "./sources.ts";

/** Lines that are counted; a longer file has no more series. */
const LINES_MAX = 500;

/** A line of the configuration and how often it has decided. */
export interface RuleHits extends ConfiguredRule {
  readonly hits: number;
}

/** Counts by the lines of smf-spf.conf that something was done by. */
export class RuleCounter {
  #lines = new Map<string, { readonly rule: ConfiguredRule; hits: number }>();

  /** Puts the lines of new settings in force; those that are the same keep their counts. */
  setRules(rules: readonly ConfiguredRule[]): void {
    const before = this.#lines;
    this.#lines = new Map();
    for (const rule of rules) {
      if (this.#lines.size >= LINES_MAX) return;
      if (this.#lines.has(rule.line)) continue;
      const known = before.get(rule.line);
      const same = known?.rule.rule === rule.rule && known.rule.text === rule.text;
      this.#lines.set(rule.line, { rule, hits: same ? known.hits : 0 });
    }
  }

  add({ location }: ActionEvent): void {
    const line = location === undefined ? undefined : this.#lines.get(location);
    if (line !== undefined) line.hits++;
  }

  /** Most hits first, in the order of the file among equals. */
  all(): RuleHits[] {
    return [...this.#lines.values()]
      .map(({ rule, hits }) => ({ ...rule, hits }))
      .sort((a, b) => b.hits - a.hits);
  }
}
