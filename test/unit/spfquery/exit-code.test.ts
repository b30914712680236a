import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SPF_RESULTS } from "spf-check";
import { exitCodeOf, usageExitCode } from "../../../src/spfquery/options.ts";

const CODES = {
  //           none neutral pass fail softfail temperror permerror, usage
  qmail: [[0, 0, 0, 0, 0, 0, 0], 100],
  "mail-spf": [[6, 3, 0, 1, 2, 5, 4], 255],
  libspf2: [[5, 1, 2, 3, 4, 6, 7], 255],
} as const;

describe("exitCodeOf()", () => {
  for (const style of ["qmail", "mail-spf", "libspf2"] as const) {
    it(`has the exit codes of ${style}`, () => {
      const [codes, usage] = CODES[style];
      assert.deepEqual(
        SPF_RESULTS.map((result) => exitCodeOf(style, result)),
        codes,
      );
      assert.equal(usageExitCode(style), usage);
    });
  }
});
