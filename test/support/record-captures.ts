/**
 * Records the small sessions in test/milter-protocol/captures: Sendmail's and Postfix's packet patterns as
 * played by {@link MtaPlayer}, against a handler that decides by the sender. The tests replay them and
 * expect every octet again.
 *
 *     tsx test/support/record-captures.ts
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  ACCEPT,
  CONTINUE,
  type EndOfMessageAnswer,
  type MilterHandler,
  PacketDecoder,
} from "milter-protocol";
import { OWN_CAPTURES } from "./captures.ts";
import { MODERN_OFFER, OLD_OFFER, packet } from "./mta-codec.ts";
import { inMemory, type MilterWire, MtaPlayer } from "./mta-player.ts";
import { ALL_NEEDS, RecordingHandler, type Script } from "./recording-handler.ts";

/** Wants what a filter with tagging and quarantine wants, and edits, refuses or holds by the sender's local part. */
export function captureScript(): Script {
  let sender = "";
  return {
    needs: {
      ...ALL_NEEDS,
      wants: new Set(["connect", "helo", "rcpt", "header"]),
      answers: new Set(["rcpt"]),
      macros: { connect: ["j"], helo: ["{verify}"], mail: ["i", "{auth_authen}"], endOfMessage: ["i"] },
    },
    mail: (macros) => {
      sender = macros.get("{auth_authen}") ?? "";
      return sender === "refuse"
        ? { kind: "reply", code: "550", enhanced: "5.7.23", lines: ["100% refused", "See you"] }
        : CONTINUE;
    },
    rcpt: (path) => (path === "<nobody@c.test>" ? { kind: "reject" } : CONTINUE),
    endOfMessage: (): EndOfMessageAnswer =>
      sender === "edit"
        ? {
            edits: [
              { kind: "insertHeader", index: 0, name: "Received-SPF", value: "Pass (x)\n receiver=mx" },
              { kind: "changeHeader", index: 1, name: "Subject", value: "[SPF:fail] x" },
              { kind: "deleteRecipient", path: "<b@c.test>" },
              { kind: "addRecipient", path: "<postmaster>" },
              { kind: "quarantine", reason: "SPF fail" },
            ],
            response: ACCEPT,
          }
        : { edits: [], response: CONTINUE },
  };
}

const client = { hostname: "mail.a.test", address: "192.0.2.1" };
const recipients = ["<b@c.test>"];
const as = (name: string): { macros: { mail: Record<string, string> } } => ({
  macros: { mail: { "{auth_authen}": name } },
});

const SESSIONS: Readonly<Record<string, (wire: MilterWire) => Promise<void>>> = {
  "sendmail-three-messages": async (wire) => {
    const mta = new MtaPlayer(wire, { style: "sendmail" });
    await mta.connect(client);
    await mta.helo("mail.a.test", { "{verify}": "OK" });
    await mta.unknown("FOO bar");
    await mta.message({ from: "<a@a.test>", recipients: [...recipients, "<nobody@c.test>"] });
    await mta.message({ from: "<r@a.test>", recipients, ...as("refuse") });
    await mta.message({ from: "<e@a.test>", recipients, ...as("edit") });
    mta.quit();
  },
  "postfix-three-messages": async (wire) => {
    const mta = new MtaPlayer(wire, { style: "postfix" });
    await mta.connect({ hostname: "[2001:db8::1]", address: "2001:db8::1" });
    await mta.helo("mail.a.test");
    mta.abort();
    await mta.helo("mail.a.test");
    await mta.message({ from: "<>", recipients: ["<nobody@c.test>"] });
    await mta.message({ from: "<r@a.test>", recipients, ...as("refuse") });
    await mta.message({ from: "<e@a.test>", recipients, ...as("edit"), body: "x".repeat(70) });
    mta.abort();
    mta.quit();
  },
  "sendmail-8.12": async (wire) => {
    const mta = new MtaPlayer(wire, { style: "sendmail", offer: OLD_OFFER });
    await mta.connect(client);
    await mta.helo("mail.a.test");
    await mta.message({ from: "<e@a.test>", parameters: ["SIZE=9"], recipients, ...as("edit") });
    await mta.message({ from: "<r@a.test>", recipients, ...as("refuse") });
    mta.quit();
  },
  "body-asked-for-in-vain": async (wire) => {
    const offer = { ...MODERN_OFFER, protocol: 0x7f & ~0x10 };
    const mta = new MtaPlayer(wire, { style: "postfix", offer });
    await mta.connect(client);
    await mta.helo("mail.a.test");
    await mta.message({ from: "<a@a.test>", recipients, body: "x".repeat(100) });
    mta.quit();
  },
  "two-clients": async (wire) => {
    const mta = new MtaPlayer(wire);
    await mta.connect(client);
    await mta.helo("mail.a.test");
    await mta.mail("<a@a.test>");
    mta.quitNewConnection();
    await mta.connect({ hostname: "localhost", family: "unix", address: "/run/x" });
    await mta.message({ from: "<a@a.test>", recipients });
    mta.quitNewConnection();
    await mta.connect({ hostname: "localhost" });
    mta.quit();
  },
};

/** Hex lines, one packet each, of a stream. */
function lines(stream: Buffer): string {
  const decoder = new PacketDecoder();
  decoder.append(stream);
  let text = "";
  for (let p = decoder.next(); p !== undefined; p = decoder.next()) {
    text += `${packet(p.command, p.payload).toString("hex")}\n`;
  }
  return text;
}

/** Plays one session and keeps both directions. */
async function record(play: (wire: MilterWire) => Promise<void>, handler: MilterHandler): Promise<Buffer[]> {
  const wire = inMemory(
    () => handler,
    () => {},
  );
  const mta: Buffer[] = [];
  const filter: Buffer[] = [];
  await play({
    write: (bytes) => {
      mta.push(bytes);
      wire.write(bytes);
    },
    read: async () => {
      const chunk = await wire.read();
      if (chunk !== undefined) filter.push(chunk);
      return chunk;
    },
    close: () => {
      wire.close();
    },
  });
  return [Buffer.concat(mta), Buffer.concat(filter)];
}

if (process.argv[1] === import.meta.filename) {
  mkdirSync(OWN_CAPTURES, { recursive: true });
  for (const [name, play] of Object.entries(SESSIONS)) {
    const [mta = Buffer.alloc(0), filter = Buffer.alloc(0)] = await record(
      play,
      new RecordingHandler(captureScript()),
    );
    writeFileSync(join(OWN_CAPTURES, `${name}.mta.hex`), lines(mta));
    writeFileSync(join(OWN_CAPTURES, `${name}.milter.hex`), lines(filter));
  }
}
