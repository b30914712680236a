import type { Answer, OptAnswer, SoaAnswer } from "dns-packet";
import dnsPacket from "dns-packet";
import type { ZoneRcode, ZoneRecord } from "./zone.ts";

/** A question as it came in. */
export interface Query {
  readonly id: number;
  /** In octets, as asked, without the final dot. */
  readonly name: string;
  readonly type: string;
  /** The question section, octet by octet. */
  readonly questionSection: Buffer;
  /** The UDP size that EDNS0 allows; undefined without EDNS0 (RFC 6891). */
  readonly udpSize: number | undefined;
}

/** What goes back. */
export interface Reply {
  readonly rcode: ZoneRcode | "NOERROR";
  readonly records: readonly ZoneRecord[];
  readonly ttlSeconds: number;
  /** Adds an SOA for the negative TTL (RFC 2308); undefined leaves it out. */
  readonly negativeTtlSeconds: number | undefined;
  readonly truncated: boolean;
}

const RCODE_NUMBERS = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 } as const;
const HEADER_OCTETS = 12;

/** Reads a query; undefined where it is none or has other than one question. */
export function readQuery(bytes: Buffer): Query | undefined {
  try {
    const packet = dnsPacket.decode(bytes);
    const [question] = packet.questions ?? [];
    if (packet.flag_qr || question === undefined || packet.questions?.length !== 1) return undefined;
    const { name, end } = readQuestionName(bytes);
    const opt = packet.additionals?.find((record): record is OptAnswer => record.type === "OPT");
    return {
      id: packet.id ?? 0,
      name,
      type: question.type,
      questionSection: bytes.subarray(HEADER_OCTETS, end + 4),
      udpSize: opt?.udpPayloadSize,
    };
  } catch {
    return undefined;
  }
}

/** dns-packet reads names as UTF-8; a question's name is never compressed, so its octets are easily had. */
function readQuestionName(bytes: Buffer): { name: string; end: number } {
  const labels: string[] = [];
  let at = HEADER_OCTETS;
  for (let length = bytes.readUInt8(at); length !== 0; length = bytes.readUInt8(at)) {
    labels.push(bytes.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join("."), end: at + 1 };
}

/** @throws RangeError where the message would be larger than a DNS message can be. */
export function encodeReply(query: Query, reply: Reply): Buffer {
  const answers = reply.truncated
    ? []
    : reply.records.flatMap((record) => toAnswer(record, reply.ttlSeconds));
  const message = dnsPacket.encode({
    type: "response",
    id: query.id,
    flags:
      dnsPacket.RECURSION_DESIRED |
      dnsPacket.RECURSION_AVAILABLE |
      (reply.truncated ? dnsPacket.TRUNCATED_RESPONSE : 0) |
      RCODE_NUMBERS[reply.rcode],
    answers,
    authorities: reply.negativeTtlSeconds === undefined ? [] : [soa(reply.negativeTtlSeconds)],
    additionals: query.udpSize === undefined ? [] : [opt()],
  });
  message.writeUInt16BE(1, 4);
  const whole = Buffer.concat([
    message.subarray(0, HEADER_OCTETS),
    query.questionSection,
    message.subarray(HEADER_OCTETS),
  ]);
  if (whole.length > 0xffff) throw new RangeError(`a message of ${whole.length} octets`);
  return whole;
}

/** The text whose UTF-8 is these octets: dns-packet writes names as UTF-8. */
const wireText = (octets: string): string => Buffer.from(octets, "latin1").toString("utf8");

const fitsTheWire = (name: string): boolean =>
  name.length <= 253 && name.split(".").every((label) => label.length > 0 && label.length <= 63);

/** Names that no message can carry are left out. */
function toAnswer({ owner, data, ttlSeconds }: ZoneRecord, ttl: number): Answer[] {
  const common = { name: wireText(owner), ttl: ttlSeconds ?? ttl, class: "IN" } as const;
  switch (data.type) {
    case "A":
    case "AAAA":
      return [{ ...common, type: data.type, data: data.value }];
    case "PTR":
    case "CNAME": {
      const name = data.value.replace(/\.$/, "");
      return name === "" || fitsTheWire(name)
        ? [{ ...common, type: data.type, data: name === "" ? "." : wireText(name) }]
        : [];
    }
    case "MX": {
      const exchange = data.exchange.replace(/\.$/, "");
      if (exchange !== "" && !fitsTheWire(exchange)) return [];
      return [
        {
          ...common,
          type: "MX",
          data: { preference: data.preference, exchange: exchange === "" ? "." : wireText(exchange) },
        },
      ];
    }
    case "TXT":
      return [{ ...common, type: "TXT", data: characterStrings(data.strings) }];
    case "SPF":
      return [
        {
          ...common,
          type: "SPF" as "NULL",
          data: Buffer.concat(
            characterStrings(data.strings).flatMap((text) => [Buffer.from([text.length]), text]),
          ),
        },
      ];
  }
}

/** A character-string holds 255 octets (RFC 1035 section 3.3); longer ones are cut into several. */
function characterStrings(strings: readonly string[]): Buffer[] {
  return strings.flatMap((text) => {
    const octets = Buffer.from(text, "latin1");
    const parts = [octets.subarray(0, 255)];
    for (let at = 255; at < octets.length; at += 255) parts.push(octets.subarray(at, at + 255));
    return parts;
  });
}

function soa(negativeTtlSeconds: number): SoaAnswer {
  return {
    type: "SOA",
    name: ".",
    class: "IN",
    ttl: negativeTtlSeconds,
    data: {
      mname: "ns.test",
      rname: "hostmaster.test",
      serial: 1,
      refresh: 3600,
      retry: 600,
      expire: 86400,
      minimum: negativeTtlSeconds,
    },
  };
}

function opt(): OptAnswer {
  return {
    type: "OPT",
    name: ".",
    udpPayloadSize: 1232,
    extendedRcode: 0,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: [],
  };
}
