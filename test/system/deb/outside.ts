/**
 * Sends mail from outside to the MTA of the network that it runs in, with a name server for it: one message that fails
 * and one that passes. Prints the replies that decided them, as JSON.
 *
 *     tsx outside.ts [MTA NAMESERVER RECIPIENT]
 */
import { startNameserver } from "../../support/nameserver/index.ts";
import { SmtpClient } from "../../support/smtp-client.ts";

const [host = "127.0.0.1", nameserver = "127.0.0.1", recipient = "root@machine.example.org"] =
  process.argv.slice(2);
const CLIENT = "198.51.100.1";
const ZONE = {
  "pass.test": [{ TXT: `v=spf1 ip4:${CLIENT} -all` }, { MX: [10, "mail.pass.test"] }],
  "fail.test": [{ TXT: "v=spf1 -all" }, { MX: [10, "mail.pass.test"] }],
  "mail.pass.test": [{ A: CLIENT }],
  "1.100.51.198.in-addr.arpa": [{ PTR: "mail.pass.test" }],
};

async function replyTo(sender: string): Promise<string> {
  const smtp = await SmtpClient.connect({ host, port: 25, localAddress: CLIENT });
  try {
    await smtp.reply();
    await smtp.command("EHLO mail.pass.test");
    for (const command of [`MAIL FROM:<${sender}>`, `RCPT TO:<${recipient}>`, "DATA"]) {
      const { code, lines } = await smtp.command(command);
      if (!/^[23]/.test(code)) return `${code} ${lines.join(" ")}`;
    }
    const { code, lines } = await smtp.message(["Subject: hello", "", "body"]);
    return `${code} ${lines.join(" ")}`;
  } finally {
    await smtp.quit();
  }
}

const server = await startNameserver(ZONE, { address: nameserver, port: 53 });
const replies = { fail: await replyTo("a@fail.test"), pass: await replyTo("a@pass.test") };
await server.close();
process.stdout.write(JSON.stringify(replies));
