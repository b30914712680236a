/** What an MTA says to one filter in one connection, worked out once for each negotiation. */
import { isIPv6 } from "node:net";
import {
  bodyPackets,
  headerPackets,
  type MessageShape,
  type Mta,
  macroPackets,
  packet,
  readNegotiated,
  SMFIP,
} from "./packets.ts";

/** Where the MTA is when it waits for an answer. */
export type WaitsAt =
  | "connect"
  | "helo"
  | "mail"
  | "rcpt"
  | "data"
  | "header"
  | "endOfHeaders"
  | "body"
  | "endOfMessage";

/** Packets that go out together, and the answer that is waited for after them. */
export interface Exchange {
  readonly packets: readonly Buffer[];
  readonly waitsAt: WaitsAt | undefined;
}

/** The whole connection: once at its start, then for every message. */
export interface Script {
  readonly start: readonly Exchange[];
  /** The first exchange of a message lacks its MAIL packet: {@link mail} makes it. */
  readonly beforeMail: readonly Buffer[];
  readonly mailIsSent: boolean;
  readonly mailIsAnswered: boolean;
  readonly rest: readonly Exchange[];
}

/** The MAIL packet for a sender. */
export function mail(sender: string): Buffer {
  return packet("M", `<${sender}>\0`);
}

/** Collects packets into exchanges: an answered packet ends one. */
class Exchanges {
  readonly list: Exchange[] = [];
  #pending: Buffer[] = [];

  add(bytes: Buffer | undefined, waitsAt?: WaitsAt): void {
    if (bytes !== undefined) this.#pending.push(bytes);
    if (waitsAt !== undefined) this.end(waitsAt);
  }

  end(waitsAt?: WaitsAt): void {
    if (this.#pending.length === 0) return;
    this.list.push({ packets: this.#pending, waitsAt });
    this.#pending = [];
  }
}

function connectPacket(shape: MessageShape): Buffer {
  const six = isIPv6(shape.clientIp);
  const family = six ? "6" : "4";
  const port = Buffer.from([0x9c, 0x40]).toString("latin1");
  return packet("C", `${shape.clientName}\0${family}${port}${six ? "IPv6:" : ""}${shape.clientIp}\0`);
}

/** Works out the script that follows the data of a filter's OPTNEG reply. */
export function scriptFor(reply: Buffer, mta: Mta, shape: MessageShape): Script {
  const negotiated = readNegotiated(reply);
  const bits = negotiated.protocol;
  const has = (bit: number): boolean => (bits & bit) !== 0;
  const macros = macroPackets(mta, shape, negotiated);
  const unless = (quiet: number, at: WaitsAt): WaitsAt | undefined => (has(quiet) ? undefined : at);

  const start = new Exchanges();
  start.add(macros.connect);
  if (!has(SMFIP.NOCONNECT)) start.add(connectPacket(shape), unless(SMFIP.NR_CONN, "connect"));
  start.add(macros.helo);
  if (!has(SMFIP.NOHELO)) start.add(packet("H", `${shape.helo}\0`), unless(SMFIP.NR_HELO, "helo"));
  start.end();

  const rest = new Exchanges();
  rest.add(macros.rcpt);
  if (!has(SMFIP.NORCPT)) rest.add(packet("R", `<${shape.recipient}>\0`), unless(SMFIP.NR_RCPT, "rcpt"));
  rest.add(macros.data);
  if (!has(SMFIP.NODATA)) rest.add(packet("T"), unless(SMFIP.NR_DATA, "data"));
  const id = mta === "postfix" ? macros.endOfMessage : undefined;
  const withId = (letter: string): Buffer | undefined => {
    if (id === undefined) return undefined;
    const copy = Buffer.from(id);
    copy.write(letter, 5, "latin1");
    return copy;
  };
  if (!has(SMFIP.NOHDRS)) {
    const before = withId("L");
    for (const header of headerPackets(shape.headers)) {
      rest.add(before);
      rest.add(header, unless(SMFIP.NR_HDR, "header"));
    }
  }
  if (!has(SMFIP.NOEOH)) {
    rest.add(macros.endOfHeaders);
    rest.add(packet("N"), unless(SMFIP.NR_EOH, "endOfHeaders"));
  }
  const body = has(SMFIP.NOBODY) ? [packet("E")] : bodyPackets(shape.bodyOctets, mta);
  for (const chunk of body.slice(0, -1)) {
    rest.add(withId("B"));
    rest.add(chunk, unless(SMFIP.NR_BODY, "body"));
  }
  rest.add(macros.endOfMessage);
  rest.add(body.at(-1), "endOfMessage");

  return {
    start: start.list,
    beforeMail: macros.mail === undefined ? [] : [macros.mail],
    mailIsSent: !has(SMFIP.NOMAIL),
    mailIsAnswered: !has(SMFIP.NR_MAIL),
    rest: rest.list,
  };
}
