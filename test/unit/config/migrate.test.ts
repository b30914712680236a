import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import fc from "fast-check";
import { networkContains, parseIpAddress } from "../../../src/address/index.ts";
import { migrateConfig, migrateQmail, type Settings } from "../../../src/config/index.ts";
import { inUse, parse, settingsOf } from "./reading.ts";

const SEED = 7208;
const NOTHING = { spfbehavior: undefined, spfrules: undefined, spfguess: undefined, spfexp: undefined };

function settingsFrom(lines: readonly string[]): Settings {
  return settingsOf(lines.join("\n"));
}

/** What follows the two lines at the head, without what is added at the end. */
function body(text: string): string[] {
  const lines = migrateConfig(text).slice(2);
  return lines.slice(0, lines.indexOf(""));
}

describe("migrateConfig", () => {
  for (const name of ["smf-spf-2.0.2.conf", "smf-spf-2.5.conf"]) {
    const text = readFileSync(join(import.meta.dirname, "samples", name), "utf8");
    it(`keeps ${name} and its comments`, () => {
      for (const source of [text, inUse(text)]) {
        const { faults, unknown } = parse(migrateConfig(source).join("\n"));
        assert.deepEqual([...faults, ...unknown], []);
      }
      const lines = migrateConfig(text);
      for (const line of text.split("\n")) if (line.startsWith("#")) assert.ok(lines.includes(line), line);
    });
  }

  it("keeps what 2.5 did by default", () => {
    const settings = settingsFrom(migrateConfig("SkipAuth on\n"));
    assert.equal(settings.addReceivedHeader, false);
    assert.equal(settings.logFormat, "2.5");
    assert.equal(settings.relaxedLocalPart, false);
  });

  it("keeps what 2.0.2 did by default", () => {
    const settings = settingsFrom(migrateConfig("RefuseFail off\n"));
    assert.equal(settings.addReceivedHeader, true);
    assert.equal(settings.logFormat, "classic");
    assert.equal(settings.relaxedLocalPart, true);
    assert.equal(settings.whitelistIP.length, 1, "127.0.0.0/8");
  });

  it("has a comment at every line whose meaning changes, and says the same only once", () => {
    assert.deepEqual(
      body("WhitelistTo a@\nWhitelistTo b@\nWhitelistTo .c.test\nRefuseFail on\nWhitelistTo d@\n"),
      [
        "# WhitelistTo matches whole addresses, domains or local parts; it matched inside longer ones, too:",
        "WhitelistTo a@",
        "# as above:",
        "WhitelistTo b@",
        "# WhitelistTo matches subdomains only; it matched anywhere in an address:",
        "WhitelistTo .c.test",
        "RefuseFail on",
        "# WhitelistTo matches whole addresses, domains or local parts; it matched inside longer ones, too:",
        "WhitelistTo d@",
      ],
    );
  });

  const table: readonly (readonly [what: string, text: string, expected: RegExp | string])[] = [
    ["one word in 2.0.2", "Tag [SPF fail]", "Tag [SPF"],
    ["the rest of the line in 2.5", "SkipAuth on\nTag [SPF fail]", "Tag [SPF fail]"],
    ["quotation marks as they were", 'SkipAuth on\nTag "[x]"', 'Tag "\\"[x]\\""'],
    ["a word that was no switch", "RefuseFail no", "RefuseFail on"],
    ["a 1 that was no switch", "Quarantine 1", "Quarantine off"],
    ["AddReceivedHeader by its old default", "AddReceivedHeader 1", "AddReceivedHeader off"],
    ["an address with host bits", "WhitelistIP 10.1.2.3/8", "WhitelistIP 10.0.0.0/8"],
    ["WhitelistIP6 of 2.1.0", "WhitelistIP6 2001:db8::/32", "WhitelistIP 2001:db8::/32"],
    ["an unknown option", "NoSuch 1", "# not an option: NoSuch 1"],
    ["a value that cannot be used", "TTL soon", "# TTL soon"],
    ["an option of ours", "CheckHelo on", "CheckHelo on"],
    ["WhitelistTo of 2.5", "SkipAuth on\nWhitelistTo a@", /^# WhitelistTo exempts this recipient only/],
    ["SPFBestGuess of 2.5", "SPFBestGuess on", /^# SPFBestGuess records its guess in X-SPF-Guess/],
    ["TTL", "TTL 1h", /^# TTL is the longest life of a verdict/],
    ["a pattern with an @", "WhitelistFrom @a.example", /^# WhitelistFrom matches whole addresses/],
    ["a suffix of a host name", "WhitelistPTR a.example", /^# WhitelistPTR matches at label boundaries/],
    ["AuthservID", "AuthservID mx.example.net", /^# AuthservID is used/],
  ];
  for (const [what, text, expected] of table) {
    it(`writes ${what}`, () => {
      const lines = body(text);
      assert.ok(
        lines.some((line) => (typeof expected === "string" ? line === expected : expected.test(line))),
        lines.join("\n"),
      );
    });
  }

  it(`has no fault, whatever the old file holds (seed ${SEED})`, () => {
    const names = [
      "WhitelistIP",
      "WhitelistPTR",
      "WhitelistFrom",
      "RefuseFail",
      "Tag",
      "TTL",
      "RejectReason",
    ];
    const line = fc.tuple(
      fc.constantFrom(...names, "Socket", "User", "CheckHelo", "Nonsense", "#"),
      fc.oneof(
        fc.string({ unit: "grapheme" }),
        fc.constantFrom("on", "OFF", "1", "10.0.0.0/8", "a@b", '"x', "%s %d"),
      ),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 5 }), (lines) => {
        const text = lines.map(([name, value]) => `${name} ${value.replaceAll("\n", " ")}`).join("\n");
        const { faults, unknown } = parse(migrateConfig(text).join("\n"));
        assert.deepEqual([...faults, ...unknown], []);
      }),
      { seed: SEED, numRuns: 500 },
    );
  });

  it(`lets every switch mean what it meant (seed ${SEED})`, () => {
    const switches = [
      ["RefuseFail", "refuseFail", "on", "on"],
      ["TagSubject", "tagSubject", true, true],
      ["AddHeader", "addHeader", true, true],
      ["Quarantine", "quarantine", false, true],
      ["SoftFail", "softFail", false, true],
      ["SkipAuth", "skipAuth", true, true],
      ["SkipNDR", "skipNDR", false, true],
      ["AcceptTempError", "acceptTempError", true, true],
      ["RefuseSPFNone", "refuseSPFNone", false, true],
      ["AddReceivedHeader", "addReceivedHeader", false, true],
    ] as const;
    fc.assert(
      fc.property(
        fc.constantFrom(...switches),
        fc.constantFrom("on", "off", "ON", "Off", "yes", "0", "x"),
        (row, word) => {
          const [name, key, byDefault, on] = row;
          const value = settingsFrom(migrateConfig(`${name} ${word}`))[key];
          const off = on === "on" ? "off" : false;
          const lower = word.toLowerCase();
          // Both versions looked for the word that was not the default, and for no other.
          assert.equal(value, lower === "on" ? on : lower === "off" ? off : byDefault);
        },
      ),
      { seed: SEED },
    );
  });
});

describe("migrateQmail", () => {
  it("takes the control files over", () => {
    const lines = migrateQmail(
      {
        spfbehavior: "3\n",
        spfrules: "include:a.example\n",
        spfguess: "a/24 mx/24 ptr\n",
        spfexp: 'See "%{i}"\n',
      },
      undefined,
    );
    const settings = settingsFrom(lines);
    assert.equal(settings.refuseFail, "on");
    assert.equal(settings.rejectAt, "rcpt");
    assert.equal(settings.localPolicy.rules?.directives.length, 1);
    assert.equal(settings.localPolicy.guess?.directives.length, 3);
    assert.equal(settings.localPolicy.explanation, 'See "%{i}"');
  });

  it("checks nothing without spfbehavior, takes more than 6 for 6, and comments what cannot be used", () => {
    assert.equal(settingsFrom(migrateQmail(NOTHING, undefined)).check, false);
    assert.equal(
      settingsFrom(migrateQmail({ ...NOTHING, spfbehavior: "9" }, undefined)).refusePermError,
      true,
    );
    const lines = migrateQmail({ ...NOTHING, spfrules: "foo:bar" }, undefined);
    assert.equal(settingsFrom(lines).localPolicy.rules, undefined);
    assert.ok(lines.includes('# SPFRules "foo:bar"'));
  });

  it("makes networks of ranges, and lets the more specific rule win", () => {
    const rules = '192.168.1.10-20:allow,SPFBEHAVIOR="1"\n10.:allow,RELAYCLIENT=""\n10.1.:allow\n:allow\n';
    const lines = migrateQmail({ ...NOTHING, spfbehavior: "3" }, rules);
    assert.deepEqual(
      lines.filter((line) => line.startsWith("PolicyFor")),
      ["10/31", "12/30", "16/30", "20"].map((net) => `PolicyFor ip=192.168.1.${net} SPFBehavior=1`),
    );
    assert.ok(lines.includes("WhitelistIP 10.0.0.0/16"));
    assert.ok(!lines.some((line) => line.startsWith("WhitelistIP 10.1.")));
  });

  it("takes host names, and says what it does not take", () => {
    const rules =
      '=.a.example:allow,SPFBEHAVIOR="1"\n=b.example:allow,RELAYCLIENT=""\n10.0.0.1:deny\nroot@10.0.0.2:allow\n' +
      ':allow,RELAYCLIENT=""\n[::1]:allow\n=:allow\n';
    const lines = migrateQmail({ ...NOTHING, spfbehavior: "3" }, rules);
    assert.deepEqual(settingsFrom(lines).whitelistPTR, ["b.example"]);
    assert.ok(lines.includes("PolicyFor ptr=.a.example SPFBehavior=1"));
    assert.equal(lines.filter((line) => line.startsWith("# not taken over")).length, 5);
  });

  const octet = fc.integer({ min: 8, max: 12 });
  const part = fc.oneof(
    octet.map(String),
    fc.tuple(octet, octet).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`),
  );
  const address = fc
    .array(part, { minLength: 0, maxLength: 4 })
    .map((parts) => parts.join(".") + (parts.length === 0 || parts.length === 4 ? "" : "."));
  const rule = fc.record({
    address,
    relay: fc.boolean(),
    behavior: fc.option(fc.integer({ min: 0, max: 7 }), { nil: undefined }),
  });
  const client = fc.tuple(octet, octet, octet, octet).map((octets) => octets.join("."));

  it(`does to every client what tcpserver and the patch did (seed ${SEED})`, () => {
    fc.assert(
      fc.property(
        fc.array(rule, { maxLength: 6 }),
        fc.integer({ min: 0, max: 6 }),
        client,
        (rules, control, ip) => {
          const usable = rules.filter(({ address: where, relay }) => !(where === "" && relay));
          const text = usable.map(
            ({ address: where, relay, behavior }) =>
              `${where}:allow${relay ? ',RELAYCLIENT=""' : ""}${behavior === undefined ? "" : `,SPFBEHAVIOR="${behavior}"`}`,
          );
          const settings = settingsFrom(
            migrateQmail({ ...NOTHING, spfbehavior: `${control}` }, text.join("\n")),
          );
          const found = lookUp(usable, ip);
          const parsed = parseIpAddress(ip);
          assert.ok(parsed !== undefined);
          const relay = settings.whitelistIP.some((network) => networkContains(network, parsed));
          assert.equal(relay, found?.relay ?? false, text.join("\n"));
          if (relay) return;
          const lines = settings.policyFor.filter(
            (line) => line.ip !== undefined && networkContains(line.ip, parsed),
          );
          const refuses = { ...settings, ...lines.at(-1)?.actions };
          const step = Math.min(6, found?.behavior ?? control);
          assert.deepEqual(
            [
              refuses.check,
              refuses.refuseFail === "on",
              refuses.refuseSoftFail,
              refuses.refuseNeutral,
              refuses.refusePermError,
            ],
            [step >= 1, step >= 3, step >= 4, step >= 5, step >= 6],
            `${ip}\n${text.join("\n")}`,
          );
        },
      ),
      { seed: SEED, numRuns: 1000 },
    );
  });
});

/** As tcprules(1) describes it: the address, then shorter and shorter prefixes that end in a dot, then the rest. */
function lookUp<R extends { readonly address: string }>(rules: readonly R[], ip: string): R | undefined {
  const octets = ip.split(".").map(Number);
  for (const length of [4, 3, 2, 1, 0]) {
    const found = rules.find(({ address }) => {
      const parts = address.split(".").filter((text) => text !== "");
      return (
        parts.length === length &&
        parts.every((text, index) => {
          const [from = 0, to = from] = text.split("-").map(Number);
          const octet = octets[index] ?? -1;
          return octet >= from && octet <= to;
        })
      );
    });
    if (found !== undefined) return found;
  }
  return undefined;
}
