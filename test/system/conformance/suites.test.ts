import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { runCase } from "./evaluate-case.ts";
import { loadSuites, missingSuites, SUITES_FOLDER } from "./suites.ts";

describe("public suites", () => {
  const missing = missingSuites();
  const elsewhere = missing.length > 0 && process.env["CI"] !== "true";
  const reason = `${missing.join(" and ")} not found in ${SUITES_FOLDER} (SPF_SUITES)`;
  it("are all there", { skip: elsewhere && reason }, () => {
    assert.deepEqual(missing, [], reason);
  });
});

for (const { name, cases, exceptions } of loadSuites()) {
  describe(name, () => {
    it("has cases", () => {
      assert.ok(cases.length > 0);
    });
    for (const one of cases) {
      it(`${one.name}${one.section === undefined ? "" : ` (${one.section})`}`, () => {
        assert.deepEqual(runCase(one), []);
      });
    }
    for (const exception of exceptions) {
      it(`${exception.name} still needs its exception (${exception.section})`, () => {
        assert.notDeepEqual(runCase(exception.case), []);
      });
    }
  });
}
