import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Metrics } from "../../../src/status/metrics.ts";
import { Tally } from "../../../src/status/tally.ts";
import { figures } from "./support.ts";

const SHARE = join(import.meta.dirname, "../../../share/smf-spf");

const SHARED = { up: true, errors: {}, hits: 0, misses: 0, writes: 0 };

/** The names of all samples, and the labels of each. */
async function served(): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const tally = new Tally(() => 0);
  tally.rules.setRules([{ rule: "RefuseFail", line: "f:1", text: "RefuseFail on" }]);
  const metrics = new Metrics({
    product: { version: "9", node: "v9", startedMs: 0 },
    tally,
    eventLoopLagSeconds: () => 0,
  });
  const text = await metrics.text("prometheus", figures({ sharedCache: SHARED }));
  const found = new Map<string, Set<string>>();
  for (const [, name = "", labels = ""] of text.matchAll(/^([a-z_]+)(?:\{(.*)\})? \S+$/gm)) {
    const known = found.get(name) ?? new Set();
    for (const [, label = ""] of labels.matchAll(/([a-z_]+)="/g)) known.add(label);
    found.set(name, known);
  }
  return found;
}

describe("share/smf-spf", () => {
  for (const file of ["prometheus-rules.yml", "grafana-dashboard.json"]) {
    it(`${file} names metrics and labels that are served`, async () => {
      const text = readFileSync(join(SHARE, file), "utf8");
      const known = await served();
      const names = new Set(text.match(/\b(?:smfspf|process|nodejs)_[a-z_]+/g));
      assert.ok(names.size > 5);
      for (const name of names) assert.ok(known.has(name), name);
      const labels = new Set([...known.values()].flatMap((set) => [...set]));
      for (const [, list = ""] of text.matchAll(/\b(?:by|without) \(([a-z_, ]+)\)/g)) {
        for (const label of list.split(", ")) assert.ok(labels.has(label), label);
      }
    });
  }

  it("the dashboard is JSON with panels that do not overlap", () => {
    const { panels } = JSON.parse(readFileSync(join(SHARE, "grafana-dashboard.json"), "utf8")) as {
      panels: { id: number; gridPos: { x: number; y: number; w: number; h: number } }[];
    };
    const cells = panels.flatMap(({ gridPos: { x, y, w } }) =>
      Array.from({ length: w }, (_, column) => `${x + column} ${y}`),
    );
    assert.equal(new Set(cells).size, cells.length);
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
  });
});
