import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type ConnectionFacts, decideAtConnect } from "../../../src/policy/index.ts";
import { net, settingsWith } from "./facts.ts";

const SETTINGS = settingsWith({
  whitelistIP: [net("10.0.0.0/8"), net("192.0.2.66"), net("2001:db8:1::/48"), net("::ffff:203.0.113.0/120")],
  whitelistPTR: ["mx.friend.test", ".friends.test"],
  trustedRelay: [net("10.1.1.1"), net("2001:db8:9::1")],
});

const inet = (address: string, hostname = `[${address}]`): ConnectionFacts => ({
  hostname,
  family: address.includes(":") ? "inet6" : "inet",
  address,
});

const TABLE: readonly [what: string, facts: ConnectionFacts, decision: string][] = [
  ["a client of no list", inet("192.0.2.9"), "check"],
  ["WhitelistIP with a length", inet("10.200.3.4"), "skip: WhitelistIP 10.0.0.0/8"],
  ["an address just outside of it", inet("11.0.0.1"), "check"],
  ["WhitelistIP without a length", inet("192.0.2.66"), "skip: WhitelistIP 192.0.2.66"],
  ["the address next to it", inet("192.0.2.67"), "check"],
  [
    "WhitelistIP of IPv6 in Sendmail's spelling",
    inet("IPv6:2001:db8:1:0:0:0:0:5"),
    "skip: WhitelistIP 2001:db8:1::/48",
  ],
  ["IPv6 of another network", inet("2001:db8:2::5"), "check"],
  ["an IPv4-mapped address in an IPv4 network", inet("::ffff:10.0.0.1"), "skip: WhitelistIP 10.0.0.0/8"],
  ["an IPv4 address in an IPv4-mapped network", inet("203.0.113.5"), "skip: WhitelistIP 203.0.113.0/24"],
  ["WhitelistPTR", inet("192.0.2.9", "MX.friend.test"), "skip: WhitelistPTR mx.friend.test"],
  ["a host below WhitelistPTR", inet("192.0.2.9", "a.mx.friend.test"), "skip: WhitelistPTR mx.friend.test"],
  ["WhitelistPTR without a label boundary", inet("192.0.2.9", "evilmx.friend.test"), "check"],
  ["a subdomain of WhitelistPTR", inet("192.0.2.9", "a.friends.test"), "skip: WhitelistPTR .friends.test"],
  ["the domain itself of a pattern for subdomains", inet("192.0.2.9", "friends.test"), "check"],
  ["a host name that is not verified", inet("192.0.2.9", "unknown"), "check"],
  ["TrustedRelay inside WhitelistIP", inet("10.1.1.1"), "relay"],
  ["TrustedRelay of IPv6", inet("2001:db8:9::1"), "relay"],
  [
    "a Unix socket",
    { hostname: "localhost", family: "unix", address: "/run/x" },
    "skip: no IP address (unix)",
  ],
  [
    "an unknown family",
    { hostname: "localhost", family: "unknown", address: "" },
    "skip: no IP address (unknown)",
  ],
  [
    "an address that cannot be read",
    { hostname: "x", family: "inet", address: "here" },
    "skip: no IP address (inet)",
  ],
];

describe("decideAtConnect", () => {
  for (const [what, facts, expected] of TABLE) {
    it(`decides "${expected}" for ${what}`, () => {
      const decision = decideAtConnect(SETTINGS, facts);
      assert.equal(decision.kind === "skip" ? `skip: ${decision.reason.words}` : decision.kind, expected);
    });
  }
});
