/**
 * What becomes of mail while the filter is gone, for everything that an administrator can tell an MTA to do then:
 * Sendmail's F= absent, T and R, Postfix's milter_default_action accept, tempfail and reject. Also: the filter comes
 * back, and the MTA is restarted.
 */
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import type { SmtpReply } from "../../support/smtp-client.ts";
import type { Daemon } from "../scenario/daemon.ts";
import { readScenario, type Scenario } from "../scenario/scenario.ts";
import { emptyMailboxes, readMailboxes } from "./mailbox.ts";
import type { Mta } from "./mta.ts";
import { MtaPlayer, RealPeer } from "./mta-player.ts";
import { Postfix } from "./postfix.ts";
import { Sendmail } from "./sendmail.ts";

const TEXT = `# The client may send mail of pass.test, and of no other.
[zone]
pass.test TXT v=spf1 ip4:192.0.2.10 -all
fail.test TXT v=spf1 -all
[session]
connect 192.0.2.10
`;

const CLIENT = "192.0.2.10";

/** What one client does, in order; the daemon can be killed before each of these. */
const STAGES = ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "the final dot"] as const;

/** What the MTA is told to do with mail while there is no filter. */
type Action = "accept" | "tempfail" | "reject";

const START: readonly (readonly [
  mta: Mta["name"],
  set: string,
  action: Action,
  start: () => Promise<Mta>,
])[] = [
  ["sendmail", "no F=", "accept", () => Sendmail.start()],
  ["sendmail", "F=T", "tempfail", () => Sendmail.start("F=T, ")],
  ["sendmail", "F=R", "reject", () => Sendmail.start("F=R, ")],
  ["postfix", "milter_default_action = accept", "accept", () => Postfix.start("accept")],
  ["postfix", "milter_default_action = tempfail", "tempfail", () => Postfix.start("tempfail")],
  ["postfix", "milter_default_action = reject", "reject", () => Postfix.start("reject")],
];

/** The reply to the first step that was refused, if one was. */
async function send(
  peer: RealPeer,
  sender: string,
  beforeStep: (stage: number) => Promise<void>,
): Promise<SmtpReply | undefined> {
  const steps: readonly (() => Promise<SmtpReply | undefined>)[] = [
    () => peer.connect(CLIENT),
    () => peer.command("EHLO mail.pass.test"),
    () => peer.command(`MAIL FROM:<${sender}>`),
    () => peer.command("RCPT TO:<bob@rig.test>"),
    () => peer.command("DATA"),
    () => peer.message(["Subject: hello", "", "body"]),
  ];
  try {
    for (const [stage, step] of steps.entries()) {
      await beforeStep(stage);
      const reply = await step();
      assert.ok(reply !== undefined, `closed without a word at ${STAGES[stage] ?? ""}`);
      if (!/^[23]/.test(reply.code)) return reply;
    }
    return undefined;
  } finally {
    await peer.drop();
  }
}

const nothing = (): Promise<void> => Promise.resolve();

function delivered(): readonly string[] {
  return readMailboxes().get("bob") ?? [];
}

/** That the one message of a session without filter came to what the action says. */
function assertActed(action: Action, refusal: SmtpReply | undefined): void {
  const messages = delivered();
  if (action === "accept") {
    assert.equal(refusal, undefined);
    assert.equal(messages.length, 1);
    assert.doesNotMatch(messages[0] ?? "", /^Received-SPF:/im);
    return;
  }
  assert.match(refusal?.code ?? "", action === "tempfail" ? /^4/ : /^5/);
  assert.deepEqual(messages, []);
}

for (const [name, set, action, start] of START) {
  describe(`${name} with ${set}`, () => {
    const read = readScenario(TEXT, "mta-actions.test.ts", name);
    assert.ok(read);
    const scenario: Scenario = read;
    let player: MtaPlayer;
    let daemon: Daemon;

    before(async () => {
      player = await MtaPlayer.open(start);
      player.nameserver.setZone(scenario.zone);
    });
    after(() => player.close());
    beforeEach(async () => {
      daemon = await player.daemon.serve(scenario);
      emptyMailboxes();
    });

    async function kill(): Promise<void> {
      await daemon.stop("SIGKILL");
      await player.daemon.stop();
    }

    async function assertChecks(): Promise<void> {
      emptyMailboxes();
      assert.equal((await send(new RealPeer(player.mta), "user@fail.test", nothing))?.code, "550");
      assert.equal(await send(new RealPeer(player.mta), "user@pass.test", nothing), undefined);
      assert.equal(delivered().length, 1);
      assert.match(delivered()[0] ?? "", /^Received-SPF: Pass /m);
    }

    for (const [stage, what] of STAGES.entries()) {
      it(`${action}s where the daemon is killed before ${what}, and checks again when it is back`, async () => {
        const refusal = await send(new RealPeer(player.mta), "user@pass.test", async (next) => {
          if (next === stage) await kill();
        });
        assertActed(action, refusal);
        daemon = await player.daemon.serve(scenario);
        await assertChecks();
      });
    }

    it(`${action}s the rest of a session in which the daemon was killed and came back`, async () => {
      const refusal = await send(new RealPeer(player.mta), "user@fail.test", async (next) => {
        if (next !== STAGES.indexOf("MAIL")) return;
        await kill();
        daemon = await player.daemon.serve(scenario);
      });
      assertActed(action, refusal);
      await assertChecks();
    });

    it(`lets a session end that is under way when the daemon is told to stop`, async () => {
      let stopped: Promise<number | null> | undefined;
      const refusal = await send(new RealPeer(player.mta), "user@pass.test", (next) => {
        if (next === STAGES.indexOf("RCPT")) stopped = daemon.stop();
        return Promise.resolve();
      });
      assert.equal(refusal, undefined);
      assert.match(delivered()[0] ?? "", /^Received-SPF: Pass /m);
      assert.equal(await stopped, 0);
      await player.daemon.stop();
    });

    it("is checked by the same daemon after a restart of its own", async () => {
      await assertChecks();
      const pid = daemon.pid;
      await player.restartMta(start);
      await assertChecks();
      assert.equal((await player.daemon.serve(scenario)).pid, pid);
    });
  });
}
