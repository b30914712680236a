import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseNetwork } from "../../../src/address/index.ts";
import { type Answer, isNarrowPass, type Question } from "../../../src/spfreport/suggest.ts";
import { reportOf } from "./pipeline.ts";

const network = parseNetwork("203.0.113.0/28")?.network;
assert.ok(network !== undefined);
const OURS = { networks: [network], domains: ["rig.test"], exempt: [] };

/** Failing mail of one client for some domains on some days. */
function fails(
  ip: string,
  ptr: string,
  helo: string,
  domains: number,
  days: number,
  from?: string,
): string[] {
  return Array.from({ length: Math.max(domains, days) }, (_, i) => {
    const sender = from ?? `a@d${i % domains}.example`;
    return `Nov ${10 + (i % days)} 03:18:${String(i).padStart(2, "0")} mx smf-spf[7]: SPF fail: ${ip}, ${ptr}, ${helo}, <${sender}>`;
  });
}

/** What the names' domains say: the deciding directive of a pass, or a result. */
type Names = Readonly<Record<string, string>>;

function suggested(lines: readonly string[], names: Names, config = ""): readonly (string | undefined)[] {
  const answer = ({ domains }: Question): readonly Answer[] =>
    domains.map((domain) => {
      const said = names[domain] ?? "none";
      return /^[+a-z0-9]*[:/*]|^(?:a|mx|ptr|all|\+all)$/.test(said)
        ? { domain, result: "pass", path: [{ domain, term: said }] }
        : { domain, result: said as "none", path: [] };
    });
  return reportOf(lines, { ours: OURS, answer, config }).suggestions.map(
    ({ kind, value, line }) => line ?? `${kind} ${value}`,
  );
}

const IP = "198.51.100.77";
const NAME = "fwd.alumni.example";
const forwarder = (domains = 3, days = 2, ptr = NAME, helo = NAME): string[] =>
  fails(IP, ptr, helo, domains, days);

interface Case {
  readonly name: string;
  readonly lines: readonly string[];
  readonly names?: Names;
  readonly config?: string;
  readonly lead: readonly string[];
}

const ALUMNI: Names = { "alumni.example": "ip4:198.51.100.0/24" };

const CASES: readonly Case[] = [
  {
    name: "three domains on two days and a pass for the name",
    lines: forwarder(),
    names: ALUMNI,
    lead: ["TrustedForwarder alumni.example"],
  },
  {
    name: "a pass for the HELO name",
    lines: forwarder(3, 2, "host9.isp.example", "mail.alumni.example"),
    names: ALUMNI,
    lead: ["TrustedForwarder alumni.example"],
  },
  {
    name: "the host's own record before its parents'",
    lines: forwarder(),
    names: { ...ALUMNI, [NAME]: "a" },
    lead: [`TrustedForwarder ${NAME}`],
  },
  { name: "two domains only", lines: forwarder(2, 3), names: ALUMNI, lead: [] },
  { name: "one day only", lines: forwarder(5, 1), names: ALUMNI, lead: [] },
  { name: "no verified name", lines: forwarder(5, 5, `[${IP}]`), names: ALUMNI, lead: [] },
  { name: "the name unknown", lines: forwarder(5, 5, "unknown"), names: ALUMNI, lead: [] },
  { name: "a name of one label", lines: forwarder(5, 5, "localhost"), names: ALUMNI, lead: [] },
  { name: "an address for a name", lines: forwarder(5, 5, "198.51.100.77"), names: ALUMNI, lead: [] },
  { name: "a pass by +all", lines: forwarder(), names: { "alumni.example": "+all" }, lead: [] },
  { name: "a pass by ptr", lines: forwarder(), names: { "alumni.example": "ptr" }, lead: [] },
  { name: "a pass by a /15", lines: forwarder(), names: { "alumni.example": "ip4:198.50.0.0/15" }, lead: [] },
  {
    name: "a pass by a /16",
    lines: forwarder(),
    names: { "alumni.example": "ip4:198.51.0.0/16" },
    lead: ["TrustedForwarder alumni.example"],
  },
  { name: "a fail for its own name", lines: forwarder(), names: { "alumni.example": "fail" }, lead: [] },
  { name: "DNS out of order", lines: forwarder(), names: { "alumni.example": "temperror" }, lead: [] },
  { name: "no record anywhere", lines: forwarder(), lead: [`WhitelistPTR ${NAME}`] },
  {
    name: "trusted already",
    lines: forwarder(),
    names: ALUMNI,
    config: "TrustedForwarder alumni.example",
    lead: [],
  },
  {
    name: "trusted already by a wider name",
    lines: forwarder(),
    names: { ...ALUMNI, [NAME]: "a" },
    config: "TrustedForwarder alumni.example",
    lead: [],
  },
  {
    name: "whitelisted already by name",
    lines: forwarder(),
    config: "WhitelistPTR .alumni.example",
    lead: [],
  },
  {
    name: "whitelisted already by address",
    lines: forwarder(),
    names: ALUMNI,
    config: "WhitelistIP 198.51.100.0/24",
    lead: [],
  },
  {
    name: "the address that all clients have",
    lines: forwarder(),
    names: ALUMNI,
    config: `FixedClientIP ${IP}`,
    lead: [],
  },
  {
    name: "the address that another one stands for",
    lines: forwarder(),
    names: ALUMNI,
    config: `ClientIPNAT 10.0.0.1:${IP}`,
    lead: [],
  },
  {
    name: "two hosts of one forwarder",
    lines: [...forwarder(), ...fails("198.51.100.78", "fwd2.alumni.example", "x", 3, 2)],
    names: ALUMNI,
    lead: ["TrustedForwarder alumni.example"],
  },
  {
    name: "a relay in our network",
    lines: fails("203.0.113.8", "mx2.rig.test", "mx2.rig.test", 3, 1),
    lead: ["TrustedRelay 203.0.113.8"],
  },
  {
    name: "a relay in our network, without a name",
    lines: fails("203.0.113.8", "[203.0.113.8]", "x", 3, 1),
    lead: ["TrustedRelay 203.0.113.8"],
  },
  {
    name: "a host in our network that brings two domains",
    lines: fails("203.0.113.8", "mx2.rig.test", "x", 2, 3),
    lead: [],
  },
  {
    name: "a host of ours with our senders",
    lines: fails("203.0.113.9", "printer.rig.test", "x", 1, 1, "scan@rig.test"),
    lead: ["WhitelistIP 203.0.113.9"],
  },
  {
    name: "a host of ours with one other sender",
    lines: [
      ...fails("203.0.113.9", "p.rig.test", "x", 1, 1, "scan@rig.test"),
      ...fails("203.0.113.9", "p.rig.test", "x", 1, 1),
    ],
    lead: [],
  },
  {
    name: "a host outside with our senders, and a pass for another domain",
    lines: fails(IP, "mta.news.example", "x", 1, 1, "news@rig.test"),
    names: { "news.example": "ip4:198.51.100.77" },
    lead: ["include news.example"],
  },
  {
    name: "a host outside with our senders that says +all of itself",
    lines: fails(IP, "mta.news.example", "x", 1, 1, "news@rig.test"),
    names: { "news.example": "+all" },
    lead: [],
  },
  {
    name: "a host outside with our senders and our name",
    lines: fails(IP, "www.rig.test", "x", 1, 1, "news@rig.test"),
    names: { "rig.test": "a" },
    lead: [],
  },
  {
    name: "a record in error",
    lines: ["Nov 22 03:18:00 mx smf-spf[7]: SPF permerror: 192.0.2.9, h, h, <a@broken.example>"],
    lead: ["postmaster broken.example"],
  },
  {
    name: "a record in error of what is no domain",
    lines: ["Nov 22 03:18:00 mx smf-spf[7]: SPF permerror: 192.0.2.9, h, h, <a@bro ken.example; rm>"],
    lead: [],
  },
];

describe("suggestions for", () => {
  for (const { name, lines, names = {}, config, lead } of CASES) {
    it(`${name}: ${lead.length === 0 ? "none" : lead.join(", ")}`, () => {
      assert.deepEqual(suggested(lines, names, config), lead);
    });
  }

  it("forwarders only of what failed: softfails are not counted", () => {
    const lines = forwarder(5, 5).map((line) => line.replace("SPF fail", "SPF softfail"));
    assert.deepEqual(suggested(lines, ALUMNI), []);
  });

  it("nobody, where DNS was not asked", () => {
    assert.deepEqual(reportOf(forwarder(), { ours: OURS }).suggestions, []);
  });

  it("count messages and days", () => {
    const [suggestion] = reportOf(forwarder(4, 4), {
      ours: OURS,
      answer: ({ domains }) => domains.map((domain) => ({ domain, result: "none", path: [] })),
    }).suggestions;
    assert.deepEqual([suggestion?.count, suggestion?.days], [4, 4]);
  });
});

describe("isNarrowPass()", () => {
  for (const [term, narrow] of [
    ["ip4:192.0.2.1", true],
    ["ip4:192.0.0.0/16", true],
    ["ip4:192.0.0.0/15", false],
    ["ip6:2001:db8::/32", true],
    ["ip6:2001::/31", false],
    ["a", true],
    ["a:x.example/16", true],
    ["a/15", false],
    ["mx//31", false],
    ["mx", true],
    ["+mx", true],
    ["all", false],
    ["+all", false],
    ["ptr:x.example", false],
    ["exists:%{i}.x.example", false],
    ["include:x.example", false],
    ["redirect=x.example", false],
    ["default", false],
    ["nonsense", false],
  ] as const) {
    it(`${term}: ${narrow ? "yes" : "no"}`, () => {
      assert.equal(
        isNarrowPass({ domain: "x.example", result: "pass", path: [{ domain: "x.example", term }] }),
        narrow,
      );
    });
  }
});

describe("a domain of ours with a long name", () => {
  it("is counted for each client as others are", () => {
    const domain = `${"a".repeat(60)}.${"b".repeat(60)}.${"c".repeat(20)}.rig.test`;
    const lines = ["198.51.100.7", "198.51.100.8"].flatMap((ip) =>
      fails(ip, "mta.news.example", "x", 1, 2, `a@${domain}`),
    );
    const answer = ({ domains }: Question): readonly Answer[] =>
      domains.map((name) => ({ domain: name, result: "pass", path: [{ domain: name, term: "a" }] }));
    const { suggestions } = reportOf(lines, { ours: OURS, answer });
    const [first] = suggestions;
    assert.deepEqual([first?.kind, first?.count], ["include", 4]);
  });
});
