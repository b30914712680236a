/** One message through a real MTA and the daemon, for those who look at what is delivered. */
import assert from "node:assert/strict";
import { readScenario, type Scenario } from "../scenario/scenario.ts";
import { emptyMailboxes, readMailboxes } from "./mailbox.ts";
import { type MtaPlayer, RealPeer } from "./mta-player.ts";

const ZONE = `[zone]
pass.test TXT v=spf1 ip4:192.0.2.10 -all
mail.pass.test TXT v=spf1 ip4:192.0.2.10 -all
soft.test TXT v=spf1 ~all
neutral.test TXT v=spf1 ?all
odd.test TXT v=spf1 ip4:192.0.2.300 -all
broken.test SERVFAIL
_dmarc.pass.test TXT v=DMARC1; p=reject
_dmarc.soft.test TXT v=DMARC1; p=reject
_dmarc.bank.test TXT v=DMARC1; p=reject
`;

/** Who sends what, all to bob. */
export interface Mail {
  readonly client: string;
  readonly helo: string;
  readonly sender: string;
  readonly header: readonly string[];
  /** `body` where none is given. */
  readonly body?: string;
  /** Further lines of the zone. */
  readonly zone?: string;
}

/** What came of a message. */
export interface Outcome {
  /** The reply at its end, in one line. */
  readonly reply: string;
  /** As it lies in the mailbox. */
  readonly message: string | undefined;
}

/** Sends a message under the settings, RefuseFail off among them. Its sender and recipient must not be refused. */
export async function offer(player: MtaPlayer, settings: string, mail: Mail): Promise<Outcome> {
  const text = `# one message\n[settings]\nRefuseFail off\n${settings}\n${ZONE}${mail.zone ?? ""}[session]\nconnect 192.0.2.10\n`;
  const scenario: Scenario | undefined = readScenario(text, "deliver.ts", player.mta.name);
  assert.ok(scenario);
  player.nameserver.setZone(scenario.zone);
  await player.daemon.serve(scenario);
  emptyMailboxes();
  const peer = new RealPeer(player.mta);
  await peer.connect(mail.client);
  for (const line of [`EHLO ${mail.helo}`, `MAIL FROM:<${mail.sender}>`, "RCPT TO:<bob@rig.test>", "DATA"]) {
    const reply = await peer.command(line);
    assert.match(reply?.code ?? "", /^[23]/, `${line}: ${reply?.lines.join(" ") ?? "closed"}`);
  }
  const reply = await peer.message([...mail.header, "Subject: hello", "", mail.body ?? "body"]);
  await peer.drop();
  const [message, ...more] = readMailboxes().get("bob") ?? [];
  emptyMailboxes();
  assert.equal(more.length, 0);
  return { reply: reply === undefined ? "closed" : `${reply.code} ${reply.lines.join(" ")}`, message };
}

/**
 * Sends a message as {@link offer} does, and gives it back as it lies in the mailbox.
 *
 * @throws where it is not delivered
 */
export async function deliver(player: MtaPlayer, settings: string, mail: Mail): Promise<string> {
  const { reply, message } = await offer(player, settings, mail);
  assert.match(reply, /^250/);
  assert.ok(message !== undefined);
  return message;
}

/** A client that may send mail of pass.test, and one that may not. */
export const PASSING = { client: "192.0.2.10", helo: "mail.pass.test" };
export const FAILING = { client: "192.0.2.66", helo: "mail.evil.test" };
