import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { isForgedResult } from "../../support/is-forged-result.ts";
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
    ["our id with spaces at a dot", "mx . example.jp; spf=pass", true, true],
    ["our id folded at a dot", "mx.\n example.jp; spf=pass", true, true],
    ["our id with a comment before a dot", "mx (a) .example.jp; spf=pass", true, true],
    ["our id with a comment after a dot", "mx.(a)example.jp; spf=pass", true, true],
    ["our id with a comment in a label", "m(a)x.example.jp; spf=pass", true, true],
    ["our id with VT and FF", "\vmx.\fexample.jp\v;\fspf\v=\fpass", true, true],
    ["our id with quotes in a label", 'm"x".example.jp; spf=pass', true, true],
    ["our id with backslashes", "m\\x.ex\\ample.jp; spf=pass", true, true],
    ["our id behind a quoted parenthesis", '"(a" mx.example.jp; spf=pass', true, true],
    ["our id behind a parenthesis with a backslash", "\\(a b) mx.example.jp; spf=pass", true, true],
    ["our id behind such a word", "\\(a mx.example.jp; spf=pass", true, true],
    ["our id with such a word behind a dot", 'mx."(a" example.jp; spf=pass', true, true],
    ["our id behind a comment that ends in a backslash", "(\\) mx.example.jp; spf=pass", true, true],
    ["our id behind such a word that a comment ends", '"(a"(b)mx.example.jp; spf=pass', true, true],
    ["our id with such a word before a dot", "mx \\(a.example.jp; spf=pass", true, true],
    ["our id with a stray parenthesis", "mx).example.jp; spf=pass", true, true],
    ["our id with a job id", "mx.example.jp/4ABC; spf=pass", true, true],
    ["our id with a quoted job id", '"mx.example.jp/4ABC"; spf=pass', true, true],
    ["our id and a word", "mx.example.jp 1 x; spf=pass", true, true],
    ["spf behind another method", "mx.example.jp; dkim=pass header.d=b.c; spf=pass", true, true],
    ["spf with a method version", "mx.example.jp; spf/1=pass", true, true],
    ["spf with a backslash", "mx.example.jp; s\\pf=pass", true, true],
    ["spf with a stray parenthesis", "mx.example.jp; s)pf=pass", true, true],
    ["spf with a comment", "mx.example.jp; s(a)pf=pass", true, true],
    ["our id with empty quotes before such a word", 'mx ""\\(a.example.jp; spf=pass', true, true],
    ["spf with quotes", 'mx.example.jp; s"p"f=pass', true, true],
    ["spf behind a quoted parenthesis", 'mx.example.jp; "(a" spf=pass', true, true],
    ["spf before a quoted parenthesis", 'mx.example.jp; spf "(a" =pass', true, true],
    ["spf behind a quoted semicolon", 'mx.example.jp ";" spf=pass', true, true],
    ["spf behind a quoted word that begins with one", 'mx.example.jp ";x" spf=pass', true, true],
    ["spf behind a comment that ends in a backslash", "mx.example.jp; dkim=pass (\\); spf=pass", true, true],
    ["spf with a quoted sign", 'mx.example.jp; "(a" spf "=" pass', true, true],
    ["spf without a semicolon", "mx.example.jp spf=pass", true, true],
    ["spf behind an empty clause", "mx.example.jp;; spf=pass", true, true],
    [
      "spf where SpamAssassin looks: a quoted reason",
      'mx.example.jp; dkim=fail reason="a; spf=pass"',
      true,
      true,
    ],
    ["spf where SpamAssassin looks: a comment", "mx.example.jp; dkim=pass (a; spf=pass)", true, true],
    ["another version and spf", "mx.example.jp 2; spf=pass", true, true],
    [
      "DKIM result of a filter before us",
      'mx.example.jp; dkim=pass header.d=b.c header.b="aB/+"',
      false,
      true,
    ],
    ["DKIM with a bare base64 value", "mx.example.jp; dkim=pass header.b=aB/+=; iprev=fail", false, true],
    ["DKIM with a job id, as OpenDKIM writes it", "mx.example.jp/4ABC; dkim=pass header.d=b.c", false, true],
    [
      "DKIM with properties without a type",
      "mx.example.jp; dkim=pass x-bits=2048; x=y action=none",
      false,
      true,
    ],
    ["DKIM with empty clauses", "mx.example.jp;; dkim=pass;; iprev=pass;", false, true],
    ["spf as a quoted reason", 'mx.example.jp; dkim=fail reason="spf=pass"', false, true],
    ["spf in a comment", "mx.example.jp; dkim=pass (no spf=pass here) header.d=x", false, true],
    ["methods that begin or end in spf", "mx.example.jp; spf-x=pass; x-spf=pass; spfx=pass", false, true],
    ["properties named spf", "mx.example.jp; dkim=pass header.spf=x policy.spf=pass", false, true],
    ["our id with none", "mx.example.jp; none", false, true],
    ["our id with a final semicolon", "mx.example.jp; dkim=pass;", false, true],
    ["version 1 written out", "mx.example.jp 1; dkim=pass", false, true],
    ["another version", "mx.example.jp 2; dkim=pass", false, true],
    ["a version that is no number", "mx.example.jp x; dkim=pass", false, true],
    ["our id and no result", "mx.example.jp", false, true],
    ["our id and an empty result", "mx.example.jp;", false, true],
    ["our id and a broken result", "mx.example.jp; dkim", false, true],
    ["our id and a comment without end", "mx.example.jp; dkim=pass (a spf=pass", true, true],
    ["our id and a quoted string without end", 'mx.example.jp; dkim=pass reason="a spf=pass', true, true],
    ["our id and a stray parenthesis", "mx.example.jp; dkim=pass) header.d=x", false, true],
    ["our id and a control character", "mx.example.jp; dkim=pass\0", false, true],
    ["another id", "mx.other.example; spf=pass", false, false],
    ["an id that ends in ours", "evil-mx.example.jp; spf=pass", false, false],
    ["an id below ours", "evil.mx.example.jp; spf=pass", false, false],
    ["an id that begins with ours", "mx.example.jp.evil.example; spf=pass", false, false],
    ["an id that begins with ours and goes on in the label", "mx.example.jpn; spf=pass", false, false],
    ["an id with spaces in a label", "m x.example.jp; spf=pass", false, false],
    ["another id that cannot be parsed", "mx.other.example; spf", false, false],
    ["another id with a job id", "mx.other.example/4ABC; spf=pass", false, false],
    ["another id whose job is our id", "mx.other.example/mx.example.jp; spf=pass", false, false],
    ["another id behind a comment with ours", "(mx.example.jp) mx.other.example; spf=pass", false, false],
    [
      "another id before a result with ours",
      "mx.other.example; spf=pass smtp.helo=mx.example.jp",
      false,
      false,
    ],
    ["an address literal", "[203.0.113.5]; spf=pass", false, false],
    [
      "no id, spf, as Microsoft 365 writes it",
      "spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=b.c; dkim=pass",
      false,
      false,
    ],
    ["no id, spf apart", "spf = pass smtp.mailfrom=a@b.c", false, false],
    ["an empty id, spf", "; spf=pass", false, false],
    ["no id, no spf", "dkim=pass header.d=b.c", false, false],
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
