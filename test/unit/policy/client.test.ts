import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readClientAddress } from "../../../src/policy/client.ts";
import { client, settingsWith } from "./facts.ts";

describe("readClientAddress", () => {
  for (const [text, address] of [
    ["192.0.2.9", "192.0.2.9"],
    ["IPv6:2001:db8:0:0:0:0:0:10", "2001:db8::10"],
    ["ipv6:2001:db8::10", "2001:db8::10"],
    ["2001:db8::10", "2001:db8::10"],
    ["fe80::1%eth0", "fe80::1"],
    ["", undefined],
    ["192.0.2.09", undefined],
    ["somewhere", undefined],
  ] as const) {
    it(`reads ${address ?? "nothing"} from ${JSON.stringify(text)}`, () => {
      assert.equal(readClientAddress(text)?.text, address);
    });
  }
});

describe("clientAt", () => {
  const nat = settingsWith({
    clientIPNAT: [
      { from: "10.0.0.1", to: "198.51.100.7" },
      { from: "2001:db8::1", to: "2001:db8::ffff" },
    ],
  });
  const fixed = settingsWith({ ...nat, fixedClientIP: "203.0.113.3" });
  for (const [name, settings, ip, evaluated] of [
    ["as it is", settingsWith({}), "192.0.2.9", "192.0.2.9"],
    ["an IPv4-mapped address as IPv4", settingsWith({}), "::ffff:192.0.2.9", "192.0.2.9"],
    ["as ClientIPNAT says", nat, "10.0.0.1", "198.51.100.7"],
    ["as ClientIPNAT says of an IPv4-mapped address", nat, "::ffff:10.0.0.1", "198.51.100.7"],
    ["as ClientIPNAT says of IPv6", nat, "2001:db8:0::1", "2001:db8::ffff"],
    ["as it is where ClientIPNAT has no line for it", nat, "10.0.0.2", "10.0.0.2"],
    ["as FixedClientIP says", fixed, "10.0.0.2", "203.0.113.3"],
    ["as ClientIPNAT says where FixedClientIP says otherwise", fixed, "10.0.0.1", "198.51.100.7"],
  ] as const) {
    it(`evaluates a client ${name}`, () => {
      assert.equal(client(ip, "mx.sender.test", settings).evaluatedIp.text, evaluated);
    });
  }

  it("keeps the address that connected for the lists that name networks", () => {
    assert.equal(client("::ffff:10.0.0.1", "", nat).ip.text, "10.0.0.1");
  });

  it("shows an address where the MTA gave no name at all", () => {
    assert.equal(client("192.0.2.9", "").shownName, "[192.0.2.9]");
    assert.equal(client("192.0.2.9", "[192.0.2.9]").name, undefined);
  });
});
