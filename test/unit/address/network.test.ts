import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  formatNetwork,
  ipAddressOfBytes,
  networkContains,
  parseIpAddress,
  parseNetwork,
  samePrefix,
} from "../../../src/address/index.ts";

describe("parseNetwork()", () => {
  for (const [text, expected, hostBitsSet] of [
    ["192.0.2.0/24", "192.0.2.0/24", false],
    ["192.0.2.66/24", "192.0.2.0/24", true],
    ["192.0.2.66", "192.0.2.66", false],
    ["0.0.0.0/0", "0.0.0.0/0", false],
    ["10.1.2.3/9", "10.0.0.0/9", true],
    ["::1", "::1", false],
    ["2001:db8::/32", "2001:db8::/32", false],
    ["2001:db8::1/33", "2001:db8::/33", true],
    ["::ffff:192.0.2.0/120", "192.0.2.0/24", false],
    ["::ffff:192.0.2.7", "192.0.2.7", false],
  ] as const) {
    it(`reads ${text} as ${expected}`, () => {
      const parsed = parseNetwork(text)!;
      assert.equal(formatNetwork(parsed.network), expected);
      assert.equal(parsed.hostBitsSet, hostBitsSet);
    });
  }
  for (const text of [
    "192.0.2.0/33",
    "192.0.2.0/",
    "192.0.2.0/08",
    "::/129",
    "192.0.2.0/24/24",
    "10/8",
    "host/8",
    "1.2.3.4/-1",
  ]) {
    it(`refuses ${text}`, () => {
      assert.equal(parseNetwork(text), undefined);
    });
  }
});

describe("networkContains()", () => {
  for (const [network, ip, inside] of [
    ["192.0.2.0/24", "192.0.2.66", true],
    ["192.0.2.0/24", "192.0.3.66", false],
    ["10.0.0.0/8", "66.0.0.10", false],
    ["192.0.2.128/25", "192.0.2.127", false],
    ["0.0.0.0/0", "203.0.113.1", true],
    ["0.0.0.0/0", "::1", false],
    ["2001:db8::/33", "2001:db8:7fff::1", true],
    ["2001:db8::/33", "2001:db8:8000::1", false],
    ["::1", "::1", true],
  ] as const) {
    it(`says ${inside} for ${ip} in ${network}`, () => {
      assert.equal(networkContains(parseNetwork(network)!.network, parseIpAddress(ip)!), inside);
    });
  }

  it("agrees with comparing bit strings", () => {
    const bits = (bytes: Uint8Array): string =>
      [...bytes].map((octet) => octet.toString(2).padStart(8, "0")).join("");
    const four = fc.uint8Array({ minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(four, fc.array(fc.nat(31), { maxLength: 2 }), fc.nat(32), (octets, flips, length) => {
        const other = Uint8Array.from(octets);
        for (const bit of flips) other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (0x80 >> (bit & 7));
        const expected = bits(octets).slice(0, length) === bits(other).slice(0, length);
        assert.equal(samePrefix(octets, other, length), expected);
        const { network } = parseNetwork(`${ipAddressOfBytes(octets).text}/${length}`)!;
        assert.equal(networkContains(network, ipAddressOfBytes(other)), expected);
      }),
      { seed: 7208 },
    );
  });
});
