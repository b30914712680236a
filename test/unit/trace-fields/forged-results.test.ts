import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { isForgedResult } from "../../../src/trace-fields/index.ts";
import { FUZZ, hostileOctets } from "./samples.ts";

const OURS = "mx.example.jp";

describe("isForgedResult", () => {
  /** What it is, the field, whether `on` removes it, whether `all` does. */
  const table: [string, string, boolean, boolean][] = [
    ["our id with spf", "mx.example.jp; spf=pass smtp.mailfrom=a@b.c", true, true],
    ["our id in capitals", "MX.Example.JP; SPF=pass", true, true],
    ["our id with a final dot", "mx.example.jp.; spf=pass", true, true],
    ["our id quoted", '"mx.example.jp"; spf=pass', true, true],
    ["our id quoted with quoted-pairs", '"mx\\.example\\.jp"; spf=pass', true, true],
    ["our id between comments", "(a (nested) \\) one) mx.example.jp (b); (c) spf (d) = (e) pass", true, true],
    ["our id folded", "\n mx.example.jp\n 1;\n\tspf=pass\n smtp.mailfrom=x", true, true],
    ["spf behind another method", "mx.example.jp; dkim=pass header.d=b.c; spf=pass", true, true],
    ["spf with a method version", "mx.example.jp; spf/1=pass", true, true],
    [
      "DKIM result of a filter before us",
      'mx.example.jp; dkim=pass header.d=b.c header.b="aB/+"',
      false,
      true,
    ],
    ["DKIM with a bare base64 value", "mx.example.jp; dkim=pass header.b=aB/+=; iprev=fail", false, true],
    ["spf only inside a quoted reason", 'mx.example.jp; dkim=fail reason="spf=pass; spf=pass"', false, true],
    ["spf only inside a comment", "mx.example.jp; dkim=pass (spf=pass; spf=pass) header.d=b.c", false, true],
    ["our id with none", "mx.example.jp; none", false, true],
    ["our id with a final semicolon", "mx.example.jp; dkim=pass;", false, true],
    ["version 1 written out", "mx.example.jp 1; dkim=pass", false, true],
    ["another version", "mx.example.jp 2; dkim=pass", true, true],
    ["a version that is no number", "mx.example.jp x; dkim=pass", true, true],
    ["our id and no result", "mx.example.jp", true, true],
    ["our id and an empty result", "mx.example.jp;", true, true],
    ["our id and a broken result", "mx.example.jp; dkim", true, true],
    ["our id and a comment without end", "mx.example.jp; dkim=pass (spf=pass", true, true],
    ["our id and a quoted string without end", 'mx.example.jp; dkim=pass reason="spf=pass', true, true],
    ["our id and a stray parenthesis", "mx.example.jp; dkim=pass) header.d=x", true, true],
    ["our id and a control character", "mx.example.jp; dkim=pass\0", true, true],
    ["another id", "mx.other.example; spf=pass", false, false],
    ["an id that ends in ours", "evil-mx.example.jp; spf=pass", false, false],
    ["an id that begins with ours", "mx.example.jp.evil.example; spf=pass", false, false],
    ["another id that cannot be parsed", "mx.other.example; spf", false, false],
    ["no id, spf", "spf=pass smtp.mailfrom=a@b.c; dkim=pass", true, true],
    ["no id, spf apart", "spf = pass smtp.mailfrom=a@b.c", true, true],
    ["an empty id, spf", "; spf=pass", true, true],
    ["no id, no spf", "dkim=pass header.d=b.c", false, false],
    ["a broken id that names us", "mx.example.jp/1; dkim=pass", true, true],
    ["a broken id that names another", "mx.other.example/1; dkim=pass", false, false],
    ["an empty field", "", false, false],
  ];
  for (const [what, value, on, all] of table) {
    it(`says ${on ? "forged" : "honest"} (all: ${all ? "forged" : "honest"}) when it is ${what}`, () => {
      assert.equal(isForgedResult(value, OURS, "on"), on);
      assert.equal(isForgedResult(value, OURS, "all"), all);
    });
  }

  it("compares U-labels and A-labels as one name", () => {
    const ulabel = Buffer.from("mx.b\u00fccher.example", "utf8").toString("latin1");
    assert.equal(isForgedResult(`${ulabel}; spf=pass`, "mx.xn--bcher-kva.example", "on"), true);
  });

  it("removes a field that is too long to read when it speaks of spf", () => {
    assert.equal(isForgedResult(`mx.example.jp; ${"(x) ".repeat(20_000)}spf=pass`, OURS, "on"), true);
  });

  it("finds the spf result behind any comment and any white space", () => {
    const cfws = fc
      .array(fc.constantFrom(" ", "\n ", "\t", "(x)", "(a;b)", "(\\))", '(")', "((()))"), { maxLength: 4 })
      .map((parts) => parts.join(""));
    fc.assert(
      fc.property(cfws, cfws, cfws, cfws, cfws, (a, b, c, d, e) => {
        const value = `${a}mx.example.jp${b};${c}spf${d}=${e}pass${a}`;
        assert.equal(isForgedResult(value, OURS, "on"), true, JSON.stringify(value));
      }),
      FUZZ,
    );
  });

  it("throws nothing and keeps other ids, whatever follows", () => {
    fc.assert(
      fc.property(hostileOctets, (rest) => {
        isForgedResult(rest, OURS, "on");
        assert.equal(isForgedResult(`mx.other.example; ${rest}`, OURS, "all"), false);
        assert.equal(isForgedResult(`mx.example.jp; spf=pass ${rest}`, OURS, "on"), true);
      }),
      FUZZ,
    );
  });
});
