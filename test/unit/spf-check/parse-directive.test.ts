import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Mechanism, parseRecord } from "spf-check";

/** A mechanism in one line, or the reason why it is none. */
function reading(term: string): string {
  const parsed = parseRecord(`v=spf1 ${term}`);
  if ("fault" in parsed) {
    assert.equal(parsed.fault.term, term);
    return parsed.fault.reason;
  }
  const [directive, ...others] = parsed.record.directives;
  assert.ok(directive !== undefined && others.length === 0);
  assert.equal(directive.text, term);
  return `${directive.qualifier} ${inWords(directive.mechanism)}`;
}

function inWords(mechanism: Mechanism): string {
  switch (mechanism.kind) {
    case "all":
      return "all";
    case "include":
    case "exists":
      return `${mechanism.kind} of ${mechanism.target.text}`;
    case "ptr":
      return `ptr of ${mechanism.target?.text ?? "domain"}`;
    case "a":
    case "mx":
      return `${mechanism.kind} of ${mechanism.target?.text ?? "domain"} ${mechanism.cidr.ip4} ${mechanism.cidr.ip6}`;
    case "ip4":
    case "ip6":
      return `${mechanism.kind} of ${mechanism.address.text} ${mechanism.prefixLength}`;
  }
}

const TWO_PREFIXES = "prefix lengths are written /n for IPv4, //n for IPv6, and /n//n for both";
const NO_PREFIX4 = (digits: string): string => `invalid prefix length "${digits}" (0 to 32)`;
const NO_PREFIX6 = (digits: string): string => `invalid prefix length "${digits}" (0 to 128)`;

const table: readonly [term: string, reading: string][] = [
  ["all", "+ all"],
  ["+all", "+ all"],
  ["-all", "- all"],
  ["~ALL", "~ all"],
  ["?All", "? all"],
  ["all.", 'unknown mechanism "all."'],
  ["all:example.com", "nothing may follow all"],
  ["all/8", "nothing may follow all"],
  ["--all", 'unknown mechanism "-all"'],
  ["-", "a mechanism is missing"],
  [":example.com", "a mechanism is missing"],
  ["alll", 'unknown mechanism "alll"'],
  ["ipv4:192.0.2.1", 'unknown mechanism "ipv4"'],
  ["redirect:example.com", 'unknown mechanism "redirect"'],
  ["-redirect=example.com", 'unknown mechanism "redirect=example.com"'],
  ["exp:example.com", 'unknown mechanism "exp"'],

  ["include:example.com", "+ include of example.com"],
  ["-INCLUDE:%{d}", "- include of %{d}"],
  ["include", 'include needs ":" and a domain name'],
  ["include:", "a domain name is missing"],
  ["include/24", 'include needs ":" and a domain name'],
  ["include:example.com/24", '"example.com/24" does not end in a top-level domain'],

  ["a", "+ a of domain 32 128"],
  ["?A/24", "? a of domain 24 128"],
  ["a/0", "+ a of domain 0 128"],
  ["a/32", "+ a of domain 32 128"],
  ["a/33", NO_PREFIX4("33")],
  ["a/024", NO_PREFIX4("024")],
  ["a/00", NO_PREFIX4("00")],
  ["a//0", "+ a of domain 32 0"],
  ["a//128", "+ a of domain 32 128"],
  ["a//129", NO_PREFIX6("129")],
  ["a//064", NO_PREFIX6("064")],
  ["a/24//64", "+ a of domain 24 64"],
  ["a//64/24", TWO_PREFIXES],
  ["a/24/64", TWO_PREFIXES],
  ["a/", '"/" must be followed by a prefix length'],
  ["a//", '"/" must be followed by a prefix length'],
  ["a///64", '"/" must be followed by a prefix length'],
  ["a/-1", '"/" must be followed by a prefix length'],
  ["a:", "a domain name is missing"],
  ["a:/24", "a domain name is missing"],
  ["a:example.com", "+ a of example.com 32 128"],
  ["a:example.com.", "+ a of example.com. 32 128"],
  ["a:example.com/24", "+ a of example.com 24 128"],
  ["a:example.com//64", "+ a of example.com 32 64"],
  ["a:example.com/24//64", "+ a of example.com 24 64"],
  ["a:example.com/24/64", TWO_PREFIXES],
  ["a:example/24.com/8", "+ a of example/24.com 8 128"],
  ["a:example//24.com", "+ a of example//24.com 32 128"],
  ["a:%{d}/24", "+ a of %{d} 24 128"],
  ["a:%{d2r/}/24", "+ a of %{d2r/} 24 128"],
  ["a:foo:8080.example.com", "+ a of foo:8080.example.com 32 128"],
  ["a:192.0.2.1", '"192.0.2.1" does not end in a top-level domain'],

  ["mx", "+ mx of domain 32 128"],
  ["~Mx:example.com/30//126", "~ mx of example.com 30 126"],
  ["mx:", "a domain name is missing"],

  ["ptr", "+ ptr of domain"],
  ["PTR:example.com", "+ ptr of example.com"],
  ["ptr:", "a domain name is missing"],
  ["ptr/24", 'ptr needs ":" and a domain name'],

  ["exists:%{ir}.example.com", "+ exists of %{ir}.example.com"],
  ["exists", 'exists needs ":" and a domain name'],
  ["exists:", "a domain name is missing"],
  ["exists:example.com/24", '"example.com/24" does not end in a top-level domain'],

  ["ip4:192.0.2.1", "+ ip4 of 192.0.2.1 32"],
  ["-IP4:192.0.2.0/24", "- ip4 of 192.0.2.0 24"],
  ["ip4:0.0.0.0/0", "+ ip4 of 0.0.0.0 0"],
  ["ip4:192.0.2.1/33", NO_PREFIX4("33")],
  ["ip4:192.0.2.1/", NO_PREFIX4("")],
  ["ip4:192.0.2.1/08", NO_PREFIX4("08")],
  ["ip4:192.0.2.1//32", NO_PREFIX4("/32")],
  ["ip4:192.0.2.1/24/24", NO_PREFIX4("24/24")],
  ["ip4:192.0.2", '"192.0.2" is not an IPv4 address'],
  ["ip4:192.0.2.256", '"192.0.2.256" is not an IPv4 address'],
  ["ip4:192.0.2.01", '"192.0.2.01" is not an IPv4 address'],
  ["ip4:192.0.2.1:25", '"192.0.2.1:25" is not an IPv4 address'],
  ["ip4:2001:db8::1", '"2001:db8::1" is not an IPv4 address'],
  ["ip4:", '"" is not an IPv4 address'],
  ["ip4", 'ip4 needs ":" and an IPv4 address'],
  ["ip4/24", 'ip4 needs ":" and an IPv4 address'],

  ["ip6:2001:DB8::1", "+ ip6 of 2001:db8::1 128"],
  ["ip6:::/0", "+ ip6 of :: 0"],
  ["ip6:::1/128", "+ ip6 of ::1 128"],
  ["ip6:::192.0.2.1", "+ ip6 of ::c000:201 128"],
  ["ip6:::1/129", NO_PREFIX6("129")],
  ["ip6:::1//64", NO_PREFIX6("/64")],
  ["ip6:2001:db8::1%eth0", '"2001:db8::1%eth0" is not an IPv6 address'],
  ["ip6:[::1]", '"[::1]" is not an IPv6 address'],
  ["ip6:1::2::3", '"1::2::3" is not an IPv6 address'],
  ["ip6:192.0.2.1", '"192.0.2.1" is not an IPv6 address'],
  ["ip6", 'ip6 needs ":" and an IPv6 address'],
];

describe("directives", () => {
  for (const [term, expected] of table) {
    it(`reads ${term} as: ${expected}`, () => {
      assert.equal(reading(term), expected);
    });
  }
});
