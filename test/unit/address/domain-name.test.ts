import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  isHeloDomain,
  isMultiLabelDomain,
  isWireName,
  isWithinDomain,
  octetsOfText,
  textOfOctets,
  toALabels,
} from "../../../src/address/index.ts";

const LABEL_63 = "a".repeat(63);
const NAME_253 = [LABEL_63, LABEL_63, LABEL_63, "a".repeat(61)].join(".");

describe("toALabels()", () => {
  for (const [text, expected] of [
    ["example.com", "example.com"],
    ["Example.COM", "Example.COM"],
    ["bücher.example", "xn--bcher-kva.example"],
    ["1.2.3.é", "1.2.3.xn--9ca"],
    ["例え。テスト", "xn--r8jz45g.xn--zckzah"],
    ["_dmarc.bücher.example.", "_dmarc.xn--bcher-kva.example."],
    ["xn--bcher-kva.example", "xn--bcher-kva.example"],
    ["_bücher.example", "xn--_bcher-4ya.example"],
    // Digits of full width, which a URL takes for an IPv4 address.
    ["１.example", "1.example"],
    ["０x1.example", "0x1.example"],
  ] as const) {
    it(`makes ${expected} of ${text}`, () => {
      assert.equal(toALabels(octetsOfText(text)), expected);
    });
  }
  it("refuses octets that are no UTF-8", () => {
    assert.equal(toALabels("b\xfccher.example"), undefined);
  });
  for (const text of [
    "a\u{110bd}\u0378.example",
    "\u00ad.example",
    // What the host of a URL ends at, or is decoded in.
    "ü/x.example",
    "ü?x.example",
    "ü#x.example",
    "ü\\x.example",
    "ü\tx.example",
    "u@ü.example",
    "ü:80.example",
    "%41ü.example",
  ]) {
    it(`refuses ${JSON.stringify(text)}, which has what is no U-label`, () => {
      assert.equal(toALabels(octetsOfText(text)), undefined);
    });
  }
});

describe("toALabels() of a very long name", () => {
  it("converts no U-labels that DNS could not carry in any case", () => {
    assert.equal(toALabels(octetsOfText("é.".repeat(300_000))), undefined);
    assert.equal(toALabels("a.".repeat(300_000)), "a.".repeat(300_000));
  });
});

describe("isWireName()", () => {
  for (const [name, valid] of [
    ["example.com", true],
    ["example.com.", true],
    ["com", true],
    ["a b@c:%.example", true],
    [`${LABEL_63}.example`, true],
    [`${LABEL_63}a.example`, false],
    [NAME_253, true],
    [`${NAME_253}.`, true],
    [`${NAME_253}a`, false],
    ["a..b", false],
    [".a", false],
    ["a..", false],
    [".", false],
    ["", false],
  ] as const) {
    it(`says ${valid} for ${name.length > 40 ? `${name.length} octets` : JSON.stringify(name)}`, () => {
      assert.equal(isWireName(name), valid);
    });
  }
});

describe("isMultiLabelDomain() and isHeloDomain()", () => {
  for (const [name, multiLabel, helo] of [
    ["mail.example.com", true, true],
    ["example.com.", true, true],
    ["_spf.example.com", true, true],
    ["localhost", false, false],
    ["com.", false, false],
    ["[192.0.2.1]", false, false],
    ["[IPv6:2001:db8::1.2.3.4]", false, false],
    ["192.0.2.1", true, false],
    ["a b.example", true, false],
    ["a\tb.example", true, false],
    ["a..example", false, false],
    ["example..", false, false],
    ["mail.example..", false, false],
    ["", false, false],
  ] as const) {
    it(`says ${multiLabel} and ${helo} for ${JSON.stringify(name)}`, () => {
      assert.equal(isMultiLabelDomain(name), multiLabel);
      assert.equal(isHeloDomain(name), helo);
    });
  }
});

describe("isWithinDomain()", () => {
  for (const [name, ancestor, within] of [
    ["host.friend.tld", "friend.tld", true],
    ["FRIEND.tld.", "friend.TLD", true],
    ["badfriend.tld", "friend.tld", false],
    ["tld", "friend.tld", false],
    ["friend.tld", "", false],
  ] as const) {
    it(`says ${within} for ${name} within ${JSON.stringify(ancestor)}`, () => {
      assert.equal(isWithinDomain(name, ancestor), within);
    });
  }
});

describe("textOfOctets()", () => {
  it("gives back any text that octetsOfText() took, also U+FFFD itself", () => {
    for (const text of ["", "plain", "grüß", "\uFFFD", "日本"])
      assert.equal(textOfOctets(octetsOfText(text)), text);
  });
  it("is undefined for octets that are no UTF-8", () => {
    for (const octets of ["\xff", "a\xc3", "\xc0\x80", "\xed\xa0\x80"])
      assert.equal(textOfOctets(octets), undefined);
  });
});
