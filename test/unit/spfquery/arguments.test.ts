import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { exitStyleOf, parseArguments, type Request } from "../../../src/spfquery/arguments.ts";
import { UsageError } from "../../../src/spfquery/options.ts";

type Check = Extract<Request, { action: "check" }>;

function check(...argv: string[]): Check {
  const request = parseArguments(argv, "host.example");
  assert.equal(request.action, "check");
  return request;
}

const queryOf = (...argv: string[]): object => {
  const { ip, ...rest } = check(...argv).query;
  return { ip: ip.text, ...rest };
};

const QUERY = { ip: "192.0.2.1", helo: "mail.example.org", sender: "user@example.org", scope: "mfrom" };

describe("parseArguments()", () => {
  const sameQuery: Record<string, string[]> = {
    "qmail's": ["192.0.2.1", "mail.example.org", "user@example.org"],
    "qmail's with brackets": ["192.0.2.1", "mail.example.org", "<user@example.org>"],
    "qmail's behind --": ["--", "192.0.2.1", "mail.example.org", "user@example.org"],
    "Mail::SPF's": [
      "--ip-address",
      "192.0.2.1",
      "--identity",
      "user@example.org",
      "--helo-identity",
      "mail.example.org",
    ],
    "Mail::SPF's with =": [
      "--ip-address=192.0.2.1",
      "--identity=user@example.org",
      "--helo-identity=mail.example.org",
    ],
    "Mail::SPF's short": [
      "--ip=192.0.2.1",
      "--id",
      "user@example.org",
      "--helo-id=mail.example.org",
      "--scope=mfrom",
    ],
    "Mail::SPF's old": ["--ipv4", "192.0.2.1", "--mfrom", "user@example.org", "--helo", "mail.example.org"],
    "libspf2's with =": ["-ip=192.0.2.1", "-sender=user@example.org", "-helo=mail.example.org"],
    "libspf2's with spaces": ["-ip", "192.0.2.1", "-sender", "user@example.org", "-helo", "mail.example.org"],
    "an IPv4-mapped address": ["::ffff:192.0.2.1", "mail.example.org", "user@example.org"],
  };
  for (const [style, argv] of Object.entries(sameQuery)) {
    it(`reads ${style} arguments`, () => {
      assert.deepEqual(queryOf(...argv), QUERY);
    });
  }

  const styles: readonly (readonly [string, string[]])[] = [
    ["qmail", ["192.0.2.1", "h.example", "a@b.example"]],
    ["qmail", ["--trace", "192.0.2.1", "h.example", "a@b.example"]],
    ["qmail", ["--nameserver", "127.0.0.1", "192.0.2.1", "h.example", "-o@b.example"]],
    ["qmail", ["192.0.2.1", "h.example", "a@b.example", "-all"]],
    ["mail-spf", ["--ip-address", "192.0.2.1", "--identity", "a@b.example"]],
    ["mail-spf", ["--trace", "--scope=helo", "--ip-address=192.0.2.1", "--identity=h.example"]],
    ["libspf2", ["-ip=192.0.2.1", "-sender=a@b.example"]],
    ["libspf2", ["--trace", "-ip", "192.0.2.1", "-sender", "a@b.example"]],
    ["mail-spf", ["--id=a@b.example", "--ip=192.0.2.1"]],
    ["libspf2", ["--exit-style", "libspf2", "192.0.2.1", "h.example", "a@b.example"]],
    ["mail-spf", ["-ip=192.0.2.1", "-sender=a@b.example", "--exit-style=mail-spf"]],
  ];
  for (const [style, argv] of styles) {
    it(`tells the style ${style} by the look of ${argv.join(" ")}`, () => {
      assert.equal(exitStyleOf(argv), style);
    });
  }

  it("checks the HELO name when the scope is helo", () => {
    const expected = { ip: "192.0.2.1", helo: "h.example", sender: "", scope: "helo" };
    assert.deepEqual(
      queryOf("--ip-address", "192.0.2.1", "--scope", "helo", "--identity", "h.example"),
      expected,
    );
    assert.deepEqual(queryOf("--ip-address", "192.0.2.1", "--helo", "h.example"), expected);
    assert.deepEqual(queryOf("-ip=192.0.2.1", "-helo=h.example"), expected);
  });

  it("takes an empty sender, and <>, for the null sender", () => {
    assert.deepEqual(queryOf("192.0.2.1", "h.example", ""), { ...QUERY, helo: "h.example", sender: "" });
    assert.deepEqual(queryOf("192.0.2.1", "h.example", "<>"), { ...QUERY, helo: "h.example", sender: "" });
  });

  it("reads what is written in UTF-8 as octets", () => {
    assert.equal(check("192.0.2.1", "h.example", "ü@b.example").query.sender, "\xc3\xbc@b.example");
  });

  it("reads local rules, guess rules and an explanation behind the sender", () => {
    const { localPolicy } = check(
      "192.0.2.1",
      "h",
      "a@b.example",
      "ip4:192.0.2.1",
      "a mx",
      "no %{s}",
    ).settings;
    assert.deepEqual(
      localPolicy.rules?.directives.map(({ text }) => text),
      ["ip4:192.0.2.1"],
    );
    assert.deepEqual(
      localPolicy.guess?.directives.map(({ text }) => text),
      ["a", "mx"],
    );
    assert.equal(localPolicy.explanation, "no %{s}");
    const none = check("192.0.2.1", "h", "a@b.example", "", "", "").settings.localPolicy;
    assert.deepEqual([none.rules, none.guess, none.explanation], [undefined, undefined, undefined]);
  });

  it("takes rules that begin with a dash for rules", () => {
    const { localPolicy } = check("192.0.2.1", "h", "a@b.example", "-all", "-ip4:192.0.2.1").settings;
    assert.equal(localPolicy.rules?.directives[0]?.text, "-all");
    assert.equal(localPolicy.guess?.directives[0]?.text, "-ip4:192.0.2.1");
  });

  it("reads every setting, and its default", () => {
    const given = check(
      ...[
        "--nameserver=127.0.0.1:5353",
        "--nameserver",
        "[::1]:54",
        "--nameserver=2001:db8::1",
        "--timeout",
        "1.5",
      ],
      ...[
        "--void-limit",
        "0",
        "--lookup-limit=20",
        "--override",
        "A.example=v=spf1 -all",
        "--override=Bücher.example.=v=spf1 mx",
        "--receiver",
        "mx.example",
      ],
      ...[
        "--fallback=b.example=v=spf1 mx -all",
        "--explanation",
        "see %{i}",
        "--trace",
        "--json",
        "--colour",
        "always",
      ],
      ...["192.0.2.1", "h", "a@b.example"],
    );
    assert.deepEqual(given.settings.nameservers, [
      { address: "127.0.0.1", port: 5353 },
      { address: "::1", port: 54 },
      { address: "2001:db8::1", port: 53 },
    ]);
    assert.equal(given.settings.timeoutMs, 1500);
    assert.deepEqual(given.settings.limits, { lookupLimit: 20, voidLookupLimit: 0 });
    assert.deepEqual(
      [...given.settings.localPolicy.overrides],
      [
        ["a.example", "v=spf1 -all"],
        ["xn--bcher-kva.example", "v=spf1 mx"],
      ],
    );
    assert.deepEqual([...given.settings.localPolicy.fallbacks], [["b.example", "v=spf1 mx -all"]]);
    assert.equal(given.settings.localPolicy.explanation, "see %{i}");
    assert.equal(given.settings.receiver, "mx.example");
    assert.deepEqual(given.output, { trace: true, json: true, colour: "always" });

    const { settings, output } = check("192.0.2.1", "h", "a@b.example");
    assert.deepEqual(settings.limits, { lookupLimit: 10, voidLookupLimit: 2 });
    assert.equal(settings.timeoutMs, 20_000);
    assert.equal(settings.receiver, "host.example");
    assert.deepEqual(settings.nameservers, []);
    assert.deepEqual(output, { trace: false, json: false, colour: "auto" });
  });

  it("reads times in ms, s, m and h", () => {
    for (const [text, milliseconds] of Object.entries({
      "2": 2000,
      "250ms": 250,
      "3s": 3000,
      "2m": 120_000,
      "1h": 3_600_000,
    })) {
      assert.equal(
        check("--timeout", text, "192.0.2.1", "h", "a@b.example").settings.timeoutMs,
        milliseconds,
      );
    }
  });

  it("names options of the other programs that change nothing here", () => {
    assert.deepEqual(
      check("-ip=192.0.2.1", "-sender=a@b.example", "-rcpt-to=c@d.example", "-sanitize").ignored,
      ["-rcpt-to", "-sanitize"],
    );
    assert.deepEqual(
      check(
        ...["-trusted", "1", "-ip=192.0.2.1", "-sanitize=0", "-sender", "a@b.example", "-trusted=0"],
        ...["--tfwl", "--authorize-mxes-for", "b.example", "-sanitize", "-debug=2", "-sanitize", "1"],
      ).ignored,
      ["-trusted", "-sanitize", "-trusted", "--tfwl", "--authorize-mxes-for", "-sanitize", "-sanitize"],
    );
  });

  it("answers --help and --version whatever else is given", () => {
    assert.deepEqual(parseArguments(["--help", "192.0.2.1"], ""), { action: "help" });
    assert.deepEqual(parseArguments(["-V"], ""), { action: "version" });
  });

  it("reads a batch with its defaults", () => {
    const request = parseArguments(
      ["--batch", "--nameserver", "127.0.0.1:54", "--void-limit=5"],
      "host.example",
    );
    assert.equal(request.action, "batch");
    assert.equal(request.settings.limits.voidLookupLimit, 5);
  });

  const faults: readonly (readonly [string[], RegExp])[] = [
    [[], /nothing to check/],
    [["192.0.2.1"], /got 1 argument$/],
    [["192.0.2.1", "h.example"], /got 2 arguments$/],
    [["192.0.2.1", "h", "s", "a", "mx", "x", "y"], /unexpected argument "y"/],
    [["192.0.2", "h", "s"], /invalid IP address "192.0.2"/],
    [["1.2.3.4\n", "h", "s"], /invalid IP address "1.2.3.4\\n"/],
    [["--ip-address=x", "--identity=a@b.example"], /^--ip-address: invalid IP address "x"/],
    [["--identity=a@b.example"], /client's address is missing/],
    [["--ip-address=192.0.2.1"], /identity is missing/],
    [["--ip-address=192.0.2.1", "--helo=h", "--scope=mfrom"], /identity is missing/],
    [["--ip-address=192.0.2.1", "--identity="], /null sender is checked by its HELO name/],
    [["--ip-address=192.0.2.1", "--identity=a@b", "--scope=pra"], /Sender ID/],
    [["--ip-address=192.0.2.1", "--identity=a@b", "--scope=x"], /invalid --scope "x": expected mfrom, helo/],
    [["--ip-address=192.0.2.1", "more"], /"more" cannot be used with options/],
    [["--nameserver"], /--nameserver needs a value: --nameserver ADDR\[:PORT\]/],
    [["--nameserver=x", "192.0.2.1", "h", "s"], /invalid name server "x"/],
    [["--nameserver=127.0.0.1:0", "192.0.2.1", "h", "s"], /invalid name server/],
    [["--nameserver=127.0.0.1:65536", "192.0.2.1", "h", "s"], /invalid name server/],
    [["--timeout=0", "192.0.2.1", "h", "s"], /invalid time/],
    [["--timeout=2h", "192.0.2.1", "h", "s"], /invalid time/],
    [["--timeout=ten", "192.0.2.1", "h", "s"], /invalid time/],
    [["--void-limit=-1", "192.0.2.1", "h", "s"], /invalid limit/],
    [["--lookup-limit=1001", "192.0.2.1", "h", "s"], /invalid limit/],
    [["--override=example.org", "192.0.2.1", "h", "s"], /expected DOMAIN=RECORD/],
    [["--override=example..org=v=spf1 -all", "192.0.2.1", "h", "s"], /expected DOMAIN=RECORD/],
    [["--fallback=org=v=spf1 -all", "192.0.2.1", "h", "s"], /expected DOMAIN=RECORD/],
    [["--override=example.org=-all", "192.0.2.1", "h", "s"], /begins with v=spf1/],
    [
      ["--exit-style=perl", "192.0.2.1", "h", "s"],
      /invalid --exit-style "perl": expected qmail, mail-spf, libspf2/,
    ],
    [["--colour=red", "192.0.2.1", "h", "s"], /invalid --colour "red": expected always, never, auto/],
    [["--trase", "192.0.2.1", "h", "s"], /unknown option --trase; did you mean --trace\?/],
    [["--name-server=1.2.3.4"], /unknown option --name-server/],
    [["--json=1", "192.0.2.1", "h", "s"], /--json takes no value/],
    [["192.0.2.1", "h", "s", "nonsense"], /local rules: in the rules, "nonsense"/],
    [["192.0.2.1", "h", "s", "", "redirect=x"], /guess rules: in the rules, "redirect=x"/],
    [["192.0.2.1", "h", "s", "", "", "%{"], /explanation: in the explanation/],
    [["--batch", "192.0.2.1"], /from standard input/],
    [
      ["192.0.2.1", "h", "a@example.org,"],
      /invalid host name "example.org,"; did you mean "a@example.org"\?/,
    ],
    [["192.0.2.1", "h", "Foo Bar <a@example.org>"], /invalid address .*; did you mean "a@example.org"\?/],
    [["--ip=192.0.2.1", "--id=Foo Bar <a@example.org>"], /did you mean "a@example.org"\?/],
    [["192.0.2.1", "h", "<a@example.org>,"], /invalid address .*; did you mean "a@example.org"\?/],
    [["192.0.2.1", "h", "a b@example.org"], /invalid local part "a b"; did you mean "b@example.org"\?/],
    [
      ["192.0.2.1", "h", "a@example.org b"],
      /invalid host name "example.org b"; did you mean "a@example.org"\?/,
    ],
    [["192.0.2.1", "h", "user@"], /"user@" has no domain after the "@"/],
    [["192.0.2.1", "h", "mailto:a@example.org:"], /invalid host name "example.org:"/],
    [["-f", "queries.txt"], /-f is not supported: .*--batch < queries.txt/],
    [["--file=queries.txt"], /--file is not supported/],
    [["--rcpt=a@example.org", "192.0.2.1", "h", "s@d.example"], /--rcpt needs --policy/],
    [
      ["--policy", "--override=d.example=v=spf1 -all", "192.0.2.1", "h", "s@d.example"],
      /--override cannot be used with --policy, which takes OverrideRecord of smf-spf.conf/,
    ],
    [["--policy", "--void-limit=1", "192.0.2.1", "h", "s@d.example"], /takes VoidLookupLimit of/],
    [["--policy", "192.0.2.1", "h", "s@d.example", "mx"], /local rules are those of smf-spf.conf/],
    [["--line=hello"], /--line: invalid line "hello": expected one that names an address and a sender/],
  ];
  for (const [argv, message] of faults) {
    it(`says what is wrong with ${JSON.stringify(argv)}`, () => {
      assert.throws(
        () => parseArguments(argv, "host.example"),
        (error) => error instanceof UsageError && message.test(error.message),
      );
    });
  }
});
