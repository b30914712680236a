import dnsPacket from "dns-packet";
import type { Answer, RecordType, TemperrorCause } from "spf-check";
import { isAscii, isWireName, type OctetString } from "../address/index.ts";
import { guardResponse, MessageReader, type WireRecord } from "./wire.ts";

/** What we take over UDP: fits an Ethernet frame without fragments (RFC 9715). */
const UDP_PAYLOAD_OCTETS = 1232;
const HEADER_OCTETS = 12;

/** What the evaluator asks for, and what a probe does. */
interface WireQuestion {
  readonly name: OctetString;
  readonly type: RecordType | "NS";
}

/** One question in the form of the wire. */
export interface Query {
  readonly question: WireQuestion;
  /** A whole message with the id 0. */
  readonly message: Buffer;
  /** Its question section: an answer must repeat it. */
  readonly section: Buffer;
}

/**
 * Whether the question can be sent at all. Macros make names of any octets; a name that DNS or the encoder cannot
 * carry does not exist, and nothing is sent for it. The encoder writes text as UTF-8 and strips dots at the ends
 * of lines, so other than ASCII and line ends are among those.
 */
export function isAskable(name: OctetString): boolean {
  return isAscii(name) && isWireName(name) && !name.startsWith(".") && !/[\r\n]/.test(name);
}

/** Equal for equal questions: DNS compares names without regard to case (RFC 4343); only ASCII names are ever sent. */
export function questionKey({ type, name }: WireQuestion): string {
  return `${type} ${name.toLowerCase()}`;
}

/** For a name that {@link isAskable}; without EDNS0 where a server has refused it (RFC 6891 section 6.2.2). */
export function encodeQuery(question: WireQuestion, edns: boolean): Query {
  const message = dnsPacket.encode({
    type: "query",
    id: 0,
    flags: dnsPacket.RECURSION_DESIRED,
    questions: [{ name: question.name, type: question.type, class: "IN" }],
    additionals: edns
      ? [
          {
            type: "OPT",
            name: ".",
            udpPayloadSize: UDP_PAYLOAD_OCTETS,
            extendedRcode: 0,
            ednsVersion: 0,
            flags: 0,
            flag_do: false,
            options: [],
          },
        ]
      : [],
  });
  // Name, its length octets and the root, type and class.
  const bare = question.name.replace(/\.$/, "").length;
  const octets = (bare === 0 ? 1 : bare + 2) + 4;
  return { question, message, section: message.subarray(HEADER_OCTETS, HEADER_OCTETS + octets) };
}

/** The question for the name servers of the root, which every resolver can answer. */
export function encodeProbe(edns: boolean): Query {
  return encodeQuery({ name: ".", type: "NS" }, edns);
}

/** Whether the message is a response that repeats the question, whatever it says. */
export function isAnswerTo(message: Buffer, query: Query): boolean {
  return (
    message.length >= HEADER_OCTETS &&
    (message.readUInt16BE(2) & RESPONSE_BIT) !== 0 &&
    repeatsQuestion(message, query)
  );
}

/** Whether the message repeats our question: the name in any case (RFC 4343), type and class. */
function repeatsQuestion(message: Buffer, { section }: Query): boolean {
  const names = section.length - 4;
  if (message.length < HEADER_OCTETS + section.length) return false;
  for (let i = 0; i < section.length; i++) {
    const ours = section[i] ?? 0;
    const theirs = message[HEADER_OCTETS + i] ?? 0;
    if (ours === theirs) continue;
    if (i >= names || lowerCase(ours) !== lowerCase(theirs)) return false;
  }
  return true;
}

/** Lengths of labels are below the letters, so they stay as they are. */
function lowerCase(octet: number): number {
  return octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet;
}

/** Aliases followed inside one message. */
const ALIASES_MAX = 16;
/** The longest life of a negative answer (RFC 2308 section 5: one to three hours). */
const NEGATIVE_TTL_SECONDS_MAX = 3 * 3600;

const RESPONSE_BIT = 0x8000;
const OPCODE_BITS = 0x7800;
const TRUNCATED_BIT = 0x0200;
/** The server answers from its own zone, or looks names up for us (RFC 1035 section 4.1.1). */
const AUTHORITATIVE_OR_RECURSIVE_BITS = 0x0480;
const RCODE_BITS = 0x000f;

/** RCODEs in the words of the IANA registry. */
const RCODE_NAMES: Readonly<Record<number, string>> = {
  1: "FORMERR",
  2: "SERVFAIL",
  4: "NOTIMP",
  5: "REFUSED",
  16: "BADVERS",
};

/** What a message from a name server means for our question. */
export type Response =
  /** Not an answer to this question: the wait for one goes on. */
  | { readonly kind: "foreign" }
  /** Too large for UDP: to be asked again over TCP (RFC 7766 section 5). */
  | { readonly kind: "truncated" }
  /** The server cannot say; another one might. `noEdns`: it may be that it does not know EDNS0. */
  | {
      readonly kind: "failure";
      readonly problem: string;
      readonly cause: TemperrorCause;
      /** The RCODE (RFC 6895 section 2.3); 0 where it is not the server that fails. */
      readonly rcode: number;
      readonly noEdns: boolean;
    }
  | { readonly kind: "answer"; readonly answer: Answer }
  /** An alias whose target the server did not look up. */
  | {
      readonly kind: "alias";
      readonly target: OctetString;
      readonly aliases: number;
      readonly ttlSeconds: number;
    };

const FOREIGN: Response = { kind: "foreign" };
const TRUNCATED: Response = { kind: "truncated" };
const MALFORMED = failureWith("malformed DNS answer");
const REFERRAL = failureWith("DNS answer is a referral, the name server does not look names up");

function failureWith(problem: string): Response {
  return { kind: "failure", problem, cause: "other", rcode: 0, noEdns: false };
}

/**
 * Reads a message that came for a query with the same id. It never throws, its work is bounded by the length of
 * the message, and the message is changed on the way.
 */
export function readResponse(message: Buffer, query: Query): Response {
  if (message.length < 12) return FOREIGN;
  const flags = message.readUInt16BE(2);
  const questions = message.readUInt16BE(4);
  if ((flags & RESPONSE_BIT) === 0 || (flags & OPCODE_BITS) !== 0) return FOREIGN;
  if (questions === 0 && isFailure(flags & RCODE_BITS)) return failureOf(flags & RCODE_BITS);
  if (questions !== 1 || !repeatsQuestion(message, query)) return FOREIGN;
  if ((flags & TRUNCATED_BIT) !== 0) return TRUNCATED;
  const header = guardResponse(message);
  if (header === undefined) return isFailure(flags & RCODE_BITS) ? failureOf(flags & RCODE_BITS) : MALFORMED;
  if (isFailure(header.rcode)) return failureOf(header.rcode);
  const reader = new MessageReader(message, HEADER_OCTETS + query.section.length);
  if (header.namesServers && isReferral(reader, flags)) return REFERRAL;
  return interpret(reader, query.question, header.rcode === 3);
}

/** RCODE 0 and 3 are answers, all others temperror (RFC 7208 sections 4.4 and 5). */
const isFailure = (rcode: number): boolean => rcode !== 0 && rcode !== 3;

function failureOf(rcode: number): Response {
  const name = RCODE_NAMES[rcode] ?? `RCODE ${rcode}`;
  const cause = rcode === 2 ? "servfail" : rcode === 5 ? "refused" : "other";
  return { kind: "failure", problem: `DNS answer ${name}`, cause, rcode, noEdns: [1, 4, 16].includes(rcode) };
}

/**
 * Whether a message with NS records sends us on to other servers (RFC 2308 section 2.2): it has no answer and no SOA,
 * and comes from a server that neither knows nor looks further. That is not NODATA: taken for one, every domain would
 * publish nothing.
 */
function isReferral(reader: MessageReader, flags: number): boolean {
  return (
    (flags & (AUTHORITATIVE_OR_RECURSIVE_BITS | RCODE_BITS)) === 0 &&
    reader.message.readUInt16BE(6) === 0 &&
    negativeTtlOf(reader) === undefined
  );
}

/** Walks the answer once, then follows aliases from owner to owner. */
function interpret(reader: MessageReader, question: WireQuestion, nxdomain: boolean): Response {
  const byOwner = new Map<OctetString, WireRecord[]>();
  for (const record of reader.answers) {
    const own = byOwner.get(record.owner);
    if (own === undefined) byOwner.set(record.owner, [record]);
    else own.push(record);
  }
  let owner = question.name.replace(/\.$/, "");
  let aliases = 0;
  let ttlSeconds = Infinity;
  for (;;) {
    const own = byOwner.get(owner.toLowerCase()) ?? [];
    const found = nxdomain ? [] : own.filter(({ type }) => type === question.type);
    if (found.length > 0) {
      for (const record of found) ttlSeconds = Math.min(ttlSeconds, record.ttlSeconds);
      const records = found.map((record) => reader.dataOf(record)).filter((data) => data !== undefined);
      // Of exactly its size: it may be kept for long.
      return { kind: "answer", answer: { status: "found", records: [...records], ttlSeconds } };
    }
    const alias = own.find(({ type }) => type === "CNAME");
    if (alias === undefined) break;
    if (++aliases > ALIASES_MAX) return failureWith("endless CNAME chain");
    ttlSeconds = Math.min(ttlSeconds, alias.ttlSeconds);
    owner = reader.name(alias.data);
  }
  const negativeTtl = negativeTtlOf(reader);
  if (!nxdomain && aliases > 0 && negativeTtl === undefined) {
    return { kind: "alias", target: owner, aliases, ttlSeconds };
  }
  return {
    kind: "answer",
    answer: {
      status: nxdomain ? "nxdomain" : "nodata",
      ttlSeconds: Math.min(ttlSeconds, negativeTtl ?? 0),
    },
  };
}

/** RFC 2308 section 5; undefined where no SOA is there, and the answer may not be kept. */
function negativeTtlOf({ authorities }: MessageReader): number | undefined {
  const soa = authorities.find(({ type }) => type === "SOA");
  return soa?.negativeTtlSeconds === undefined
    ? undefined
    : Math.min(soa.negativeTtlSeconds, NEGATIVE_TTL_SECONDS_MAX);
}
