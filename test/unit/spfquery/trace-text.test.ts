import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { jsonReport } from "../../../src/spfquery/json-report.ts";
import { resultLines, traceText } from "../../../src/spfquery/text-report.ts";
import { checkZone } from "./check-zone.ts";

const PLAIN = { width: 84, colour: false, unicode: true };

const ZONE = {
  "example.com": [
    { TXT: "v=spf1 ip4:192.0.2.0/28 include:_spf.example.net mx -all exp=why.%{d}" },
    { TXT: "something-verification=abc" },
    { MX: [10, "mx.example.com"] },
  ],
  "mx.example.com": [{ A: "192.0.2.33" }],
  "_spf.example.net": [{ TXT: "v=spf1 a:%{d1}.out.example.net ip6:2001:db8::/32 ~all" }],
  "net.out.example.net": [{ A: "198.51.100.7" }],
  "why.example.com": [{ TXT: "%{i} may not send for %{d}" }],
};

const text = (report: Parameters<typeof traceText>[0], look = PLAIN): string[] =>
  traceText(report, look).split("\n");

describe("traceText()", () => {
  it("shows a fail: the tree, the counts, why, and what would have passed", async () => {
    const report = await checkZone(ZONE, "203.0.113.9", "mail.example.org", "user@example.com");
    assert.deepEqual(text(report), [
      "user@example.com from 203.0.113.9, HELO mail.example.org",
      "",
      "example.com",
      '│  TXT example.com → "v=spf1 ip4:192.0.2.0/28 include:_spf.example.net mx     1.5 ms',
      '│    -all exp=why.%{d}" (and 1 other TXT record)',
      "├─ ip4:192.0.2.0/28                                                         no match",
      "├─ include:_spf.example.net                 no match (softfail inside) · lookup 1/10",
      '│  │  TXT _spf.example.net → "v=spf1 a:%{d1}.out.example.net                  1.5 ms',
      '│  │    ip6:2001:db8::/32 ~all"',
      "│  ├─ a:%{d1}.out.example.net  = net.out.example.net          no match · lookup 2/10",
      "│  │     A net.out.example.net → 198.51.100.7                                 1.5 ms",
      "│  ├─ ip6:2001:db8::/32                                                     no match",
      "│  └─ ~all                                                         matches: softfail",
      "├─ mx                                                         no match · lookup 3/10",
      "│     MX example.com → 10 mx.example.com                                      1.5 ms",
      "│     A mx.example.com → 192.0.2.33                                           1.5 ms",
      "├─ -all                                                                decides: fail",
      "└─ explanation (exp=)",
      '      TXT why.example.com → "%{i} may not send for %{d}"                      1.5 ms',
      "",
      "Result    fail",
      "Decided   example.com: -all",
      "Counted   3 of 10 lookups, 0 of 2 void; 6 DNS questions, 9.0 ms",
      "Explains  203.0.113.9 may not send for example.com (the domain's own words)",
      "",
      "Why",
      "  example.com does not name 203.0.113.9 among its hosts and says that such mail is",
      '  to be refused. "-all" in the record of example.com matches.',
      "  Mail would pass from:",
      "    - 192.0.2.0/28 (example.com)",
      "    - 198.51.100.7 (a:%{d1}.out.example.net of _spf.example.net)",
      "    - 2001:db8::/32 (_spf.example.net)",
      "    - 192.0.2.33 (mx of example.com)",
      "  If 203.0.113.9 is meant to be a sender of example.com, its record has to name it,",
      "  as with ip4:203.0.113.9 before its end. If the mail was forwarded, the forwarder",
      "  has to put an address of its own into MAIL FROM.",
      "",
    ]);
  });

  it("shows the way through an include to what matched, and what was not reached", async () => {
    const report = await checkZone(ZONE, "2001:db8::1", "mail.example.org", "user@example.com");
    const lines = text(report);
    assert.deepEqual(lines.slice(5, 14), [
      "├─ ip4:192.0.2.0/28                                                         no match",
      "├─ include:_spf.example.net                              matches: pass · lookup 1/10",
      '│  │  TXT _spf.example.net → "v=spf1 a:%{d1}.out.example.net                  1.5 ms',
      '│  │    ip6:2001:db8::/32 ~all"',
      "│  ├─ a:%{d1}.out.example.net  =                   no match · lookup 2/10 · void 1/2",
      "│  │     net.out.example.net",
      "│  │     AAAA net.out.example.net → no AAAA records                           1.5 ms",
      "│  ├─ ip6:2001:db8::/32                                                decides: pass",
      "│  └─ ~all                                                               not reached",
    ]);
    const at = lines.indexOf("Decided   example.com: include:_spf.example.net → _spf.example.net:");
    assert.equal(lines[at + 1], "          ip6:2001:db8::/32");
  });

  it("counts at an include what the include itself asks for", async () => {
    const zone = {
      "p.test": [{ TXT: "v=spf1 include:%{p}.in.test ip4:192.0.2.9 include:gone.test -all" }],
      "unknown.in.test": [{ TXT: "v=spf1 a:gone.test" }],
    };
    const of = async (ip: string): Promise<string[]> =>
      text(await checkZone(zone, "--void-limit=3", ip, "h.test", "u@p.test"), { ...PLAIN, width: 110 })
        .filter((line) => /lookup \d|void \d/.test(line))
        .map((line) => line.replace(/ {2,}/g, "  "));
    assert.deepEqual(await of("192.0.2.9"), [
      "├─ include:%{p}.in.test  = unknown.in.test  no match (neutral inside) · lookup 2/10 · void 1/3",
      "│  └─ a:gone.test  no match · lookup 3/10 · void 2/3",
    ]);
    assert.deepEqual(await of("192.0.2.1"), [
      "├─ include:%{p}.in.test  = unknown.in.test  no match (neutral inside) · lookup 2/10 · void 1/3",
      "│  └─ a:gone.test  no match · lookup 3/10 · void 2/3",
      "└─ include:gone.test  permerror · lookup 4/10 · void 3/3",
    ]);
  });

  it("shows a ptr that is void because an earlier one was", async () => {
    const zone = { "p.test": [{ TXT: "v=spf1 ptr ptr:x.test ~all" }] };
    const lines = text(await checkZone(zone, "192.0.2.1", "h.test", "u@p.test"));
    assert.match(lines.join("\n"), /ptr:x\.test +no match · lookup 2\/10 · void 2\/2\n.*PTR .*known\n/);
  });

  it("shows what an explanation asks for the client's name", async () => {
    const zone = {
      "p.test": [{ TXT: "v=spf1 -all exp=why.p.test" }],
      "why.p.test": [{ TXT: "%{p} is no host of ours" }],
      "1.2.0.192.in-addr.arpa": [{ PTR: "c.test" }],
      "c.test": [{ A: "192.0.2.1" }],
    };
    const lines = text(await checkZone(zone, "192.0.2.1", "h.test", "u@p.test"));
    assert.deepEqual(
      lines.slice(5, 9).map((line) => line.replace(/ {2,}[\d.]+ ms$/, "")),
      [
        "└─ explanation (exp=)",
        '      TXT why.p.test → "%{p} is no host of ours"',
        "      PTR 1.2.0.192.in-addr.arpa → c.test",
        "      A c.test → 192.0.2.1",
      ],
    );
  });

  it("draws with ASCII alone where nothing else can be shown", async () => {
    const report = await checkZone(ZONE, "203.0.113.9", "mail.example.org", "user@example.com");
    const drawn = traceText(report, { ...PLAIN, unicode: false });
    assert.match(drawn, /^[\n\x20-\x7e]*$/);
    assert.match(drawn, /\n\|- mx +no match, lookup 3\/10\n\| {5}MX example\.com -> 10 mx\.example\.com/);
    assert.match(drawn, /\n`- explanation/);
  });

  it("colours what decided, and colours change no text", async () => {
    const report = await checkZone(ZONE, "192.0.2.1", "mail.example.org", "user@example.com");
    const coloured = traceText(report, { ...PLAIN, colour: true });
    assert.match(coloured, /\x1b\[1;32mip4:192\.0\.2\.0\/28\x1b\[0m/);
    assert.equal(coloured.replace(/\x1b\[[\d;]*m/g, ""), traceText(report, PLAIN));
  });

  it("shows nothing of a record that could steer a terminal", async () => {
    const zone = { "evil.test": [{ TXT: "v=spf1 x=\x1b]0;owned\x07 -all" }, { TXT: "v=spf1\x1b[2J" }] };
    const report = await checkZone(zone, "192.0.2.1", "m\x1b[2J", "\x1b[31mu@evil.test");
    const all = traceText(report, PLAIN) + resultLines(report, false);
    assert.ok(!all.includes("\x1b"));
    assert.ok(!all.includes("\x07"));
  });

  it("shows local rules beside the published policy", async () => {
    const report = await checkZone(
      ZONE,
      "203.0.113.9",
      "m.example.org",
      "user@example.com",
      "ip4:203.0.113.0/24",
    );
    const lines = text(report);
    assert.ok(
      lines.some((line) => /^├─ local rules$/.test(line)),
      lines.join("\n"),
    );
    assert.ok(lines.includes("Result    fail"));
    assert.ok(lines.includes("Local     pass"));
    assert.ok(lines.includes('  The local rules decide otherwise: "ip4:203.0.113.0/24" leads to pass.'));
  });
});

describe("resultLines(, false)", () => {
  const cases: readonly (readonly [string, string[], RegExp])[] = [
    [
      "pass",
      ["192.0.2.1", "h.example", "u@example.com"],
      /^result=pass\nReceived-SPF: Pass \(mx\.example\.net: domain of u@example\.com designates 192\.0\.2\.1 as permitted sender\) receiver=mx\.example\.net; client-ip=192\.0\.2\.1; identity=mailfrom; envelope-from="u@example\.com"; helo=h\.example; mechanism="ip4:192\.0\.2\.0\/28"\n$/,
    ],
    [
      "fail with the domain's words",
      ["203.0.113.9", "h.example", "u@example.com"],
      /^result=fail: 203\.0\.113\.9 may not send for example\.com\nReceived-SPF: Fail .*\n$/,
    ],
    [
      "the HELO identity for the null sender",
      ["192.0.2.1", "example.com", ""],
      /^result=pass\nReceived-SPF: Pass \(.*postmaster@example\.com.*identity=helo; helo=example\.com/,
    ],
    [
      "the outcome of local rules",
      ["203.0.113.9", "h.example", "u@example.com", "ip4:203.0.113.9"],
      /^result=pass\nReceived-SPF: Fail \(.*; local policy: pass\)/,
    ],
    [
      "the outcome of guess rules",
      ["203.0.113.9", "h.example", "u@none.example.com", "", "ip4:203.0.113.9 -all"],
      /^result=pass\nReceived-SPF: None \(.*; best guess: pass\)/,
    ],
    [
      "the default explanation of a guess",
      ["192.0.2.9", "h.example", "u@none.example.com", "", "-all", "no %{s} by %{xs}"],
      /^result=fail: no u@none\.example\.com by local policy\nReceived-SPF: None/,
    ],
    [
      "no explanation where it is no fail",
      ["192.0.2.9", "h.example", "u@none.example.com", "", "", "no"],
      /^result=none\n/,
    ],
    [
      "an override record",
      ["--override=example.com=v=spf1 ?all", "203.0.113.9", "h.example", "u@example.com"],
      /^result=neutral\nReceived-SPF: Neutral \(.*override record/,
    ],
    [
      "a fallback record",
      ["--fallback=none.example.com=v=spf1 +all", "203.0.113.9", "h.example", "u@none.example.com"],
      /^result=pass\nReceived-SPF: Pass \(.*fallback record/,
    ],
  ];
  for (const [what, argv, expected] of cases) {
    it(`says ${what}`, async () => {
      assert.match(resultLines(await checkZone(ZONE, ...argv), false), expected);
    });
  }
});

describe("jsonReport()", () => {
  it("says what the trace shows, with the way to what decided", async () => {
    const report = await checkZone(ZONE, "198.51.100.7", "h.example", "u@example.com");
    const json = jsonReport(report);
    const { trace, warnings, why, ...rest } = json;
    assert.deepEqual(JSON.parse(JSON.stringify(json)), json);
    assert.deepEqual(rest, {
      result: "pass",
      explanation: null,
      mechanism: "include:_spf.example.net",
      lookups: 2,
      voids: 0,
      published: "pass",
      ip: "198.51.100.7",
      helo: "h.example",
      sender: "u@example.com",
      identity: "mailfrom",
      domain: "example.com",
      path: [
        { domain: "example.com", term: "include:_spf.example.net" },
        { domain: "_spf.example.net", term: "a:%{d1}.out.example.net" },
      ],
      problem: null,
      explanation_source: null,
      record: ZONE["example.com"][0]?.TXT ?? null,
      record_source: "published",
      local: null,
      guess: null,
      lookup_limit: 10,
      void_limit: 2,
      questions: 3,
      ms: 4.5,
      received_spf:
        'Pass (mx.example.net: domain of u@example.com designates 198.51.100.7 as permitted sender) receiver=mx.example.net; client-ip=198.51.100.7; identity=mailfrom; envelope-from="u@example.com"; helo=h.example; mechanism="include:_spf.example.net"',
    });
    assert.deepEqual(warnings, []);
    assert.equal((why as string[]).length, 1);
    const inner = (trace as { terms: { nested: { terms: unknown[] } }[] }).terms[1]?.nested.terms;
    assert.deepEqual(inner, [
      {
        term: "a:%{d1}.out.example.net",
        target: "net.out.example.net",
        matched: true,
        lookups: [
          {
            name: "net.out.example.net",
            type: "A",
            status: "found",
            ttl: 300,
            records: ["198.51.100.7"],
            void: false,
            ms: 1.5,
          },
        ],
        lookups_so_far: 2,
        voids_so_far: 0,
        problem: null,
        nested: null,
      },
    ]);
  });
});
