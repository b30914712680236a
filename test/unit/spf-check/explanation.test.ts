import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type CheckHostInput, withDefaultExplanation } from "spf-check";
import type { ZoneData, ZoneEntry } from "../../system/conformance/zone.ts";
import { check, inputFor, mechanisms, NO_POLICY, publishing } from "./support.ts";

describe("explanation of the domain", () => {
  const table: readonly [what: string, entries: ZoneEntry[], text: string | undefined][] = [
    [
      "is the one TXT record, expanded",
      [{ TXT: "No %{s} from %{c}." }],
      "No user@example.test from 192.0.2.1.",
    ],
    ["joins the strings of the record", [{ TXT: ["No ", "way"] }], "No way"],
    ["is cut at 500 octets", [{ TXT: "x".repeat(499) + "%{d}" }], `${"x".repeat(499)}e`],
    ["is absent where the name has no TXT", [{ A: "192.0.2.1" }], undefined],
    ["is absent where there are two", [{ TXT: "one" }, { TXT: "two" }], undefined],
    ["is absent where it is empty", [{ TXT: "" }], undefined],
    ["is absent where it expands to nothing", [{ TXT: "%{l1-}" }], undefined],
    ["is absent where its syntax is wrong", [{ TXT: "100%" }], undefined],
    ["is absent where it has a line end", [{ TXT: "a\r\n250 b" }], undefined],
    ["is absent where it is not ASCII", [{ TXT: "caf\xc3\xa9" }], undefined],
    ["is absent where the lookup fails", ["SERVFAIL"], undefined],
    ["is absent where the operator's macros are read", [{ TXT: "%{xs}" }], undefined],
  ];
  for (const [what, entries, text] of table) {
    it(what, () => {
      const { outcome } = check(
        publishing("v=spf1 a:n1.test a:n2.test -all exp=e.%{d}", { "e.example.test": entries }),
        {
          sender: what.includes("nothing") ? "x-@example.test" : "user@example.test",
        },
      );
      assert.deepEqual([outcome.result, outcome.explanation?.text, outcome.voids], ["fail", text, 2]);
    });
  }

  it("is absent where a macro brings in an octet that is not printable ASCII", () => {
    const zone = publishing("v=spf1 -all exp=e.test", { "e.test": [{ TXT: "%{l} %{L}" }] });
    for (const localPart of ["a\r\nb", "caf\xc3\xa9"]) {
      assert.equal(check(zone, { sender: `${localPart}@example.test` }).outcome.explanation, undefined);
    }
  });

  it("is not asked for where the result is not fail, nor in an include", () => {
    const zone = publishing("v=spf1 include:in.test ~all exp=e.test", {
      "in.test": [{ TXT: "v=spf1 -all exp=e.test" }],
    });
    assert.deepEqual(
      check(zone).questions.map(({ name }) => name),
      ["example.test", "in.test"],
    );
  });
});

describe("withDefaultExplanation", () => {
  function explained(
    zone: ZoneData,
    explanation: string | undefined,
    given: Partial<CheckHostInput> = {},
  ): string {
    const input = inputFor({ ...given, localPolicy: { ...NO_POLICY, ...given.localPolicy, explanation } });
    const { outcome } = check(zone, input);
    const result = withDefaultExplanation({ ...input, clientName: "client.test" }, outcome);
    return result.explanation === undefined
      ? "-"
      : `${result.explanation.source}: ${result.explanation.text}`;
  }

  const all = (qualifier: string): ZoneData => publishing(`v=spf1 ${qualifier}all`);

  it("leaves the words of the domain", () => {
    const zone = publishing("v=spf1 -all exp=e.test", { "e.test": [{ TXT: "No" }] });
    assert.equal(explained(zone, "Yes"), "domain: No");
  });

  it("gives the operator's for every result but pass", () => {
    for (const qualifier of ["-", "~", "?"]) assert.equal(explained(all(qualifier), "Text"), "default: Text");
    assert.equal(explained({}, "Text"), "default: Text");
    assert.equal(explained(all("+"), "Text"), "-");
  });

  it("gives none where the operator has none, or one that does not parse or says nothing", () => {
    for (const text of [undefined, "100%", "", "%{xe}"]) assert.equal(explained(all("-"), text), "-");
  });

  it("names what decided", () => {
    assert.equal(explained(all("-"), "%{xs}"), "default: SPF record at example.test");
    const redirect = publishing("v=spf1 redirect=main.test", { "main.test": [{ TXT: "v=spf1 -all" }] });
    assert.equal(explained(redirect, "%{xs}"), "default: SPF record at main.test");
    const localPolicy = { ...NO_POLICY, rules: mechanisms("-all") };
    assert.equal(
      explained(publishing("v=spf1 a:n.test ?all"), "%{xs}", { localPolicy }),
      "default: local policy",
    );
  });

  it("names what went wrong", () => {
    const text = explained(publishing("v=spf1 foo"), "%{xe}");
    assert.equal(text, 'default: example.test: syntax error in "foo": unknown mechanism "foo"');
  });

  it("knows the client, the host and the sender", () => {
    const text = explained(all("-"), "%{xr} %{r} %{p} %{i} %{h} %{S} %{l} %{o} %{d} %{t}", {
      sender: "a b@example.test",
    });
    assert.equal(
      text,
      "default: mx.here.test mx.here.test client.test 192.0.2.1 mail.example.test a%20b%40example.test a b example.test example.test 1700000000",
    );
  });

  it("is printable ASCII of at most 500 octets", () => {
    const text = explained(all("-"), "%{l}".repeat(400), { sender: "a\r\n\xff@example.test" });
    assert.equal(text, `default: ${"a???".repeat(125)}`);
  });
});
