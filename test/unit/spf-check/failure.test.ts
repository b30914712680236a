import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ZoneData } from "../../system/conformance/zone.ts";
import { check, publishing } from "./support.ts";

describe("the kind of a problem", () => {
  const zone: ZoneData = {
    "two.test": [{ TXT: "v=spf1 -all" }, { TXT: "v=spf1 ~all" }],
    "servfail.test": ["SERVFAIL"],
    "a.test": [{ A: "192.0.2.9" }],
  };
  const table: readonly [record: string, result: string, failure: string | undefined][] = [
    ["v=spf1 -all", "fail", undefined],
    ["v=spf1 bogus -all", "permerror", "syntax"],
    ["v=spf1 include:two.test -all", "permerror", "records"],
    [`v=spf1 ${"exists:syntax.test ".repeat(11)}-all`, "permerror", "voids"],
    [`v=spf1 ${"a:a.test ".repeat(11)}-all`, "permerror", "lookups"],
    ["v=spf1 include:nothing.test -all", "permerror", "include"],
    ["v=spf1 include:servfail.test -all", "temperror", "other"],
  ];
  for (const [record, result, failure] of table) {
    it(`${record.slice(0, 40)}: ${failure ?? "none"}`, () => {
      const { outcome } = check(publishing(record, zone));
      assert.deepEqual([outcome.result, outcome.failure], [result, failure]);
    });
  }
});
