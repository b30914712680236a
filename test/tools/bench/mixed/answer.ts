/** Answers of the mixed zone on the wire. */
import { parseIpAddress } from "../../../../src/address/index.ts";
import { answerOf, TYPE } from "./zone.ts";

function encodeName(name: string): Buffer {
  const labels = name
    .split(".")
    .map((label) => Buffer.from(String.fromCharCode(label.length) + label, "latin1"));
  return Buffer.concat([...labels, Buffer.from([0])]);
}

/** The strings of a TXT record have 255 octets at most. */
function encodeText(text: string): Buffer {
  const strings: Buffer[] = [];
  for (let at = 0; at < text.length; at += 255) {
    const part = Buffer.from(text.slice(at, at + 255), "latin1");
    strings.push(Buffer.from([part.length]), part);
  }
  return Buffer.concat(strings);
}

function encodeData(type: number, data: string): Buffer {
  if (type === TYPE.TXT) return encodeText(data);
  if (type === TYPE.MX) return Buffer.concat([Buffer.from([0, 10]), encodeName(data)]);
  const address = parseIpAddress(data);
  if (address === undefined) throw new Error(`no address: ${data}`);
  return Buffer.from(address.bytes);
}

/** A record of the name that was asked for. */
function encodeRecord(type: number, ttl: number, rdata: Buffer): Buffer {
  const fixed = Buffer.alloc(12);
  fixed.writeUInt16BE(0xc00c, 0);
  fixed.writeUInt16BE(type, 2);
  fixed.writeUInt16BE(1, 4);
  fixed.writeUInt32BE(ttl, 6);
  fixed.writeUInt16BE(rdata.length, 10);
  return Buffer.concat([fixed, rdata]);
}

/** Two names that are the root, then serial, refresh, retry, expire and the negative TTL. */
function soaData(negativeTtl: number): Buffer {
  const data = Buffer.alloc(22);
  data.writeUInt32BE(negativeTtl, 18);
  return data;
}

const SOA = 6;

/** The answer to a query whose question ends at `end`; undefined for a name server that says nothing. */
export function mixedAnswer(
  query: Buffer,
  name: string,
  type: number,
  end: number,
  zone: { readonly seed: number; readonly offShare: number },
): Buffer | undefined {
  const answer = answerOf(zone.seed, name, type, zone.offShare);
  if (answer.kind === "silence") return undefined;
  const records =
    answer.kind === "records"
      ? answer.data.map((data) => encodeRecord(type, answer.ttl, encodeData(type, data)))
      : [];
  // What does not exist may be kept as long as the SOA record says (RFC 2308 section 5).
  const authority = records.length > 0 ? [] : [encodeRecord(SOA, answer.ttl, soaData(answer.ttl))];
  const head = Buffer.from(query.subarray(0, end));
  head.writeUInt16BE(answer.kind === "nxdomain" ? 0x8583 : 0x8580, 2);
  head.writeUInt16BE(records.length, 6);
  head.writeUInt16BE(authority.length, 8);
  head.writeUInt16BE(0, 10);
  return Buffer.concat([head, ...records, ...authority]);
}
