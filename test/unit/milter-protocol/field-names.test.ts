import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ProtocolError } from "milter-protocol";
import { decodeHeader, FieldNames } from "../../../src/milter-protocol/packet.ts";

const WANTED: ReadonlySet<string> = new Set(["subject", "received", "authentication-results"]);
const NAMES = new FieldNames(WANTED);

/** Asks about data in the middle of other bytes. */
function wants(names: FieldNames, data: string): boolean {
  const bytes = Buffer.from(`\0Subject\0${data}\0Subject\0`, "latin1");
  return names.mustDecode(bytes, 9, 9 + data.length);
}

/** What the decoder makes of it: a name in lower case, or the code of the fault. */
function decoded(data: string): { name: string } | { fault: string } {
  try {
    return { name: decodeHeader(data).name.toLowerCase() };
  } catch (error) {
    assert.ok(error instanceof ProtocolError);
    return { fault: error.code };
  }
}

describe("FieldNames", () => {
  const table: readonly [data: string, wanted: boolean][] = [
    ["Subject\0a subject\0", true],
    ["SUBJECT\0\0", true],
    ["Authentication-Results\0mx; none\0", true],
    ["Subjecs\0other name of the same length\0", false],
    ["To\0a@b.test\0", false],
    ["Authentication-Results-Of-Ours\0x\0", false],
    ["\0no name\0", false],
  ];
  for (const [data, wanted] of table) {
    it(`wants() is ${wanted} for ${JSON.stringify(data)}`, () => {
      assert.equal(wants(NAMES, data), wanted);
    });
  }

  for (const data of ["", "\0", "Subject", "Subject\0", "To\0", "To\0cut off", `${"x".repeat(40)}\0`]) {
    it(`wants() leaves ${JSON.stringify(data)} to the decoder, which finds the fault`, () => {
      assert.equal(wants(NAMES, data), true);
      assert.ok("fault" in decoded(data));
    });
  }

  it("wants() nothing that can be read where no field is wanted", () => {
    assert.equal(wants(new FieldNames(new Set()), "Subject\0x\0"), false);
  });

  it("wants() says what the decoder would have shown, whatever the octets", () => {
    const octets = fc.string({ unit: fc.constantFrom("s", "U", "\0", "\xff"), maxLength: 6 });
    const name = fc.oneof(
      fc.constantFrom("Subject", "received", "AUTHENTICATION-results", "x".repeat(30)),
      octets,
    );
    fc.assert(
      fc.property(name, octets, octets, (a, b, c) => {
        const data = `${a}${b}${c}`;
        const field = decoded(data);
        assert.equal(wants(NAMES, data), "fault" in field || WANTED.has(field.name));
      }),
      { seed: 23, numRuns: 3000 },
    );
  });
});
