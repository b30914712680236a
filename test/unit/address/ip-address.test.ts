import assert from "node:assert/strict";
import { isIP } from "node:net";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ipAddressOfBytes, parseIpAddress, unmapIpv4 } from "../../../src/address/index.ts";

describe("parseIpAddress()", () => {
  const canonical: [string, string][] = [
    ["192.0.2.1", "192.0.2.1"],
    ["0.0.0.0", "0.0.0.0"],
    ["2001:DB8:0:0:0:0:0:10", "2001:db8::10"],
    ["2001:db8::0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
    ["::", "::"],
    ["::1", "::1"],
    ["1::", "1::"],
    ["::ffff:192.0.2.1", "::ffff:192.0.2.1"],
    ["::ffff:c000:201", "::ffff:192.0.2.1"],
    ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
  ];
  for (const [text, expected] of canonical) {
    it(`reads ${text} as ${expected}`, () => {
      assert.equal(parseIpAddress(text)?.text, expected);
    });
  }

  for (const text of [
    "",
    " 192.0.2.1",
    "192.0.2.1/24",
    "192.0.2",
    "192.0.2.256",
    "192.0.2.01",
    "0x1.2.3.4",
  ]) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.equal(parseIpAddress(text), undefined);
    });
  }
  for (const text of ["fe80::1%eth0", "[::1]", "IPv6:::1", "1:2:3:4:5:6:7", "1::2::3", ":::", "12345::"]) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.equal(parseIpAddress(text), undefined);
    });
  }

  it("reads what the system reads, and nothing else", () => {
    const pieces = ["::", ":", ":", "0", "00ff", "1", "ABCD", "10000", "g", "1.2.3.4", "01.2.3.4", ".", " "];
    const text = fc.array(fc.constantFrom(...pieces), { maxLength: 18 }).map((parts) => parts.join(""));
    fc.assert(
      fc.property(text, (address) => {
        assert.equal(parseIpAddress(address)?.family ?? 0, isIP(address), address);
      }),
      { numRuns: 2000 },
    );
  });

  it("gives back the octets that a canonical text was made from", () => {
    const bytes = fc.oneof(
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
      // Mostly zeros, so that runs of every length and place occur.
      fc
        .array(fc.constantFrom(0, 0, 0, 1), { minLength: 16, maxLength: 16 })
        .map((octets) => Uint8Array.from(octets)),
    );
    fc.assert(
      fc.property(bytes, (octets) => {
        const { text, family } = ipAddressOfBytes(octets);
        assert.equal(isIP(text), family);
        assert.deepEqual(parseIpAddress(text)?.bytes, octets);
      }),
      { seed: 7208 },
    );
  });
});

describe("unmapIpv4()", () => {
  for (const [text, expected] of [
    ["::ffff:192.0.2.10", "192.0.2.10"],
    ["::192.0.2.10", "::c000:20a"],
    ["2001:db8::1", "2001:db8::1"],
    ["192.0.2.10", "192.0.2.10"],
  ] as const) {
    it(`makes ${expected} of ${text}`, () => {
      assert.equal(unmapIpv4(parseIpAddress(text)!).text, expected);
    });
  }
});

describe("ipAddressOfBytes()", () => {
  it("throws a RangeError when there are neither 4 nor 16 octets", () => {
    assert.throws(() => ipAddressOfBytes(new Uint8Array(5)), RangeError);
  });
});
