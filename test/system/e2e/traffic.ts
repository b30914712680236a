/** Messages sent to the rig's MTA, and what became of them. */
import { SmtpClient, SmtpConnectionLost } from "../../support/smtp-client.ts";
import { readMailboxes } from "./mailbox.ts";
import { MTA_IPV4 } from "./namespace.ts";
import { waitUntil } from "./process.ts";

/** A domain of every result that these messages are sent from; clients come from 198.51.100.0/24. */
export const ZONE = {
  "pass.test": [{ TXT: "v=spf1 ip4:198.51.100.0/24 -all" }],
  "fail.test": [{ TXT: "v=spf1 -all" }],
};

/** Sends one message to bob@rig.test; the code of the reply that decided it, empty where the connection was lost. */
export async function send(from: string, client = "198.51.100.1", id = ""): Promise<string> {
  const smtp = await SmtpClient.connect({ host: MTA_IPV4, port: 25, localAddress: client });
  try {
    await smtp.reply();
    await smtp.command("EHLO mail.pass.test");
    for (const command of [`MAIL FROM:<${from}>`, "RCPT TO:<bob@rig.test>", "DATA"]) {
      const { code } = await smtp.command(command);
      if (!/^[23]/.test(code)) return code;
    }
    return (await smtp.message([`Subject: hello ${id}`, "", "body"])).code;
  } catch (error) {
    if (error instanceof SmtpConnectionLost) return "";
    throw error;
  } finally {
    await smtp.quit();
  }
}

/** Messages from several clients at once, until it is stopped. */
export class Load {
  readonly codes = new Map<string, number>();
  #stopped = false;
  #sent = 0;
  readonly #ended: Promise<unknown>;

  constructor(clients: number) {
    this.#ended = Promise.all(Array.from({ length: clients }, (_, i) => this.#send(`198.51.100.${10 + i}`)));
  }

  /** Messages that have their reply. */
  get sent(): number {
    return this.#sent;
  }

  /** Waits until so many more messages have their replies. */
  async more(count: number): Promise<void> {
    const goal = this.#sent + count;
    await waitUntil(`${count} more messages`, () => this.#sent >= goal);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#ended;
  }

  async #send(client: string): Promise<void> {
    for (let i = 0; !this.#stopped; i++) {
      const domain = i % 2 === 0 ? "pass.test" : "fail.test";
      const code = await send(`user@${domain}`, client, `${client} ${i}`);
      const key = `${domain} ${code}`;
      this.codes.set(key, (this.codes.get(key) ?? 0) + 1);
      this.#sent++;
    }
  }
}

/** The delivered messages that do not have exactly one Received-SPF field; they went past the filter. */
export function unchecked(): string[] {
  return [...readMailboxes().values()]
    .flat()
    .filter((message) => (message.match(/^Received-SPF: /gm) ?? []).length !== 1);
}

/** How many messages were delivered. */
export function delivered(): number {
  return [...readMailboxes().values()].flat().length;
}
