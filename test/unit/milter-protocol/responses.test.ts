import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  encodeResponse,
  PacketDecoder,
  REPLY_LINE_OCTETS_MAX,
  REPLY_LINES_MAX,
  type Response,
  replyText,
} from "milter-protocol";
import { decodeFilterPacket } from "../../support/mta-codec.ts";

const reply = (code: string, enhanced: string, ...lines: string[]): Extract<Response, { kind: "reply" }> => ({
  kind: "reply",
  code,
  enhanced,
  lines,
});

describe("encodeResponse", () => {
  for (const [kind, letter] of [
    ["continue", "c"],
    ["accept", "a"],
    ["reject", "r"],
    ["discard", "d"],
    ["tempfail", "t"],
  ] as const) {
    it(`writes ${kind} as ${letter}`, () => {
      assert.equal(encodeResponse({ kind }).toString("latin1"), `\0\0\0\x01${letter}`);
    });
  }

  it("writes a reply with length, letter and NUL", () => {
    const bytes = encodeResponse(reply("550", "5.7.23", "no"));
    assert.equal(bytes.toString("latin1"), "\0\0\0\x0fy550 5.7.23 no\0");
  });

  it("writes the first line only where the MTA knows no others", () => {
    const bytes = encodeResponse(reply("550", "5.7.23", "one", "two"), 1);
    assert.equal(bytes.toString("latin1", 5), "550 5.7.23 one\0");
  });
});

describe("replyText", () => {
  for (const [what, given, expected] of [
    ["puts code and enhanced code before the text", reply("550", "5.7.23", "no"), "550 5.7.23 no"],
    [
      "puts them before every line, with a hyphen before the last",
      reply("451", "4.7.24", "one", "two", "three"),
      "451-4.7.24 one\r\n451-4.7.24 two\r\n451 4.7.24 three",
    ],
    ["doubles percent signs", reply("550", "5.7.1", "100% of %s"), "550 5.7.1 100%% of %%s"],
    [
      "replaces what is not printable ASCII",
      reply("550", "5.7.1", "a\r\n250 ok\0\xe4\t"),
      "550 5.7.1 a??250 ok???",
    ],
    ["corrects the class of the enhanced code", reply("450", "5.7.23", "x"), "450 4.7.23 x"],
    ["makes up for a malformed enhanced code", reply("550", "5.7\r\n", "x"), "550 5.0.0 x"],
    ["says something where there is no line", reply("550", "5.7.1"), "550 5.7.1 Refused"],
    ["says something else for later", reply("451", "4.7.24"), "451 4.7.24 Try again later"],
    ["keeps an empty line", reply("550", "5.7.1", "a", "", "b"), "550-5.7.1 a\r\n550-5.7.1 \r\n550 5.7.1 b"],
  ] as const) {
    it(what, () => {
      assert.equal(replyText(given), expected);
    });
  }

  for (const code of ["250", "354", "600", "55", "5500", "560", "", "5x0", "550\n"]) {
    it(`throws RangeError for code ${JSON.stringify(code)}`, () => {
      assert.throws(() => replyText(reply(code, "5.7.1", "x")), RangeError);
    });
  }

  it("breaks a long line at a space", () => {
    const words = Array.from({ length: 200 }, (_, n) => `word${n}`);
    const lines = replyText(reply("550", "5.7.23", words.join(" "))).split("\r\n");
    assert.ok(lines.length > 1);
    assert.deepEqual(
      lines.flatMap((line) => line.slice("550 5.7.23 ".length).split(" ")),
      words,
    );
  });

  it("gives lines that are short enough, coded, printable and few, whatever it is given", () => {
    const text = fc.oneof(
      fc.string({ unit: fc.nat(0x2ff).map((n) => String.fromCharCode(n)), maxLength: 1500 }),
      fc.string({ unit: fc.constantFrom("%", "%", "a", " "), maxLength: 3000 }),
    );
    fc.assert(
      fc.property(fc.constantFrom("450", "550"), fc.array(text, { maxLength: 40 }), (code, lines) => {
        const given = reply(code, "5.7.23", ...lines);
        const wire = replyText(given).split("\r\n");
        assert.ok(wire.length >= 1 && wire.length <= REPLY_LINES_MAX);
        wire.forEach((line, i) => {
          assert.ok(line.length + 2 <= REPLY_LINE_OCTETS_MAX, `${line.length}`);
          assert.match(
            line,
            i === wire.length - 1 ? /^[45]50 [45]\.7\.23 [ -~]*$/ : /^[45]50-[45]\.7\.23 [ -~]*$/,
          );
          assert.equal(line.charAt(0), code.charAt(0));
          assert.ok(!line.replaceAll("%%", "").includes("%"), line);
        });
        const decoder = new PacketDecoder();
        decoder.append(encodeResponse(given));
        const packet = decoder.next();
        assert.ok(packet);
        assert.equal(decodeFilterPacket(packet).kind, "reply");
      }),
      { seed: 11, numRuns: 300 },
    );
  });
});
