import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parse, reports } from "./reading.ts";

/** Files that a rule could take for a contradiction, and must not. Real ones are in doubtful/. */
const IN_ORDER: readonly (readonly [string, string])[] = [
  ["the default RejectAt beside WhitelistTo", "WhitelistTo postmaster@"],
  ["RejectAt rcpt beside WhitelistTo", "WhitelistTo postmaster@\nRejectAt rcpt"],
  ["RejectAt mail beside a policy for senders", "RejectAt mail\nPolicyFor from=@a.example RefuseFail=off"],
  ["RefuseHeloFail with CheckHelo", "RefuseHeloFail on\nCheckHelo on"],
  ["RefuseHeloFail off without CheckHelo", "RefuseHeloFail off"],
  ["ReportOnly off", "ReportOnly off"],
  [
    "SPFBehavior 0 with a policy that checks",
    "SPFBehavior 0\nPolicyFor to=@a.example SPFBehavior=3\nRefuseFail on",
  ],
  ["SoftFail beside the default RefuseFail", "SoftFail on"],
  [
    "SoftFail where only a policy refuses",
    "SoftFail on\nRefuseFail off\nPolicyFor to=@a.example RefuseSPFNone=on",
  ],
  [
    "SoftFail where only a HELO name is refused",
    "SoftFail on\nRefuseFail off\nRefuseHeloFail on\nCheckHelo on",
  ],
  ["Quarantine beside the default RefuseFail", "Quarantine on"],
  [
    "Quarantine where a policy may not refuse",
    "Quarantine on\nRefuseSoftFail on\nPolicyFor to=@a.example RefuseFail=off",
  ],
  ["RefuseSPFNoneHelo without SkipNDR", "RefuseSPFNoneHelo on"],
  ["SPFBestGuess off beside SPFGuess", "SPFBestGuess off\nSPFGuess a/24"],
  ["SocketMode of a Unix socket", "SocketMode 0660\nSocketGroup postfix"],
  ["a default SocketMode beside an inet socket", "Socket inet:8890@localhost"],
  ["Syslog none with LogTo", "Syslog none\nLogTo /dev/stdout"],
  ["DNSTimeout under LookupTime", "LookupTime 5s\nDNSTimeout 4s"],
  ["the same entry of a list twice", "WhitelistIP 10.0.0.0/8\nWhitelistIP 10.0.0.0/8"],
  ["a single option twice with the same meaning", "TTL 1h\nTTL 60m\nRefuseFail ON\nRefuseFail yes"],
  [
    "an override and a fallback of one domain",
    "OverrideRecord a.example v=spf1 -all\nFallbackRecord a.example v=spf1 -all",
  ],
];

describe("contradictions", () => {
  for (const [name, text] of IN_ORDER) {
    it(`keeps quiet about ${name}`, () => {
      assert.deepEqual(reports(parse(text)), []);
    });
  }

  it("names an entry of a list file by that file", () => {
    const lists = { "/etc/nat": "10.0.0.5 192.0.2.5\n" };
    const { settings, warnings } = parse("ClientIPNAT file:/etc/nat\nClientIPNAT 10.0.0.5 192.0.2.6\n", {
      lists,
    });
    assert.deepEqual(settings?.clientIPNAT, [{ from: "10.0.0.5", to: "192.0.2.6" }]);
    assert.deepEqual(warnings, [
      {
        file: "/etc/nat",
        line: 1,
        option: "ClientIPNAT",
        reason: "10.0.0.5 is given again at test.conf:2, which wins",
      },
    ]);
  });
});
