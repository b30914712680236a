import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  ACCEPT,
  type Edit,
  encodeEdits,
  encodeResponse,
  headerName,
  headerValue,
  PacketDecoder,
} from "milter-protocol";
import { decodeFilterPacket } from "../../support/mta-codec.ts";

function packets(bytes: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 4 + bytes.readUInt32BE(at)) {
    found.push(bytes.subarray(at, at + 4 + bytes.readUInt32BE(at)));
  }
  return found;
}

const END = encodeResponse(ACCEPT);

describe("encodeEdits", () => {
  for (const [edit, wire] of [
    [{ kind: "addHeader", name: "X-Add", value: "a\n\tb" }, "hX-Add\0a\n\tb\0"],
    [{ kind: "insertHeader", index: 0, name: "X", value: "y" }, "i\0\0\0\0X\0y\0"],
    [{ kind: "insertHeader", index: 258, name: "X", value: "y" }, "i\0\0\x01\x02X\0y\0"],
    [{ kind: "changeHeader", index: 1, name: "Subject", value: "z" }, "m\0\0\0\x01Subject\0z\0"],
    [{ kind: "changeHeader", index: 2, name: "X", value: "" }, "m\0\0\0\x02X\0\0"],
    [{ kind: "addRecipient", path: "<a@b.test>" }, "+<a@b.test>\0"],
    [{ kind: "addRecipient", path: "<a@b.test>", parameters: "NOTIFY=NEVER" }, "2<a@b.test>\0NOTIFY=NEVER\0"],
    [{ kind: "deleteRecipient", path: "<a@b.test>" }, "-<a@b.test>\0"],
    [{ kind: "changeSender", path: "<a@b.test>" }, "e<a@b.test>\0"],
    [{ kind: "changeSender", path: "<a@b.test>", parameters: "X=1" }, "e<a@b.test>\0X=1\0"],
    [{ kind: "replaceBody", bytes: Buffer.from([0, 255, 10]) }, "b\0\xff\n"],
    [{ kind: "quarantine", reason: "held" }, "qheld\0"],
    [{ kind: "quarantine", reason: "" }, "qquarantined\0"],
    [{ kind: "quarantine", reason: "a\r\nb\0" }, "qab\0"],
    [{ kind: "deleteRecipient", path: "<a\0\r\n@b>" }, "-<a@b>\0"],
    [{ kind: "addHeader", name: "X: y\r\nEvil", value: "v" }, "hXyEvil\0v\0"],
  ] as const satisfies readonly (readonly [Edit, string])[]) {
    it(`writes ${edit.kind} as ${JSON.stringify(wire)}`, () => {
      const [first, last, ...more] = packets(encodeEdits([edit], END));
      assert.equal(first?.toString("latin1", 4), wire);
      assert.deepEqual(last, END);
      assert.deepEqual(more, []);
    });
  }

  it("writes nothing but the end without edits", () => {
    assert.deepEqual(encodeEdits([], END), END);
  });

  it("writes edits in order, then the end", () => {
    const edits: Edit[] = [
      { kind: "insertHeader", index: 0, name: "A", value: "1" },
      { kind: "deleteRecipient", path: "<x@y>" },
      { kind: "quarantine", reason: "z" },
    ];
    const decoder = new PacketDecoder();
    decoder.append(encodeEdits(edits, END));
    const read: unknown[] = [];
    for (let p = decoder.next(); p !== undefined; p = decoder.next()) read.push(decodeFilterPacket(p));
    assert.deepEqual(read, [...edits, { kind: "accept" }]);
  });

  it("writes one well-formed packet for each edit, whatever the strings hold", () => {
    const text = fc.string({ unit: fc.nat(0x1ff).map((n) => String.fromCharCode(n)), maxLength: 80 });
    fc.assert(
      fc.property(text, text, fc.nat(0xffff), (name, value, index) => {
        const edits: Edit[] = [
          { kind: "addHeader", name, value },
          { kind: "insertHeader", index, name, value },
          { kind: "changeHeader", index, name, value },
          { kind: "addRecipient", path: name },
          { kind: "deleteRecipient", path: value },
          { kind: "quarantine", reason: value },
        ];
        const decoder = new PacketDecoder();
        decoder.append(encodeEdits(edits, END));
        const kinds: string[] = [];
        for (let p = decoder.next(); p !== undefined; p = decoder.next())
          kinds.push(decodeFilterPacket(p).kind);
        assert.deepEqual(kinds, [...edits.map(({ kind }) => kind), "accept"]);
        assert.equal(decoder.pendingOctets, 0);
      }),
      { seed: 3, numRuns: 300 },
    );
  });
});

describe("headerValue", () => {
  for (const [given, expected] of [
    ["plain", "plain"],
    ["one\n two", "one\n two"],
    ["one\r\n\ttwo", "one\n\ttwo"],
    ["one\nEvil: 1", "one Evil: 1"],
    ["one\n\n two", "one \n two"],
    ["one\n \n two", "one  \n two"],
    ["one\n", "one "],
    ["one\n ", "one  "],
    ["a\0b\rc", "abc"],
    ["\u010a\u020d", "??"],
    ["\xe4\xff", "\xe4\xff"],
  ] as const) {
    it(`makes ${JSON.stringify(expected)} of ${JSON.stringify(given)}`, () => {
      assert.equal(headerValue(given), expected);
    });
  }

  it("never begins another field or the body", () => {
    const text = fc.string({
      unit: fc.constantFrom("\n", "\r", " ", "\t", "a", ":", "\0", "\u0a0a"),
      maxLength: 30,
    });
    fc.assert(
      fc.property(text, (value) => {
        const lines = headerValue(value).split("\n");
        assert.doesNotMatch(headerValue(value), /[\r\0]|[^\0-\xff]/);
        for (const line of lines.slice(1)) assert.match(line, /^[ \t]+[^ \t]/);
      }),
      { seed: 5, numRuns: 2000 },
    );
  });
});

describe("headerName", () => {
  it("leaves out what no field name may hold", () => {
    assert.equal(headerName("X-\u00e4A: b\r\n\0\u010aC"), "X-AbC");
  });
});
