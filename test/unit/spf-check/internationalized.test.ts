import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { octetsOfText } from "../../../src/address/index.ts";
import { check } from "./support.ts";

// RFC 8616 section 4.
describe("internationalized addresses", () => {
  const domain = octetsOfText("bücher.test");
  const ascii = "xn--bcher-kva.test";

  function result(
    record: string,
    local: string,
    others: Record<string, { TXT?: string; A?: string }[]> = {},
  ): string {
    const sender = `${octetsOfText(local)}@${domain}`;
    const { outcome } = check({ [ascii]: [{ TXT: record }], ...others }, { domain, sender });
    return `${outcome.result} ${outcome.domain} ${String(outcome.mechanism)} ${outcome.lookups}`;
  }

  it("have their U-labels turned into A-labels, in %{d}, %{o} and %{s} too", () => {
    const name = `user@${ascii}.${ascii}.${ascii}.x.test`;
    const others = { [name]: [{ A: "127.0.0.2" }] };
    assert.equal(
      result("v=spf1 exists:%{s}.%{o}.%{d}.x.test -all", "user", others),
      `pass ${ascii} exists:%{s}.%{o}.%{d}.x.test 1`,
    );
  });

  it("match no term that reads a local part which is not ASCII", () => {
    for (const term of ["exists:%{l}.x.test", "a:%{S}.x.test", "include:%{l1r-}.x.test", "ptr:%{L}.test"]) {
      assert.equal(result(`v=spf1 +${term} -all`, "grün"), `fail ${ascii} -all 1`);
    }
    assert.equal(result("v=spf1 redirect=%{l}.x.test", "grün"), `neutral ${ascii} default 1`);
  });

  it("match terms that read other macros", () => {
    const others = { [`${ascii}.x.test`]: [{ A: "127.0.0.2" }] };
    assert.equal(
      result("v=spf1 exists:%{o}.x.test -all", "grün", others),
      `pass ${ascii} exists:%{o}.x.test 1`,
    );
  });

  it("are not asked for where a macro brings in octets that are not ASCII", () => {
    const zone = { "example.test": [{ TXT: "v=spf1 a:%{h} include:%{h}" }] };
    const { outcome, questions } = check(zone, { helo: "\xff.test" });
    assert.deepEqual([outcome.result, outcome.lookups, questions.length], ["permerror", 2, 1]);
  });

  it("are none where a label is no U-label", () => {
    const { outcome, questions } = check({}, { domain: "\xff\xfe.test" });
    assert.deepEqual([outcome.result, questions], ["none", []]);
  });
});
