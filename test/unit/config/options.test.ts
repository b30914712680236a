import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatNetwork } from "../../../src/address/index.ts";
import type { Settings } from "../../../src/config/index.ts";
import { decidedBy } from "../../../src/config/settings.ts";
import { defaultValue, OPTION_NAMES, type OptionName, optionNamed } from "../../../src/config/table.ts";
import type { EngineAddress } from "../../../src/shared-cache/index.ts";
import { keyOf, optionOf, parse, settingsOf } from "./reading.ts";

/** For each option: texts and what the settings then hold. */
const GOOD: { readonly [K in OptionName]: readonly [string, unknown][] } = {
  WhitelistIP: [
    ["192.0.2.1", ["192.0.2.1"]],
    ["192.0.2.0/24", ["192.0.2.0/24"]],
    ["0.0.0.0/1", ["0.0.0.0/1"]],
    ["2001:DB8::/32", ["2001:db8::/32"]],
    ["::1", ["::1"]],
    ["::ffff:192.0.2.0/120", ["192.0.2.0/24"]],
  ],
  WhitelistPTR: [
    [".Friend.example", [".friend.example"]],
    ["Host.friend.example.", ["host.friend.example"]],
    ["münchen.example", ["xn--mnchen-3ya.example"]],
    ["localhost", ["localhost"]],
  ],
  WhitelistFrom: [
    ["Friend@Example.NET", [{ kind: "address", text: "friend@example.net" }]],
    ["<friend@example.net>", [{ kind: "address", text: "friend@example.net" }]],
    ["a@b@example.net", [{ kind: "address", text: "a@b@example.net" }]],
    ["@example.net.", [{ kind: "domain", text: "example.net" }]],
    ["@[192.0.2.1]", [{ kind: "domain", text: "[192.0.2.1]" }]],
    ["friend@", [{ kind: "localPart", text: "friend" }]],
    [".example.net", [{ kind: "subdomains", text: "example.net" }]],
    ["frIEnd", [{ kind: "substring", text: "friend" }]],
    ["Jürgen@münchen.example", [{ kind: "address", text: "jürgen@münchen.example" }]],
    ['"John Doe@example.net"', [{ kind: "address", text: "john doe@example.net" }]],
  ],
  WhitelistTo: [["postmaster@", [{ kind: "localPart", text: "postmaster" }]]],
  TrustedRelay: [["198.51.100.25", ["198.51.100.25"]]],
  AcceptDKIM: [["on", true]],
  DKIMVerifier: [["mx.example.net", ["mx.example.net"]]],
  DKIMVerifierJobID: [["off", false]],
  TrustedForwarder: [
    ["Forwarder.example.", ["forwarder.example"]],
    ["bücher.example", ["xn--bcher-kva.example"]],
  ],
  SkipAuth: [
    ["off", false],
    ["NO", false],
    ["False", false],
    ["0", false],
    ["On", true],
    ["yes", true],
    ["TRUE", true],
    ["1", true],
    ['"off"', false],
  ],
  SkipTLSVerified: [["off", false]],
  SkipNDR: [["on", true]],
  FixedClientIP: [
    ["192.0.2.1", "192.0.2.1"],
    ["2001:DB8:0::1", "2001:db8::1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
  ],
  ClientIPNAT: [
    ["10.0.0.5:192.0.2.5", [{ from: "10.0.0.5", to: "192.0.2.5" }]],
    ["10.0.0.5 192.0.2.5", [{ from: "10.0.0.5", to: "192.0.2.5" }]],
    ["FD00::5 2001:db8::5", [{ from: "fd00::5", to: "2001:db8::5" }]],
    ["::ffff:10.0.0.5 2001:db8::5", [{ from: "10.0.0.5", to: "2001:db8::5" }]],
  ],
  CheckHelo: [["on", true]],
  SPFRules: [["include:partners.example", ["include:partners.example"]]],
  SPFGuess: [["a/24 mx/24 ptr ?all", ["a/24", "mx/24", "ptr", "?all"]]],
  SPFBestGuess: [
    ["on", ["a/24", "mx/24", "ptr"]],
    ["off", undefined],
  ],
  SPFExplanation: [
    ["See %{i} at %{xr}", "See %{i} at %{xr}"],
    ['"See https://x.example/#%{d}"', "See https://x.example/#%{d}"],
  ],
  OverrideRecord: [
    ["Example.NET. v=spf1 mx  -all", [["example.net", "v=spf1 mx -all"]]],
    ['example.net "v=spf1 -all"', [["example.net", "v=spf1 -all"]]],
    ["münchen.example v=spf1", [["xn--mnchen-3ya.example", "v=spf1"]]],
  ],
  FallbackRecord: [["example.net v=spf1 a -all", [["example.net", "v=spf1 a -all"]]]],
  LookupLimit: [
    ["1", 1],
    ["100", 100],
  ],
  VoidLookupLimit: [
    ["0", 0],
    ["002", 2],
  ],
  LookupTime: [
    ["1", 1000],
    ["30s", 30_000],
    ["1M", 60_000],
    ["1h", 3_600_000],
  ],
  Nameserver: [
    ["fe80::1%eth0", [["fe80::1%eth0", 53]]],
    ["[fe80::1%eth0]:5353", [["fe80::1%eth0", 5353]]],
    ["192.0.2.53", [["192.0.2.53", 53]]],
    ["192.0.2.53:5353", [["192.0.2.53", 5353]]],
    ["2001:db8::53", [["2001:db8::53", 53]]],
    ["[2001:db8::53]", [["2001:db8::53", 53]]],
    ["[2001:DB8::53]:65535", [["2001:db8::53", 65_535]]],
  ],
  DNSTimeout: [["5s", 5000]],
  DNSTries: [["10", 10]],
  Prefetch: [["off", false]],
  SPFBehavior: [
    ["0", false],
    ["1", true],
    ["6", true],
  ],
  RefuseFail: [
    ["off", "off"],
    ["no", "off"],
    ["1", "on"],
    ["NoMail", "nomail"],
  ],
  RefuseHeloFail: [
    ["off", "off"],
    ["nomail", "nomail"],
  ],
  RefuseSoftFail: [["on", true]],
  RefuseNeutral: [["on", true]],
  RefuseSPFNone: [["on", true]],
  RefuseSPFNoneHelo: [["on", true]],
  RefusePermError: [["on", true]],
  AcceptTempError: [["off", false]],
  SoftFail: [["on", true]],
  RejectReason: [
    [
      "Sorry {sender} {domain} {helo} {ip} {host} {result} {explanation}",
      "Sorry {sender} {domain} {helo} {ip} {host} {result} {explanation}",
    ],
    ["Rejected %s from %s by %s, 100%%", "Rejected %s from %s by %s, 100%%"],
    ["%3$s says no to %1$s", "%3$s says no to %1$s"],
    ["{} and {not a name}", "{} and {not a name}"],
    ['"See https://x.example/#spf"', "See https://x.example/#spf"],
    ["x".repeat(400), "x".repeat(400)],
  ],
  RejectAt: [
    ["RCPT", "rcpt"],
    ["eom", "eom"],
  ],
  RelaxedLocalPart: [["off", false]],
  TagSubject: [["off", false]],
  Tag: [
    ["[gefälscht]", "[gefälscht]"],
    ["[spam?] maybe", "[spam?] maybe"],
    ['"[SPF #1]"', "[SPF #1]"],
  ],
  Quarantine: [["on", true]],
  QuarantineBox: [
    ["spam", "spam"],
    ["<spam@example.net>", "spam@example.net"],
    ["a.b+c/d@sub_x.example.net", "a.b+c/d@sub_x.example.net"],
  ],
  QuarantineMode: [["Hold", "hold"]],
  ReportOnly: [["on", true]],
  PolicyFor: [
    [
      "ip=192.0.2.0/24 SPFBehavior=1",
      [
        {
          check: true,
          acceptTempError: true,
          refuseFail: "off",
          refuseHeloFail: "off",
          refuseSoftFail: false,
          refuseNeutral: false,
          refuseSPFNone: false,
          refuseSPFNoneHelo: false,
          refusePermError: false,
          tagSubject: false,
          quarantine: false,
        },
      ],
    ],
  ],
  AddHeader: [["off", false]],
  AddReceivedHeader: [["off", false]],
  AuthservID: [
    ["mx.example.net", "mx.example.net"],
    ["mx/7", "mx/7"],
  ],
  RemoveForgedHeaders: [
    ["all", "all"],
    ["no", "off"],
  ],
  TTL: [
    ["0", 0],
    ["90", 90],
    ["2d", 172_800],
    ["365d", 31_536_000],
  ],
  CacheSize: [["10000000", 10_000_000]],
  CacheFile: [["/var/lib/smfs/cache", "/var/lib/smfs/cache"]],
  SharedCache: [
    ["redis://127.0.0.1", engine({})],
    ["VALKEY://[2001:db8::7]:7000/3", engine({ hosts: [["2001:db8::7", 7000]], db: 3 })],
    [
      "rediss://:s%40e%3Acret@cache.example.net",
      engine({ hosts: [["cache.example.net", 6379]], tls: true, password: "s@e:cret" }),
    ],
    [
      "valkeys://spf:secret@cache.example.net:6380?ca=/etc/ssl/cache.pem",
      engine({
        hosts: [["cache.example.net", 6380]],
        tls: true,
        username: "spf",
        password: "secret",
        caFile: "/etc/ssl/cache.pem",
      }),
    ],
    ["redis://secret@127.0.0.1", engine({ password: "secret" })],
    [
      "redis://a.example.net,b.example.net:7001",
      engine({
        hosts: [
          ["a.example.net", 6379],
          ["b.example.net", 7001],
        ],
      }),
    ],
    [
      "redis://a.example.net,b.example.net/2?sentinel=spf",
      engine({
        hosts: [
          ["a.example.net", 26_379],
          ["b.example.net", 26_379],
        ],
        db: 2,
        sentinel: "spf",
      }),
    ],
    [
      "unix:/run/valkey/valkey.sock?db=1&user=spf&password=x",
      engine({ hosts: [], path: "/run/valkey/valkey.sock", db: 1, username: "spf", password: "x" }),
    ],
  ],
  SharedCacheKey: [["file:/etc/mail/smfs/shared.key", "/etc/mail/smfs/shared.key"]],
  User: [
    ["_spf", "_spf"],
    ["mail-user.1", "mail-user.1"],
  ],
  Socket: [
    ["unix:/run/x.sock", { kind: "unix", path: "/run/x.sock" }],
    ["LOCAL:/run/x.sock", { kind: "unix", path: "/run/x.sock" }],
    ["/run/x.sock", { kind: "unix", path: "/run/x.sock" }],
    ['"/run/a b"', { kind: "unix", path: "/run/a b" }],
    ["inet:8890@localhost", { kind: "inet", port: 8890, host: "localhost" }],
    ["inet:8890@[127.0.0.1]", { kind: "inet", port: 8890, host: "127.0.0.1" }],
    ["inet6:1@[::1]", { kind: "inet6", port: 1, host: "::1" }],
    ["inet6:65535@::1", { kind: "inet6", port: 65_535, host: "::1" }],
    ["inet6:8890", { kind: "inet6", port: 8890, host: "::" }],
  ],
  SocketMode: [
    ["0660", 0o660],
    ["666", 0o666],
    ["0777", 0o777],
  ],
  SocketGroup: [["postfix", "postfix"]],
  StatusSocket: [
    ["unix:/run/s/status.sock", { kind: "unix", path: "/run/s/status.sock" }],
    ["inet:9325@127.0.0.1", { kind: "inet", port: 9325, host: "127.0.0.1" }],
    ["inet:9325@localhost", { kind: "inet", port: 9325, host: "localhost" }],
    ["inet6:9325@[::1]", { kind: "inet6", port: 9325, host: "::1" }],
  ],
  StatusSocketMode: [["0600", 0o600]],
  StatusSocketGroup: [["adm", "adm"]],
  PidFile: [["/run/x.pid", "/run/x.pid"]],
  Daemonize: [["off", false]],
  Syslog: [
    ["LOCAL7", "local7"],
    ["daemon", "daemon"],
    ["none", "none"],
  ],
  LogTo: [["/dev/stdout", "/dev/stdout"]],
  LogFormat: [
    ["2.5", "2.5"],
    ["JSON", "json"],
  ],
  LogLevel: [["Error", "error"]],
  MaxConnections: [["1", 1]],
  IdleTimeout: [["20d", 1_728_000_000]],
  ShutdownTime: [["0", 0]],
};

type EngineParts = Partial<Omit<EngineAddress, "hosts">> & {
  readonly hosts?: readonly (readonly [string, number])[];
};

function engine({ hosts = [["127.0.0.1", 6379]], ...parts }: EngineParts): EngineAddress {
  return {
    ...{ path: undefined, tls: false, username: undefined, password: undefined, db: 0 },
    ...{ sentinel: undefined, caFile: undefined, ...parts },
    hosts: hosts.map(([host, port]) => ({ host, port })),
  };
}

/** What an option cannot be without. */
const BESIDE: { readonly [K in OptionName]?: string } = { SharedCache: "SharedCacheKey file:/key\n" };

/** What of the settings is compared, where the plain value would be hard to read. */
const SHORT: { readonly [K in OptionName]?: (settings: Settings) => unknown } = {
  WhitelistIP: (s) => s.whitelistIP.map(formatNetwork),
  TrustedRelay: (s) => s.trustedRelay.map(formatNetwork),
  SPFRules: (s) => s.localPolicy.rules?.directives.map(({ text }) => text),
  SPFGuess: (s) => s.localPolicy.guess?.directives.map(({ text }) => text),
  SPFBestGuess: (s) => s.localPolicy.guess?.directives.map(({ text }) => text),
  OverrideRecord: (s) => [...s.localPolicy.overrides],
  FallbackRecord: (s) => [...s.localPolicy.fallbacks],
  Nameserver: (s) => s.nameserver.map(({ address, port }) => [address, port]),
  PolicyFor: (s) => s.policyFor.map(({ actions }) => actions),
};

function readerOf(name: OptionName): (settings: Settings) => unknown {
  return SHORT[name] ?? ((settings) => decidedBy(keyOf(name), settings));
}

describe("every option", () => {
  for (const name of OPTION_NAMES) {
    const read = readerOf(name);
    for (const [text, expected] of GOOD[name]) {
      it(`${name} ${text.slice(0, 60)}`, () => {
        assert.deepEqual(read(settingsOf(`${name.toUpperCase()} ${text}\n${BESIDE[name] ?? ""}`)), expected);
      });
    }
  }

  it("has a value among the good ones that is not its default", () => {
    for (const name of OPTION_NAMES) {
      const read = readerOf(name);
      const texts = GOOD[name].map(([text]) => text);
      const defaults = JSON.stringify(read(settingsOf("")));
      assert.ok(
        texts.some(
          (text) => JSON.stringify(read(settingsOf(`${name} ${text}\n${BESIDE[name] ?? ""}`))) !== defaults,
        ),
        name,
      );
    }
  });

  it("takes its own sample and default", () => {
    for (const name of OPTION_NAMES) {
      const { sample, default: standard } = optionOf(name);
      const { faults, warnings } = parse(`${name} ${sample}\n${BESIDE[name] ?? ""}`);
      assert.deepEqual(faults, [], name);
      assert.ok(
        warnings.every(({ reason }) => /no effect|cannot connect/.test(reason)),
        name,
      );
      if (standard === undefined) continue;
      const decided = (settings: Settings): unknown => decidedBy(keyOf(name), settings);
      assert.doesNotThrow(() => defaultValue(optionOf(name)), name);
      assert.deepEqual(decided(settingsOf(`${name} ${standard}`)), decided(settingsOf("")), name);
    }
  });

  it("adds where it is a list, and lets the last win where it is not", () => {
    const { whitelistTo, tag } = settingsOf("WhitelistTo a@\nTag one\nWhitelistTo b@\nTag two\n");
    assert.deepEqual(
      whitelistTo.map(({ text }) => text),
      ["a", "b"],
    );
    assert.equal(tag, "two");
  });
});

describe("optionNamed", () => {
  it("takes upper and lower case for equal", () => {
    assert.equal(optionNamed("SPFBESTGUESS"), "spfBestGuess");
    assert.equal(optionNamed("ttl"), "ttlSeconds");
    assert.equal(optionNamed("toString"), undefined);
  });
});
