import dnsPacket from "dns-packet";
import type { Question } from "spf-check";
import { isAscii, isWireName, type OctetString } from "../address/index.ts";

/** What we take over UDP: fits an Ethernet frame without fragments (RFC 9715). */
const UDP_PAYLOAD_OCTETS = 1232;
const HEADER_OCTETS = 12;

/** One question in the form of the wire. */
export interface Query {
  readonly question: Question;
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

/** For a name that {@link isAskable}; without EDNS0 where a server has refused it (RFC 6891 section 6.2.2). */
export function encodeQuery(question: Question, edns: boolean): Query {
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
  const bare = question.name.endsWith(".") ? question.name.length - 1 : question.name.length;
  return { question, message, section: message.subarray(HEADER_OCTETS, HEADER_OCTETS + bare + 6) };
}

/** Whether the message repeats our question: the name in any case (RFC 4343), type and class. */
export function repeatsQuestion(message: Buffer, { section }: Query): boolean {
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
