import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { FAILING, offer } from "./deliver.ts";
import type { Mta } from "./mta.ts";
import { MtaPlayer } from "./mta-player.ts";
import { keyRecord, OPENDKIM, signature, startOpenDkim } from "./opendkim.ts";
import { OPENDMARC, startOpenDmarc } from "./opendmarc.ts";
import { Postfix } from "./postfix.ts";
import type { Program } from "./process.ts";
import { Sendmail } from "./sendmail.ts";

const BETWEEN: readonly (readonly [mta: Mta["name"], start: () => Promise<Mta>])[] = [
  ["sendmail", () => Sendmail.start("", [OPENDMARC], [OPENDKIM])],
  ["postfix", () => Postfix.start("accept", [OPENDMARC], [OPENDKIM])],
];

const SETTINGS = "RefuseFail on\nAcceptDKIM on";
const FROM = "From: user@pass.test";
/** The client is not a host of pass.test: SPF fails, as it does for a forwarder. */
const MAIL = { ...FAILING, sender: "user@pass.test", zone: keyRecord("pass.test") };
const SIGNED = [signature("pass.test", [FROM, "Subject: hello"], "body"), FROM];

/** OpenDKIM writes them decoded, as they are. */
const FORGED_AGENTS = [
  "x=3Bdkim=3Dpass=20header.d=3Dpass.test=20x=3D@soft.test",
  "x=3B=0D=0A=20dkim=3Dpass=20header.d=3Dpass.test=3B=20x=3Dnone=20x=3D@soft.test",
  "x=20=28c=29=3Bdkim=3Dpass=20header.d=3Dpass.test@soft.test",
];

for (const [mta, start] of BETWEEN) {
  describe(`OpenDKIM before us and OpenDMARC after us in ${mta}`, () => {
    let programs: Program[] = [];
    let player: MtaPlayer;
    before(async () => {
      programs = [await startOpenDkim(mta), await startOpenDmarc(mta, "AuthservIDWithJobID true\n")];
      player = await MtaPlayer.open(start);
    });
    after(async () => {
      await player.close();
      for (const program of programs) await program.stop();
    });

    it("spare a signed message, and agree", async () => {
      const { reply, message = "" } = await offer(player, SETTINGS, { ...MAIL, header: SIGNED });
      assert.match(reply, /^250/);
      assert.match(message, /^Authentication-Results: mx\.rig\.test\/\S+;\s+dkim=pass/m);
      assert.match(message, /^Authentication-Results: mx\.rig\.test; spf=fail/m);
      assert.match(message.replace(/\n\s+/g, " "), /^Received-SPF: Fail \(.*; dkim pass: pass\.test\)/m);
      assert.match(message, /^Authentication-Results: mx\.rig\.test(?:\/\S+)?; dmarc=pass/m);
    });

    for (const [what, changes] of [
      ["an unsigned message", { header: [FROM] }],
      ["a changed body", { header: SIGNED, body: "other" }],
      [
        "a forged result without a signature",
        { header: ["Authentication-Results: mx.rig.test; dkim=pass header.d=pass.test", FROM] },
      ],
      [
        "a forged result with a guessed job id",
        {
          header: ["Authentication-Results: mx.rig.test/4AM3I0Hx012344; dkim=pass header.d=pass.test", FROM],
        },
      ],
      ["the signature of another domain", { header: [signature("soft.test", [FROM], "body"), FROM] }],
      ...FORGED_AGENTS.map(
        (agent) =>
          [
            `the signature of another domain with the agent ${agent}`,
            { header: [signature("soft.test", [FROM], "body", [`i=${agent}`]), FROM] },
          ] as const,
      ),
      [
        "the same in a field with a blank before the colon, which MTAs take off",
        {
          header: [
            signature("soft.test", [FROM], "body", [`i=${FORGED_AGENTS[0]}`]).replace(":", " :"),
            FROM,
          ],
        },
      ],
    ] as const) {
      it(`refuse ${what}`, async () => {
        const zone = keyRecord("pass.test") + keyRecord("soft.test");
        const { reply } = await offer(player, SETTINGS, { ...MAIL, zone, ...changes });
        assert.match(reply, /^550 5\.7\.23 /);
      });
    }
  });
}
