/**
 * A programmable MTA: plays SMTP sessions to a milter with the packets of Sendmail or Postfix, honours what
 * the filter has negotiated, and tells what came back.
 *
 *     const mta = new MtaPlayer(await openSocket(path), { style: "postfix" });
 *     await mta.connect({ hostname: "mail.example.net", address: "192.0.2.1" });
 *     await mta.helo("mail.example.net");
 *     const { verdict, edits, waits } = await mta.message({ from: "<a@example.net>", recipients: ["<b@c.test>"] });
 *     mta.quit();
 */
import {
  type ConnectCommand,
  type Edit,
  type MacroStage,
  type Offer,
  PacketDecoder,
  SMFIP_NOBODY,
  SMFIP_NOCONNECT,
  SMFIP_NODATA,
  SMFIP_NOEOH,
  SMFIP_NOHDRS,
  SMFIP_NOHELO,
  SMFIP_NOMAIL,
  SMFIP_NORCPT,
  SMFIP_NOUNKNOWN,
  SMFIP_NR_BODY,
  SMFIP_NR_CONN,
  SMFIP_NR_DATA,
  SMFIP_NR_EOH,
  SMFIP_NR_HDR,
  SMFIP_NR_HELO,
  SMFIP_NR_MAIL,
  SMFIP_NR_RCPT,
  SMFIP_NR_UNKN,
} from "milter-protocol";
import type { MilterWire } from "./milter-wire.ts";
import {
  command,
  decodeFilterPacket,
  type FilterPacket,
  MACRO_LETTERS,
  MACRO_STAGES,
  MODERN_OFFER,
  type NegotiationReply,
  type Verdict,
} from "./mta-codec.ts";

export { inMemory, type MilterWire, openSocket, openSocketOnceListening } from "./milter-wire.ts";
export type { NegotiationReply, Verdict } from "./mta-codec.ts";

export interface PlayerOptions {
  /** Whose packet pattern is played; `sendmail` where not given. */
  readonly style?: "sendmail" | "postfix";
  readonly offer?: Offer;
  /** Macros that are never sent. */
  readonly missing?: ReadonlySet<string>;
  /** Longest wait for one reply, in milliseconds; 10,000 where not given. Longer rejects. */
  readonly timeoutMs?: number;
}

/** Macros by name, as in the protocol: `i`, `{auth_authen}`. */
export type MacroValues = Readonly<Record<string, string>>;

/** A message to be played. */
export interface PlayedMessage {
  /** With angle brackets. */
  readonly from: string;
  readonly parameters?: readonly string[];
  readonly recipients: readonly string[];
  /** Values without the space after the colon. From, To and Subject where not given. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly body?: string | Buffer;
  /** The queue id, macro `i`. */
  readonly queueId?: string;
  /** Macros besides those that every MTA sends, by stage; they win. */
  readonly macros?: Partial<Record<MacroStage, MacroValues>>;
}

/** What became of a message. */
export interface MessageOutcome {
  /** The stage that decided; `endOfMessage` where the message went all the way. */
  readonly stage:
    | "connection"
    | "mail"
    | "rcpt"
    | "data"
    | "header"
    | "endOfHeaders"
    | "body"
    | "endOfMessage";
  readonly verdict: Verdict;
  /** The verdict on each recipient that was asked about. */
  readonly recipients: readonly { readonly path: string; readonly verdict: Verdict }[];
  readonly edits: readonly Edit[];
  /** How often the MTA was kept waiting for this message. */
  readonly waits: number;
}

type Stage = keyof typeof BITS;

const BITS = {
  connect: { no: SMFIP_NOCONNECT, nr: SMFIP_NR_CONN },
  helo: { no: SMFIP_NOHELO, nr: SMFIP_NR_HELO },
  mail: { no: SMFIP_NOMAIL, nr: SMFIP_NR_MAIL },
  rcpt: { no: SMFIP_NORCPT, nr: SMFIP_NR_RCPT },
  data: { no: SMFIP_NODATA, nr: SMFIP_NR_DATA },
  header: { no: SMFIP_NOHDRS, nr: SMFIP_NR_HDR },
  endOfHeaders: { no: SMFIP_NOEOH, nr: SMFIP_NR_EOH },
  body: { no: SMFIP_NOBODY, nr: SMFIP_NR_BODY },
  unknown: { no: SMFIP_NOUNKNOWN, nr: SMFIP_NR_UNKN },
  endOfMessage: { no: 0, nr: 0 },
} as const;

const CONTINUE: Verdict = { kind: "continue" };
const BODY_CHUNK_OCTETS = 65_535;

export class MtaPlayer {
  readonly #wire: MilterWire;
  readonly #style: "sendmail" | "postfix";
  readonly #offer: Offer;
  readonly #missing: ReadonlySet<string>;
  readonly #timeoutMs: number;
  readonly #decoder = new PacketDecoder();
  #unsent: Buffer[] = [];
  #negotiated: NegotiationReply | undefined;
  #connectionVerdict: Verdict = CONTINUE;
  #waits = 0;
  #recipients = 0;
  #queueId = "QUEUE1";
  #messages = 0;

  constructor(wire: MilterWire, options: PlayerOptions = {}) {
    this.#wire = wire;
    this.#style = options.style ?? "sendmail";
    this.#offer = options.offer ?? MODERN_OFFER;
    this.#missing = options.missing ?? new Set();
    this.#timeoutMs = options.timeoutMs ?? 10_000;
  }

  /** How often the MTA has waited for the filter, the negotiation included. */
  get waits(): number {
    return this.#waits;
  }

  /** What the filter answered to the offer; undefined before {@link negotiate}. */
  get negotiated(): NegotiationReply | undefined {
    return this.#negotiated;
  }

  /** Offers and reads the answer. Called by {@link connect} where it has not been. Throws where an MTA would give up. */
  async negotiate(): Promise<NegotiationReply> {
    this.#put(command.negotiate(this.#offer));
    const answer = await this.#await();
    if (answer.kind !== "negotiation") throw new Error(`the filter answered the offer with ${answer.kind}`);
    if (answer.version > this.#offer.version || answer.version < 2) {
      throw new Error(`the filter answered version ${answer.version} to ${this.#offer.version}`);
    }
    if ((answer.actions & ~this.#offer.actions) !== 0 || (answer.protocol & ~this.#offer.protocol) !== 0) {
      throw new Error("the filter asked for what was not offered");
    }
    this.#negotiated = answer;
    return answer;
  }

  /** Family from the address where not given; an IPv6 address gets Sendmail's prefix in that style. */
  async connect(
    client: { hostname: string; address?: string; port?: number; family?: ConnectCommand["family"] },
    macros: MacroValues = {},
  ): Promise<Verdict> {
    if (this.#negotiated === undefined) await this.negotiate();
    const bare = client.address ?? "";
    const family = client.family ?? (bare.includes(":") ? "inet6" : bare === "" ? "unknown" : "inet");
    const prefix =
      family === "inet6" && this.#style === "sendmail" && !bare.startsWith("IPv6:") ? "IPv6:" : "";
    const defaults =
      this.#style === "sendmail"
        ? { j: "mx.example.test", _: `${client.hostname} [${bare}]`, "{daemon_name}": "MTA" }
        : { j: "mx.example.test", "{daemon_name}": "mx.example.test", v: "Postfix 3.7.11" };
    this.#macros("connect", { ...defaults, ...macros });
    this.#connectionVerdict = await this.#ask(
      "connect",
      command.connect({
        hostname: client.hostname,
        family,
        port: client.port ?? 25_000,
        address: prefix + bare,
      }),
    );
    return this.#connectionVerdict;
  }

  async helo(name: string, macros: MacroValues = {}): Promise<Verdict> {
    this.#macros("helo", macros);
    const verdict = await this.#ask("helo", command.helo(name));
    if (this.#connectionVerdict.kind === "continue") this.#connectionVerdict = verdict;
    return verdict;
  }

  async mail(path: string, parameters: readonly string[] = [], macros: MacroValues = {}): Promise<Verdict> {
    this.#recipients = 0;
    const address = path.replace(/^<|>$/g, "");
    const defaults: MacroValues =
      this.#style === "sendmail"
        ? { i: this.#queueId, "{mail_mailer}": "esmtp", "{mail_host}": "", "{mail_addr}": address }
        : { "{mail_addr}": address, "{mail_host}": "", "{mail_mailer}": "smtp" };
    this.#macros("mail", { ...defaults, ...macros });
    return this.#ask("mail", command.mail(path, parameters));
  }

  async rcpt(path: string, parameters: readonly string[] = [], macros: MacroValues = {}): Promise<Verdict> {
    const defaults: MacroValues = {
      ...(this.#style === "postfix" && this.#recipients > 0 ? { i: this.#queueId } : {}),
      "{rcpt_addr}": path.replace(/^<|>$/g, ""),
      "{rcpt_host}": "",
      "{rcpt_mailer}": "local",
    };
    this.#recipients++;
    this.#macros("rcpt", { ...defaults, ...macros });
    return this.#ask("rcpt", command.rcpt(path, parameters));
  }

  async data(macros: MacroValues = {}): Promise<Verdict> {
    this.#macros("data", { ...this.#postfixId(), ...macros });
    return this.#ask("data", command.data());
  }

  async header(name: string, value: string): Promise<Verdict> {
    return this.#ask("header", command.header(name, value));
  }

  async endOfHeaders(macros: MacroValues = {}): Promise<Verdict> {
    if (!this.#suppressed("endOfHeaders")) this.#macros("endOfHeaders", { ...this.#postfixId(), ...macros });
    return this.#ask("endOfHeaders", command.endOfHeaders());
  }

  async body(bytes: string | Uint8Array): Promise<Verdict> {
    return this.#ask("body", command.body(bytes));
  }

  /** An SMTP command that the MTA does not know. */
  async unknown(line: string): Promise<Verdict> {
    return this.#ask("unknown", command.unknown(line));
  }

  /** `bytes` is the rest of the body, which Postfix carries here. */
  async endOfMessage(
    bytes: string | Uint8Array = "",
    macros: MacroValues = {},
  ): Promise<{ verdict: Verdict; edits: Edit[] }> {
    const id: MacroValues =
      this.#style === "sendmail" ? { "{msg_id}": `<${this.#queueId}@mx.example.test>` } : this.#postfixId();
    this.#macros("endOfMessage", { ...id, ...macros });
    this.#put(command.endOfMessage(bytes));
    const edits: Edit[] = [];
    this.#waits++;
    for (;;) {
      const answer = await this.#next();
      switch (answer.kind) {
        case "continue":
        case "accept":
        case "reject":
        case "discard":
        case "tempfail":
        case "reply":
          return { verdict: answer, edits };
        case "progress":
          break;
        case "negotiation":
        case "skip":
        case "shutdown":
        case "connectionFailure":
          throw new Error(`${answer.kind} at end of message`);
        default:
          edits.push(answer);
      }
    }
  }

  abort(): void {
    this.#put(command.abort());
    this.#flush();
  }

  /** The next SMTP client over the same socket. */
  quitNewConnection(): void {
    this.#connectionVerdict = CONTINUE;
    this.#put(command.quitNewConnection());
    this.#flush();
  }

  /** Says QUIT and closes at once, as both MTAs do. */
  quit(): void {
    this.#put(command.quit());
    this.#flush();
    this.#wire.close();
  }

  /** Closes without a word. */
  hangUp(): void {
    this.#wire.close();
  }

  /** Sends bytes of any kind. */
  send(bytes: Buffer): void {
    this.#put(bytes);
    this.#flush();
  }

  /** The next packet of the filter, or undefined when it has closed. */
  async receive(): Promise<FilterPacket | undefined> {
    for (;;) {
      const packet = this.#decoder.next();
      if (packet !== undefined) return decodeFilterPacket(packet);
      const chunk = await this.#read();
      if (chunk === undefined) return undefined;
      this.#decoder.append(chunk);
    }
  }

  /** Plays a whole message after CONNECT and HELO, stops where the filter decides, aborts where the MTA would. */
  async message(message: PlayedMessage): Promise<MessageOutcome> {
    const before = this.#waits;
    this.#queueId = message.queueId ?? `QUEUE${++this.#messages}`;
    const recipients: { path: string; verdict: Verdict }[] = [];
    const outcome = (
      stage: MessageOutcome["stage"],
      verdict: Verdict,
      edits: Edit[] = [],
    ): MessageOutcome => {
      // Postfix aborts after every message, Sendmail where one that was begun is given up.
      const begun = stage !== "connection" && stage !== "mail" && stage !== "endOfMessage";
      if (stage !== "connection" && (this.#style === "postfix" || (begun && verdict.kind !== "accept"))) {
        this.abort();
      }
      return { stage, verdict, recipients, edits, waits: this.#waits - before };
    };

    if (this.#connectionVerdict.kind !== "continue") return outcome("connection", this.#connectionVerdict);
    const macros = message.macros ?? {};
    const mail = await this.mail(message.from, message.parameters, macros.mail);
    if (mail.kind !== "continue") return outcome("mail", mail);

    let left = 0;
    let refused: Verdict = CONTINUE;
    for (const path of message.recipients) {
      const verdict = await this.rcpt(path, [], macros.rcpt);
      recipients.push({ path, verdict });
      if (verdict.kind === "accept" || verdict.kind === "discard") return outcome("rcpt", verdict);
      if (verdict.kind === "continue") left++;
      else refused = verdict;
    }
    if (left === 0) return outcome("rcpt", refused);

    const data = await this.data(macros.data);
    if (data.kind !== "continue") return outcome("data", data);
    const headers = message.headers ?? [
      ["From", message.from],
      ["To", message.recipients.join(", ")],
      ["Subject", "test"],
    ];
    for (const [name, value] of headers) {
      const verdict = await this.header(name, value);
      if (verdict.kind !== "continue") return outcome("header", verdict);
    }
    const endOfHeaders = await this.endOfHeaders(macros.endOfHeaders);
    if (endOfHeaders.kind !== "continue") return outcome("endOfHeaders", endOfHeaders);

    const { verdict, rest } = await this.#playBody(Buffer.from(message.body ?? "test\r\n"));
    if (verdict.kind !== "continue") return outcome("body", verdict);
    const end = await this.endOfMessage(rest, macros.endOfMessage);
    return outcome("endOfMessage", end.verdict, end.edits);
  }

  /** Sends the body but for what the style carries inside end of message. */
  async #playBody(body: Buffer): Promise<{ verdict: Verdict; rest: Buffer }> {
    const nothing = Buffer.alloc(0);
    if (this.#suppressed("body")) return { verdict: CONTINUE, rest: nothing };
    for (let at = 0; at < body.length; at += BODY_CHUNK_OCTETS) {
      const chunk = body.subarray(at, at + BODY_CHUNK_OCTETS);
      if (this.#style === "postfix" && chunk.length < BODY_CHUNK_OCTETS)
        return { verdict: CONTINUE, rest: chunk };
      const verdict = await this.body(chunk);
      if (verdict.kind !== "continue") return { verdict, rest: nothing };
    }
    return { verdict: CONTINUE, rest: nothing };
  }

  #postfixId(): MacroValues {
    return this.#style === "postfix" ? { i: this.#queueId } : {};
  }

  #suppressed(stage: Stage): boolean {
    return ((this.#negotiated?.protocol ?? 0) & BITS[stage].no) !== 0;
  }

  /** Macros go out even where their command was asked away. */
  #macros(stage: MacroStage, all: MacroValues): void {
    const list = this.#symbolList(stage);
    if (list?.length === 0) return;
    const values = Object.entries(all).filter(
      ([name]) => !this.#missing.has(name) && list?.includes(name) !== false,
    );
    this.#put(command.macros(MACRO_LETTERS[stage], Object.fromEntries(values)));
  }

  /** The list that holds for a stage, with the quirk of each MTA; undefined: the MTA's own. */
  #symbolList(stage: MacroStage): readonly string[] | undefined {
    const lists = this.#negotiated?.symbolLists;
    const list = lists?.get(MACRO_STAGES[stage]);
    if (this.#style === "postfix") return list?.length === 0 ? undefined : list;
    if (stage === "endOfMessage" && lists?.has(MACRO_STAGES.endOfHeaders) !== true) return undefined;
    return list;
  }

  async #ask(stage: Stage, bytes: Buffer): Promise<Verdict> {
    if (this.#suppressed(stage)) return CONTINUE;
    this.#put(bytes);
    if (((this.#negotiated?.protocol ?? 0) & BITS[stage].nr) !== 0) return CONTINUE;
    const answer = await this.#await();
    switch (answer.kind) {
      case "continue":
      case "accept":
      case "reject":
      case "discard":
      case "tempfail":
      case "reply":
        return answer;
      default:
        throw new Error(`${answer.kind} at ${stage}`);
    }
  }

  async #await(): Promise<FilterPacket> {
    this.#waits++;
    return this.#next();
  }

  async #next(): Promise<FilterPacket> {
    this.#flush();
    const answer = await this.receive();
    if (answer === undefined) throw new Error("the filter has closed the connection");
    return answer;
  }

  /** Sendmail writes each packet by itself, Postfix gathers them until it needs a reply. */
  #put(bytes: Buffer): void {
    if (this.#style === "postfix") this.#unsent.push(bytes);
    else this.#wire.write(bytes);
  }

  #flush(): void {
    if (this.#unsent.length === 0) return;
    const bytes = Buffer.concat(this.#unsent);
    this.#unsent = [];
    this.#wire.write(bytes);
  }

  async #read(): Promise<Buffer | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new Error(`no answer of the filter within ${this.#timeoutMs} ms`));
      }, this.#timeoutMs);
    });
    try {
      return await Promise.race([this.#wire.read(), late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
