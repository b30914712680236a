import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { deliver, FAILING, type Mail, PASSING } from "./deliver.ts";
import type { Mta } from "./mta.ts";
import { MtaPlayer } from "./mta-player.ts";
import { OPENDMARC, startOpenDmarc } from "./opendmarc.ts";
import { Postfix } from "./postfix.ts";
import type { Program } from "./process.ts";
import { Sendmail } from "./sendmail.ts";

const BEHIND: readonly (readonly [mta: Mta["name"], start: () => Promise<Mta>])[] = [
  ["sendmail", () => Sendmail.start("", [OPENDMARC])],
  ["postfix", () => Postfix.start("accept", [OPENDMARC])],
];

/**
 * OpenDMARC knows of SPF only what we tell it: `pass` needs an aligned pass, and everything else is `fail`. Version
 * 1.4 compares smtp.mailfrom of Authentication-Results with the domain alone, so that a whole address never is
 * evidence, and turns to Received-SPF.
 */
const DMARC: readonly (readonly [
  what: string,
  result: "pass" | "fail",
  settings: string,
  mail: Omit<Mail, "header">,
  from: string,
  header?: string,
])[] = [
  ["an aligned pass", "pass", "", { ...PASSING, sender: "user@pass.test" }, "pass.test"],
  [
    "Received-SPF alone",
    "pass",
    "AddHeader off\nAddReceivedHeader on",
    { ...PASSING, sender: "user@pass.test" },
    "pass.test",
  ],
  ["a pass that is not aligned", "fail", "", { ...PASSING, sender: "user@pass.test" }, "bank.test"],
  ["a fail", "fail", "", { ...FAILING, sender: "user@pass.test" }, "pass.test"],
  ["a softfail", "fail", "", { ...FAILING, sender: "user@soft.test" }, "soft.test"],
  [
    "a softfail that local policy makes a pass",
    "fail",
    "SPFRules ip4:192.0.2.66",
    { ...FAILING, sender: "user@soft.test" },
    "soft.test",
  ],
  ["a guess", "fail", "SPFGuess ip4:192.0.2.66", { ...FAILING, sender: "user@bank.test" }, "bank.test"],
  ["both identities recorded", "pass", "CheckHelo on", { ...PASSING, sender: "user@pass.test" }, "pass.test"],
  [
    "a passing HELO name and a softfail",
    "fail",
    "CheckHelo on",
    { ...PASSING, sender: "user@soft.test" },
    "soft.test",
  ],
  [
    "a quoted local part",
    "pass",
    "AddHeader off\nAddReceivedHeader on",
    { ...PASSING, sender: '"john doe"@pass.test' },
    "pass.test",
  ],
  [
    "a sender that spells another in quotes",
    "fail",
    "",
    { ...PASSING, sender: '"user@bank.test"@pass.test' },
    "bank.test",
  ],
  [
    "the same in Received-SPF alone",
    "fail",
    "AddHeader off\nAddReceivedHeader on",
    { ...PASSING, sender: '"user@bank.test"@pass.test' },
    "bank.test",
  ],
  [
    "a sender that spells a result",
    "fail",
    "",
    { ...PASSING, sender: '"a; spf=pass smtp.mailfrom=user@bank.test; x="@pass.test' },
    "bank.test",
  ],
  [
    "a sender that spells the pairs of Received-SPF",
    "fail",
    "AddHeader off\nAddReceivedHeader on",
    { ...PASSING, sender: '") identity=mailfrom; envelope-from=user@bank.test; x=("@pass.test' },
    "bank.test",
  ],
  [
    "a source route through another domain",
    "fail",
    "",
    { ...PASSING, sender: "@bank.test:user@pass.test" },
    "bank.test",
  ],
  [
    "a forged result in our name",
    "fail",
    "",
    { ...FAILING, sender: "user@none.test" },
    "bank.test",
    "Authentication-Results: mx.rig.test; spf=pass smtp.mailfrom=user@bank.test",
  ],
];

/**
 * What OpenDMARC takes for our name, for spf, or for the topmost Received-SPF: each of these would turn a softfail into
 * dmarc=pass.
 */
const FORGERIES: readonly (readonly [what: string, settings: string, header: string])[] = [
  ...[
    "mx.rig.test; spf=pass smtp.mailfrom=soft.test",
    "mx . rig.test; spf=pass smtp.mailfrom=soft.test",
    "mx.\r\n rig.test; spf=pass smtp.mailfrom=soft.test",
    "mx.(a)rig (b) .test; spf=pass smtp.mailfrom=soft.test",
    "\vmx.rig.test\f; spf=pass smtp.mailfrom=soft.test",
    'm"x".rig.test; spf=pass smtp.mailfrom=soft.test',
    "m\\x.rig.test; s\\pf=pass smtp.mailfrom=soft.test",
    '"(a" mx.rig.test; spf=pass smtp.mailfrom=soft.test',
    'mx."(a" rig.test; spf=pass smtp.mailfrom=soft.test',
    'mx.rig.test ";" "(a" spf (b) "=" pass smtp.mailfrom=soft.test',
    "m)x.rig.test; s)pf=pass smtp.mailfrom=soft.test",
  ].map((value) => [JSON.stringify(value), "", `Authentication-Results: ${value}`] as const),
  ...[
    ["AddReceivedHeader off", "AddReceivedHeader off"],
    ["a sender that is not checked", "WhitelistFrom @soft.test"],
  ].map(
    ([what = "", settings = ""]) =>
      [
        `Received-SPF with ${what}`,
        settings,
        "Received-SPF: pass (forged) identity=mailfrom; envelope-from=user@soft.test",
      ] as const,
  ),
];

for (const [mta, start] of BEHIND) {
  describe(`OpenDMARC behind us in ${mta}`, () => {
    let openDmarc: Program;
    let player: MtaPlayer;
    before(async () => {
      openDmarc = await startOpenDmarc(mta);
      player = await MtaPlayer.open(start);
    });
    after(async () => {
      await player.close();
      await openDmarc.stop();
    });

    for (const [what, result, settings, mail, from, header] of DMARC) {
      it(`comes to ${result} with ${what}`, async () => {
        const lines = [...(header === undefined ? [] : [header]), `From: user@${from}`];
        const message = await deliver(player, settings, { ...mail, header: lines });
        const found = /^Authentication-Results: mx\.rig\.test; dmarc=(\w+)/m.exec(message)?.[1];
        assert.equal(found, result, message);
      });
    }

    for (const [what, settings, header] of FORGERIES) {
      it(`does not believe ${what}`, async () => {
        const forged = {
          ...FAILING,
          sender: "user@soft.test",
          header: [...header.split("\r\n"), "From: user@soft.test"],
        };
        const message = await deliver(player, settings, forged);
        assert.match(message, /^Authentication-Results: mx\.rig\.test; dmarc=fail/m);
        // Without us it would have been taken in, or the test shows nothing.
        const kept = await deliver(player, `${settings}\nRemoveForgedHeaders off`, forged);
        assert.match(kept, /^Authentication-Results: mx\.rig\.test; dmarc=pass/m);
      });
    }
  });
}
