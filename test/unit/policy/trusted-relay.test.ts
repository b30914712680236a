import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { readRelayHop } from "../../../src/policy/client.ts";
import { readReceived } from "../../../src/policy/received.ts";
import { net, settingsWith } from "./facts.ts";

/** `IP NAME HELO`, `-` for a name that is not verified, `auth` for an authenticated client. */
function shown(value: string): string | undefined {
  const from = readReceived(value);
  if (from === undefined) return undefined;
  const words = [from.ip.text, from.verifiedName ?? "-", from.helo];
  return (from.authenticated ? [...words, "auth"] : words).join(" ");
}

const TABLE: readonly [what: string, value: string, read: string | undefined][] = [
  [
    "Sendmail",
    "from helo.test (mx.sender.test [192.0.2.9])\n\tby relay.test (8.17.1/8.17.1) with ESMTP id 6AM2mFDv000207\n\tfor <bob@rig.test>; Sun, 22 Nov 2026 02:48:15 GMT",
    "192.0.2.9 mx.sender.test helo.test",
  ],
  [
    "Sendmail without a name",
    "from helo.test ([192.0.2.9])\n\tby relay.test (8.17.1/8.17.1) with ESMTP id Q",
    "192.0.2.9 - helo.test",
  ],
  [
    "Sendmail with a forged name",
    "from helo.test (mx.sender.test [192.0.2.9] (may be forged))\n\tby relay.test with SMTP id Q",
    "192.0.2.9 - helo.test",
  ],
  [
    "Sendmail with an ident answer",
    "from helo.test (joe@mx.sender.test [192.0.2.9])\n\tby relay.test (8.17.1/8.17.1) with SMTP id Q",
    "192.0.2.9 mx.sender.test helo.test",
  ],
  [
    "Sendmail over IPv6",
    "from helo.test (mx.sender.test [IPv6:2001:db8:0:0:0:0:0:9])\n\tby relay.test (8.17.1/8.17.1) with ESMTP id Q",
    "2001:db8::9 mx.sender.test helo.test",
  ],
  [
    "Sendmail with AUTH",
    "from helo.test (mx.sender.test [192.0.2.9])\n\t(authenticated bits=0)\n\tby relay.test (8.17.1/8.17.1) with ESMTPSA id Q\n\t(version=TLSv1.3 cipher=X bits=256 verify=NO)",
    "192.0.2.9 mx.sender.test helo.test auth",
  ],
  [
    "Postfix",
    "from helo.test (mx.sender.test [192.0.2.9])\n\tby relay.test (Postfix) with ESMTP id CF44969\n\tfor <bob@rig.test>; Sun, 22 Nov 2026 02:48:15 +0000 (UTC)",
    "192.0.2.9 mx.sender.test helo.test",
  ],
  [
    "Postfix without a name",
    "from helo.test (unknown [192.0.2.9]) by relay.test (Postfix) with SMTP id X",
    "192.0.2.9 - helo.test",
  ],
  [
    "Postfix over TLS",
    "from helo.test (mx.sender.test [IPv6:2001:db8::9])\n\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)\n\t key-exchange X25519)\n\t(No client certificate requested)\n\tby relay.test (Postfix) with ESMTPS id X",
    "2001:db8::9 mx.sender.test helo.test",
  ],
  [
    "Postfix with AUTH",
    "from helo.test (mx.sender.test [192.0.2.9])\n\t(Authenticated sender: alice)\n\tby relay.test (Postfix) with ESMTPSA id X",
    "192.0.2.9 mx.sender.test helo.test auth",
  ],
  [
    "Postfix with a literal HELO",
    "from [10.9.9.9] (mx.sender.test [192.0.2.9]) by relay.test (Postfix) with ESMTP id X",
    "192.0.2.9 mx.sender.test [10.9.9.9]",
  ],
  [
    "Exim",
    "from mx.sender.test ([192.0.2.9] helo=helo.test)\n\tby relay.test with esmtp (Exim 4.96)\n\t(envelope-from <u@sender.test>)",
    "192.0.2.9 mx.sender.test helo.test",
  ],
  [
    "Exim with a HELO that is the name",
    "from mx.sender.test ([192.0.2.9])\n\tby relay.test with esmtps  (TLS1.3) tls TLS_AES_256_GCM_SHA384\n\t(Exim 4.96)\n\t(envelope-from <u@sender.test>)",
    "192.0.2.9 mx.sender.test mx.sender.test",
  ],
  [
    "Exim with a port and ident",
    "from mx.sender.test ([192.0.2.9]:40321 helo=helo.test ident=joe)\n\tby relay.test with esmtp (Exim 4.96)",
    "192.0.2.9 mx.sender.test helo.test",
  ],
  [
    "Exim without a name",
    "from [192.0.2.9] (helo=helo.test)\n\tby relay.test with esmtp (Exim 4.96)",
    "192.0.2.9 - helo.test",
  ],
  [
    "Exim without a name, with a port",
    "from [192.0.2.9]:40321 (helo=helo.test)\n\tby relay.test with esmtp (Exim 4.96)",
    "192.0.2.9 - helo.test",
  ],
  [
    "Exim with a HELO that is the address",
    "from [192.0.2.9]\n\tby relay.test with esmtp (Exim 4.96)",
    "192.0.2.9 - [192.0.2.9]",
  ],
  [
    "Exim with AUTH",
    "from mx.sender.test ([192.0.2.9] helo=helo.test)\n\tby relay.test with esmtpsa (TLS1.3:X:256)\n\t(Exim 4.92)",
    "192.0.2.9 mx.sender.test helo.test auth",
  ],
  [
    "qmail",
    "from unknown (HELO helo.test) (192.0.2.9)\n  by relay.test with SMTP; 22 Nov 2026 02:48:15 -0000",
    "192.0.2.9 - helo.test",
  ],
  [
    "qmail with a name",
    "from mx.sender.test (HELO helo.test) (joe@192.0.2.9)\n  by relay.test with ESMTP; 22 Nov 2026",
    "192.0.2.9 - helo.test",
  ],
  [
    "qmail with a HELO that is the name",
    "from mx.sender.test (192.0.2.9)\n  by relay.test with SMTP; 22 Nov 2026",
    "192.0.2.9 - mx.sender.test",
  ],
  [
    "an IPv4-mapped address",
    "from helo.test (mx.sender.test [::ffff:192.0.2.9]) by relay.test (Postfix) with ESMTP id Q",
    "::ffff:192.0.2.9 mx.sender.test helo.test",
  ],
  [
    "capitals",
    "FROM helo.test (mx.sender.test [192.0.2.9]) BY relay.test (POSTFIX) WITH ESMTPA ID Q",
    "192.0.2.9 mx.sender.test helo.test auth",
  ],
  [
    "Haraka with an address in HELO",
    "from a(192.0.2.10) (mx.sender.test [192.0.2.9])\r\n\tby relay.test (Haraka/3.0.5) with ESMTPS id 7A1B.1\r\n\tenvelope-from <u@sender.test>;\r\n\tSun, 22 Nov 2026 02:48:15 +0000",
    "192.0.2.9 - a(192.0.2.10)",
  ],
  [
    "maddy with a whole clause in HELO",
    "from x\tby\tm\twith\tESMTPSA ([192.0.2.9]) by relay.test (envelope-sender <u@sender.test>) with ESMTP id e2bfb479; Sun, 22 Nov 2026 02:48:15 +0000",
    "192.0.2.9 - x by m with ESMTPSA",
  ],
  [
    "notqmail with an address in HELO",
    "from unknown (HELO [192.0.2.10]) (192.0.2.9)\n  by relay.test with SMTP; 22 Nov 2026 02:48:15 -0000",
    "192.0.2.9 - [192.0.2.10]",
  ],
  [
    "qmail with an empty HELO",
    "from unknown (HELO ) (192.0.2.9)\n  by relay.test with SMTP; 22 Nov 2026 02:48:15 -0000",
    "192.0.2.9 - ",
  ],
  [
    "Exim with an ident answer of two words",
    "from [192.0.2.9] (helo=helo.test ident=a b)\n\tby relay.test with esmtp (Exim 4.96)\n\tid 1vMxyz-0001ab-2c",
    "192.0.2.9 - helo.test",
  ],
  [
    "Sendmail 8.12 with AUTH",
    "from helo.test (mx.sender.test [192.0.2.9])\n\t(authenticated bits=0)\n\tby relay.test (8.12.10/8.12.10) with ESMTP id hAM3I0Hx012344",
    "192.0.2.9 mx.sender.test helo.test auth",
  ],
  [
    "old Exim with AUTH",
    "from mx.sender.test ([192.0.2.9] helo=helo.test)\n\tby relay.test with asmtp (Exim 4.30)\n\tid 1vMxyz-0001ab-2c",
    "192.0.2.9 mx.sender.test helo.test auth",
  ],
  [
    "Courier with AUTH",
    "from helo.test (mx.sender.test [::ffff:192.0.2.9])\n  (AUTH: LOGIN alice, TLS: TLSv1.3,256bits,X)\n  by relay.test with ESMTPS; Sun, 22 Nov 2026 02:48:15 +0000\n  id 0000000000000301.0000000049D1F1E4.00006C7B",
    "::ffff:192.0.2.9 - helo.test auth",
  ],
  [
    "Courier with AUTH in an ident answer",
    "from helo.test ([::ffff:192.0.2.9])\n  (IDENT: a, AUTH: LOGIN alice)\n  by relay.test with ESMTP; Sun, 22 Nov 2026 02:48:15 +0000\n  id 0000000000000301.0000000049D1F1E4.00006C7B",
    "::ffff:192.0.2.9 - helo.test",
  ],
  [
    "CommuniGate Pro with a user",
    "from [192.0.2.9] (account alice@rig.test HELO [192.0.2.10])\n  by relay.test (CommuniGate Pro SMTP 6.2.15)\n  with ESMTPS id 139775656 for bob@rig.test; Sun, 22 Nov 2026 02:48:15 +0000",
    "192.0.2.9 - [192.0.2.10] auth",
  ],
  [
    "amavis",
    "from relay.test ([127.0.0.1])\n\tby localhost (relay.test [127.0.0.1]) (amavisd-new, port 10024)\n\twith ESMTP id abcDEF123; Sun, 22 Nov 2026 02:48:15 +0000 (UTC)",
    "127.0.0.1 - relay.test",
  ],
  [
    "Proofpoint",
    "from pps.filterd (relay.test [127.0.0.1])\n\tby relay.test (8.17.1.19/8.17.1.19) with ESMTP id 4AM3I0Hx012344;\n\tSun, 22 Nov 2026 02:48:15 GMT",
    "127.0.0.1 relay.test pps.filterd",
  ],
  [
    "Google",
    "from helo.test (mx.sender.test. [192.0.2.9])\n        by mx.google.com with ESMTPS id a1-20020a05600c0a0100b003a1.9.2026.11.22.02.48.15\n        for <bob@rig.test>\n        (version=TLS1_3 cipher=TLS_AES_256_GCM_SHA384 bits=256/256);\n        Sun, 22 Nov 2026 02:48:15 -0800 (PST)",
    "192.0.2.9 - helo.test",
  ],
  [
    "an unknown MTA with a name in the comment",
    "from helo.test (unknown[192.0.2.9]) by relay.test with ESMTP id Q; Sun, 22 Nov 2026 02:48:15 +0000",
    "192.0.2.9 - helo.test",
  ],
  [
    "an unknown MTA with a HELO that is more than a name",
    "from a(192.0.2.10) ([192.0.2.9]) by relay.test with ESMTP id Q; Sun, 22 Nov 2026 02:48:15 +0000",
    undefined,
  ],
  [
    "an unknown MTA with an address as HELO",
    "from [192.0.2.9] (x [192.0.2.10]) by relay.test with ESMTP id Q; Sun, 22 Nov 2026 02:48:15 +0000",
    undefined,
  ],
  ["a local submission", "by relay.test (Postfix, from userid 1000) id X; Sun, 22 Nov 2026", undefined],
  ["no address", "from helo.test (mx.sender.test) by relay.test with SMTP", undefined],
  ["no comment", "from helo.test by relay.test with SMTP", undefined],
  ["an address as HELO that nobody vouches for", "from [192.0.2.9] by relay.test with SMTP id Q", undefined],
  [
    "an address as HELO before a comment without one",
    "from [192.0.2.9] (unknown) by relay.test with SMTP id Q",
    undefined,
  ],
  ["a broken address", "from helo.test (mx.sender.test [192.0.2.999]) by relay.test with SMTP", undefined],
  ["a comment without end", "from helo.test (mx.sender.test [192.0.2.9] by relay.test with SMTP", undefined],
  [
    "an address only where the client speaks",
    'from helo.test (unknown) by relay.test with SMTP for <"(x [192.0.2.9])"@y>',
    undefined,
  ],
  ["nothing", "", undefined],
  [
    "Postfix with a HELO of 2,000 octets and a recipient of 3,000",
    `from ${"h".repeat(2000)} (mx.sender.test [192.0.2.9])\n\tby relay.test (Postfix) with ESMTP id X\n\tfor <${"r".repeat(3000)}@rig.test>; date`,
    `192.0.2.9 mx.sender.test ${"h".repeat(2000)}`,
  ],
];

describe("readReceived", () => {
  for (const [what, value, read] of TABLE) {
    it(`reads ${read ?? "nothing"} from the field of ${what}`, () => {
      assert.equal(shown(value), read);
    });
  }

  it("is not led astray by what the client puts after the relay's own words", () => {
    const value = (to: string): string =>
      `from helo.test (mx.sender.test [192.0.2.9]) by relay.test (Postfix) with ESMTP id X for <${to}>; date`;
    fc.assert(
      fc.property(fc.string({ unit: "binary-ascii" }), (to) => {
        assert.equal(shown(value(to)), "192.0.2.9 mx.sender.test helo.test");
        assert.equal(shown(value(`"with ESMTPSA (Exim ${to}"@x`)), "192.0.2.9 mx.sender.test helo.test");
      }),
      { seed: 5321 },
    );
  });

  it("takes little time for any text", () => {
    for (const piece of ["(", "from (", " helo=a", " ident=", "[1", "a@", "\\("]) {
      const value = `from ${piece.repeat(4000 / piece.length)}`;
      assert.equal(readReceived(value), undefined);
      assert.equal(readReceived(`from h ([192.0.2.9]${piece.repeat(3900 / piece.length)}`), undefined);
    }
  });
});

describe("readRelayHop", () => {
  const settings = settingsWith({
    trustedRelay: [net("10.1.1.1"), net("127.0.0.1")],
    fixedClientIP: undefined,
    clientIPNAT: [{ from: "192.0.2.50", to: "198.51.100.50" }],
  });
  const field = (ip: string, name = "mx.sender.test"): string =>
    `from helo.test (${name} [${ip}]) by relay.test (Postfix) with ESMTP id X`;

  it("finds the client with its name and HELO", () => {
    const hop = readRelayHop(settings, field("::ffff:192.0.2.9"));
    assert.ok(hop.kind === "client");
    assert.equal(hop.relayed.client.ip.text, "192.0.2.9");
    assert.equal(hop.relayed.client.name, "mx.sender.test");
    assert.equal(hop.relayed.helo, "helo.test");
  });

  it("shows the address of a client whose name is not verified", () => {
    for (const name of ["unknown", ""]) {
      const value = field("192.0.2.9", name).replace("( ", "(");
      const hop = readRelayHop(settings, value);
      assert.ok(hop.kind === "client");
      assert.equal(hop.relayed.client.name, undefined);
      assert.equal(hop.relayed.client.shownName, "[192.0.2.9]");
    }
  });

  it("applies ClientIPNAT to the client found", () => {
    const hop = readRelayHop(settings, field("192.0.2.50"));
    assert.equal(hop.kind === "client" && hop.relayed.client.evaluatedIp.text, "198.51.100.50");
  });

  it("goes on behind another trusted relay", () => {
    assert.equal(readRelayHop(settings, field("127.0.0.1", "localhost")).kind, "relay");
    assert.equal(readRelayHop(settings, field("10.1.1.1")).kind, "relay");
  });

  it("says so where nothing can be read", () => {
    assert.equal(readRelayHop(settings, "by relay.test (Postfix, from userid 0) id X").kind, "unreadable");
  });
});
