import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type MacroPlace, parseMacroString } from "spf-check";

const places: readonly MacroPlace[] = ["domain-spec", "explanation", "own explanation"];

function isValid(text: string, place: MacroPlace): boolean {
  return "macroString" in parseMacroString(text, place);
}

describe("parseMacroString", () => {
  const table: readonly [text: string, domainSpec: boolean, explanation: boolean, own: boolean][] = [
    ["", false, true, true],
    ["example.com", true, true, true],
    ["example.com.", true, true, true],
    ["example.com..", false, true, true],
    [".com", true, true, true],
    ["..com", true, true, true],
    ["com", false, true, true],
    ["com.", false, true, true],
    ["example.c-m", true, true, true],
    ["example.-com", false, true, true],
    ["example.com-", false, true, true],
    ["example.123", false, true, true],
    ["example.1-2", true, true, true],
    ["example.1a", true, true, true],
    ["example.c_m", false, true, true],
    ["exa_mple!/:@.com", true, true, true],
    ["example.com/24", false, true, true],
    ["a b.example.com", false, true, true],
    ["ex\tample.com", false, false, false],
    ["ex\xe9mple.com", false, false, false],
    ["ex\x7fample.com", false, false, false],
    ["%{d}", true, true, true],
    ["%{D}", true, true, true],
    ["%{d}.com", true, true, true],
    ["%{d}com", false, true, true],
    ["%{d}.", false, true, true],
    ["foo%%", true, true, true],
    ["foo%_", true, true, true],
    ["foo%-", true, true, true],
    ["foo%%.com", true, true, true],
    ["%", false, false, false],
    ["%a.com", false, false, false],
    ["%(d).com", false, false, false],
    ["%{", false, false, false],
    ["%{}", false, false, false],
    ["%{d", false, false, false],
    ["%{d.com", false, false, false],
    ["%{a}", false, false, false],
    ["%{dd}", false, false, false],
    ["%{ d}", false, false, false],
    ["%{d1}", true, true, true],
    ["%{d0}", false, false, false],
    ["%{d000}", false, false, false],
    ["%{d01}", true, true, true],
    ["%{d128}", true, true, true],
    [`%{d${"9".repeat(400)}}`, true, true, true],
    ["%{dr}", true, true, true],
    ["%{dR}", true, true, true],
    ["%{d2r}", true, true, true],
    ["%{dr2}", false, false, false],
    ["%{drr}", false, false, false],
    ["%{d.-+,/_=}", true, true, true],
    ["%{d2r.-+,/_=}", true, true, true],
    ["%{d:}", false, false, false],
    ["%{d-2}", false, false, false],
    ["%{d-1}", false, false, false],
    ...["s", "l", "o", "d", "i", "p", "h", "v"].map(
      (letter) => [`%{${letter}}`, true, true, true] as [string, boolean, boolean, boolean],
    ),
    ...["c", "r", "t", "C", "R", "T"].map(
      (letter) => [`%{${letter}}`, false, true, true] as [string, boolean, boolean, boolean],
    ),
    ...["xr", "xs", "xe", "xR", "XS"].map(
      (letter) => [`%{${letter}}`, false, false, true] as [string, boolean, boolean, boolean],
    ),
    ["%{x}", false, false, false],
    ["%{xd}", false, false, false],
  ];
  for (const [text, ...valid] of table) {
    it(`reads ${JSON.stringify(text.slice(0, 40))} where it may stand, and only there`, () => {
      assert.deepEqual(
        places.map((place) => isValid(text, place)),
        valid,
      );
    });
  }

  it("gives literals, escapes and macros in their order", () => {
    const parsed = parseMacroString("a%%b%_%-%{L2r-+-}.com", "domain-spec");
    assert.deepEqual(parsed, {
      macroString: {
        text: "a%%b%_%-%{L2r-+-}.com",
        letters: ["l"],
        parts: [
          { kind: "literal", text: "a" },
          { kind: "literal", text: "%" },
          { kind: "literal", text: "b" },
          { kind: "literal", text: " " },
          { kind: "literal", text: "%20" },
          { kind: "macro", letter: "l", escape: true, digits: 2, reverse: true, delimiters: "-+" },
          { kind: "literal", text: ".com" },
        ],
      },
    });
  });

  const reasons: readonly [text: string, place: MacroPlace, reason: string][] = [
    ["", "domain-spec", "a domain name is missing"],
    ["localhost", "domain-spec", '"localhost" is not a domain name with a dot in it'],
    ["192.0.2.1", "domain-spec", '"192.0.2.1" does not end in a top-level domain'],
    ["%(d).test", "domain-spec", '"%(d).tes" is not a macro; write a percent sign as %%'],
    ["%{z}.test", "domain-spec", "unknown macro %{z}"],
    ["%{R}", "domain-spec", "the macro %{R} is allowed in an explanation only"],
    ["%{d0}.test", "domain-spec", "a macro cannot keep zero parts"],
    ["caf\xe9.test", "domain-spec", "the octet 0xE9 is not allowed here"],
    ["a b.test", "domain-spec", "a space is not allowed here"],
    ["100%", "own explanation", '"%" is not a macro; write a percent sign as %%'],
  ];
  for (const [text, place, reason] of reasons) {
    it(`says of ${JSON.stringify(text)}: ${reason}`, () => {
      assert.deepEqual(parseMacroString(text, place), { fault: { term: text, reason } });
    });
  }
});
