/** The SMTP server that Sendmail or Postfix would be, with no network under it: for a filter behind any wire. */

import { type MacroValues, type MilterWire, MtaPlayer, type Verdict } from "../../support/mta-player.ts";
import { type ZoneTable } from "../../support/nameserver/zone.ts";
import type { SmtpReply } from "../../support/smtp-client.ts";
import type { MtaName } from "./lines.ts";
import { localPart } from "./observation.ts";
import type { SmtpPeer } from "./play.ts";
import { VirtualMessage } from "./virtual-message.ts";
import { expandIpv6, reverseName } from "./zone.ts";

/** The domain that mail is taken for. */
const LOCAL_DOMAIN = /@(mx\.)?rig\.test>?$/i;
const RECEIVED = "from client by mx.rig.test with ESMTP";

/** The account of the step `auth`. */
const ACCOUNT = "alice@rig.test";

const reply = (code: string, ...lines: string[]): SmtpReply => ({ code, lines });
const OK = reply("250", "2.0.0 Ok");

/** An MTA for one scenario. */
export class VirtualMta implements SmtpPeer {
  readonly #style: MtaName;
  readonly #open: () => Promise<MilterWire>;
  readonly #zone: ZoneTable;
  readonly #missing: ReadonlySet<string>;
  readonly delivered = new Map<string, string[]>();
  readonly held: { recipients: string[]; reason: string }[] = [];
  #player: MtaPlayer | undefined;
  #macros: { helo: MacroValues; mail: MacroValues } = { helo: {}, mail: {} };
  #connection: Verdict = { kind: "continue" };
  #message: VirtualMessage | undefined;
  #verdict: Verdict = { kind: "continue" };
  #messages = 0;

  /** @param missing macros that it does not send */
  constructor(
    style: MtaName,
    open: () => Promise<MilterWire>,
    zone: ZoneTable,
    missing: ReadonlySet<string>,
  ) {
    this.#style = style;
    this.#missing = missing;
    this.#open = open;
    this.#zone = zone;
  }

  async connect(address: string): Promise<SmtpReply> {
    this.#macros = { helo: {}, mail: {} };
    const player = new MtaPlayer(await this.#open(), { style: this.#style, missing: this.#missing });
    this.#player = player;
    this.#connection = await player.connect(
      {
        hostname: this.#hostName(address),
        address: this.#style === "sendmail" && address.includes(":") ? expandIpv6(address) : address,
      },
      { j: "mx.rig.test" },
    );
    return reply("220", "mx.rig.test ESMTP");
  }

  async command(line: string): Promise<SmtpReply | undefined> {
    const player = this.#player;
    if (player === undefined) return undefined;
    const [, path = "", parameters = ""] =
      /^(?:MAIL FROM|RCPT TO): ?(<(?:"(?:\\.|[^"\\])*"|[^">])*>|\S+)(.*)$/is.exec(line) ?? [];
    switch (/^\w+/.exec(line)?.[0].toUpperCase()) {
      case "EHLO":
      case "HELO":
        this.#abort();
        return this.#answer(await player.helo(line.slice(5).trim(), this.#macros.helo));
      case "MAIL":
        return this.#mail(
          player,
          path,
          parameters.split(" ").filter((word) => word !== ""),
        );
      case "RCPT":
        return this.#rcpt(player, path);
      case "DATA":
        return this.#data(player);
      case "RSET":
        this.#abort();
        return OK;
      case "NOOP":
        return OK;
      case "QUIT":
        await this.drop();
        return reply("221", "2.0.0 Bye");
      default:
        await player.unknown(line);
        return reply("500", "5.5.1 Command unrecognized");
    }
  }

  sendAlong(): void {
    // A filter is asked about one command after the other, however they came.
  }

  async unfinished(): Promise<void> {
    this.#abort();
    await this.drop();
  }

  async message(lines: readonly string[]): Promise<SmtpReply> {
    const player = this.#player;
    const message = this.#message;
    if (player === undefined || message === undefined) throw new Error("a message without DATA");
    message.take(lines);
    this.#message = undefined;
    const accepted = this.#verdict.kind === "accept" || this.#connection.kind === "accept";
    const verdict = accepted ? this.#verdict : await this.#filter(player, message);
    if (verdict.kind === "reject" || verdict.kind === "tempfail" || verdict.kind === "reply") {
      return this.#answer(verdict);
    }
    if (verdict.kind !== "discard") this.#store(message);
    return reply("250", "2.0.0 Message accepted for delivery");
  }

  async startTls(certificate: boolean): Promise<SmtpReply> {
    this.#abort();
    const verify = this.#style === "sendmail" ? { "{verify}": certificate ? "OK" : "NO" } : {};
    const subject: MacroValues = certificate ? { "{cert_subject}": "client.pass.test" } : {};
    this.#macros.helo = { "{tls_version}": "TLSv1.3", "{cipher_bits}": "256", ...subject, ...verify };
    this.#macros.mail = { ...this.#macros.mail, ...verify };
    return Promise.resolve(reply("220", "2.0.0 Ready to start TLS"));
  }

  async authenticate(): Promise<SmtpReply> {
    this.#macros.mail = { ...this.#macros.mail, "{auth_type}": "PLAIN", "{auth_authen}": ACCOUNT };
    return Promise.resolve(reply("235", "2.0.0 OK Authenticated"));
  }

  async drop(): Promise<void> {
    const player = this.#player;
    this.#player = undefined;
    this.#message = undefined;
    player?.quit();
    return Promise.resolve();
  }

  async #mail(player: MtaPlayer, path: string, parameters: readonly string[]): Promise<SmtpReply> {
    if (this.#message !== undefined) return reply("503", "5.5.1 Error: nested MAIL command");
    this.#verdict = { kind: "continue" };
    const id = `ID${++this.#messages}`;
    const macros = { ...this.#macros.mail, ...(this.#style === "sendmail" ? { i: id } : {}) };
    if (this.#connection.kind === "continue") this.#verdict = await player.mail(path, parameters, macros);
    const answer = this.#answer(this.#verdict);
    if (answer.code === "250") this.#message = new VirtualMessage(RECEIVED);
    return answer;
  }

  async #rcpt(player: MtaPlayer, path: string): Promise<SmtpReply> {
    if (this.#message === undefined) return reply("503", "5.0.0 Need MAIL before RCPT");
    if (path.includes("@") && !LOCAL_DOMAIN.test(path)) {
      return this.#style === "sendmail"
        ? reply("550", "5.7.1 Relaying denied")
        : reply("454", "4.7.1 Relay access denied");
    }
    if (this.#connection.kind === "continue" && this.#verdict.kind === "continue") {
      const verdict = await player.rcpt(path, []);
      if (verdict.kind === "accept" || verdict.kind === "discard") this.#verdict = verdict;
      const answer = this.#answer(verdict);
      if (answer.code !== "250") return answer;
    }
    if (!this.#message.recipients.includes(path)) this.#message.recipients.push(path);
    return OK;
  }

  async #data(player: MtaPlayer): Promise<SmtpReply> {
    if (this.#message === undefined || this.#message.recipients.length === 0) {
      return reply("503", "5.0.0 Need RCPT (recipient)");
    }
    if (this.#connection.kind === "continue" && this.#verdict.kind === "continue") {
      this.#verdict = await player.data();
      const answer = this.#answer(this.#verdict);
      if (answer.code !== "250") return answer;
    }
    return reply("354", "Enter mail");
  }

  /** Header, body and end of message; the edits are made where the message goes on. */
  async #filter(player: MtaPlayer, message: VirtualMessage): Promise<Verdict> {
    for (const { name, value } of message.fields) {
      const verdict = await player.header(name, value.replace(/^ /, ""));
      if (verdict.kind !== "continue") return verdict;
    }
    const head = await player.endOfHeaders();
    if (head.kind !== "continue") return head;
    const body = await player.body(message.bodyText);
    if (body.kind !== "continue") return body;
    const { verdict, edits } = await player.endOfMessage();
    if (verdict.kind === "continue" || verdict.kind === "accept")
      for (const edit of edits) message.edit(edit);
    if (this.#style === "postfix") player.abort();
    return verdict;
  }

  #store(message: VirtualMessage): void {
    const { boxes, text } = message.deliver();
    if (message.held !== undefined) {
      this.held.push({ recipients: message.recipients.map(localPart), reason: message.held });
      return;
    }
    for (const box of boxes) this.delivered.set(box, [...(this.delivered.get(box) ?? []), text]);
  }

  #abort(): void {
    if (this.#message !== undefined) this.#player?.abort();
    this.#message = undefined;
  }

  #answer(verdict: Verdict): SmtpReply {
    switch (verdict.kind) {
      case "reply":
        // Every line begins with the code, as it goes out to the client.
        return { code: verdict.code, lines: verdict.text.split("\r\n").map((line) => line.slice(4)) };
      case "reject":
        return reply("550", "5.7.1 Command rejected");
      case "tempfail":
        return reply("451", "4.3.2 Please try again later");
      default:
        return OK;
    }
  }

  /** The name that the address's PTR gives and whose addresses confirm it, else `[address]`. */
  #hostName(address: string): string {
    const type = address.includes(":") ? "AAAA" : "A";
    const names = this.#zone.answer(reverseName(address), "PTR");
    const confirmed = (names.kind === "records" ? names.records : []).find(({ data }) => {
      if (data.type !== "PTR") return false;
      const addresses = this.#zone.answer(data.value, type);
      return (
        addresses.kind === "records" &&
        addresses.records.some((record) => record.data.type === type && record.data.value === address)
      );
    });
    return confirmed?.data.type === "PTR" ? confirmed.data.value : `[${address}]`;
  }
}
