/** What the fuzzer of RemoveForgedHeaders makes, read by the real programs: whatever they take for ours is removed. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isForgedResult } from "../../support/is-forged-result.ts";
import { isOurs, makeInput, OURS } from "../../tools/fuzz/authentication-results.target.ts";
import { Rng } from "../../tools/fuzz/rng.ts";
import { askReader } from "./readers.ts";

const INPUTS = 5000;

interface Read {
  readonly id: string;
  readonly results: readonly { readonly method?: string; readonly key?: string | null }[];
}

for (const reader of ["authres", "Mail::AuthenticationResults"] as const) {
  describe(`forged results that ${reader} reads`, () => {
    it("are removed", () => {
      const rng = new Rng(20_261_129);
      const values = Array.from({ length: INPUTS }, () => makeInput(rng).toString("latin1"));
      let taken = 0;
      for (const [at, { answer }] of askReader(reader, values).entries()) {
        const read = answer as Read | undefined;
        if (read === undefined || !isOurs(read.id)) continue;
        if (!read.results.some(({ method, key }) => (method ?? key)?.toLowerCase() === "spf")) continue;
        taken++;
        assert.ok(isForgedResult(values[at] ?? "", OURS, "on"), JSON.stringify(values[at]));
      }
      assert.ok(taken > INPUTS / 100, `${taken} taken for ours`);
    });
  });
}
