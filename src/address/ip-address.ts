import { isIPv4, isIPv6 } from "node:net";

/** An IPv4 or IPv6 address as a value. */
export interface IpAddress {
  readonly family: 4 | 6;
  /** 4 or 16 octets, network order. */
  readonly bytes: Uint8Array;
  /** Canonical text: dotted quad, or lower case of RFC 5952 (an IPv4-mapped one ends in a dotted quad). */
  readonly text: string;
}

/**
 * The address that a text spells: a dotted quad without leading zeros, or any form of RFC 4291 section 2.2.
 * Undefined for everything else: a zone (`%eth0`), a prefix length, brackets, white space.
 */
export function parseIpAddress(text: string): IpAddress | undefined {
  if (isIPv4(text)) return { family: 4, bytes: ipv4Bytes(text), text };
  if (!isIPv6(text) || text.includes("%")) return undefined;
  return ipAddressOfBytes(ipv6Bytes(text));
}

/** The address of 4 or 16 octets. Throws a RangeError for any other length. */
export function ipAddressOfBytes(bytes: Uint8Array): IpAddress {
  if (bytes.length === 4)
    return { family: 4, bytes, text: `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}` };
  if (bytes.length === 16) return { family: 6, bytes, text: ipv6Text(bytes) };
  throw new RangeError(`an IP address has 4 or 16 octets, not ${bytes.length}`);
}

/** The IPv4 address inside an IPv4-mapped IPv6 one (`::ffff:a.b.c.d`); any other address as it is. */
export function unmapIpv4(ip: IpAddress): IpAddress {
  return isIpv4Mapped(ip.bytes) ? ipAddressOfBytes(ip.bytes.slice(12)) : ip;
}

/** Whether 16 octets are an IPv4-mapped address (RFC 4291 section 2.5.5.2). */
export function isIpv4Mapped(bytes: Uint8Array): boolean {
  return (
    bytes.length === 16 &&
    bytes[10] === 0xff &&
    bytes[11] === 0xff &&
    bytes.subarray(0, 10).every((octet) => octet === 0)
  );
}

/** For a text that isIPv4() has accepted. */
function ipv4Bytes(text: string): Uint8Array {
  const bytes = new Uint8Array(4);
  let octet = 0;
  for (let at = 0; at < text.length; at++) {
    const digit = text.charCodeAt(at) - 0x30;
    // A dot comes before all digits; an octet never wraps.
    if (digit < 0) octet++;
    else bytes[octet] = (bytes[octet] ?? 0) * 10 + digit;
  }
  return bytes;
}

/** For a text that isIPv6() has accepted. */
function ipv6Bytes(text: string): Uint8Array {
  const bytes = new Uint8Array(16);
  const [head = "", tail] = text.split("::");
  const front = groupBytes(head);
  const back = groupBytes(tail ?? "");
  bytes.set(front, 0);
  bytes.set(back, 16 - back.length);
  return bytes;
}

function groupBytes(groups: string): number[] {
  if (groups === "") return [];
  return groups.split(":").flatMap((group) => {
    if (group.includes(".")) return [...ipv4Bytes(group)];
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}

function ipv6Text(bytes: Uint8Array): string {
  if (isIpv4Mapped(bytes)) return `::ffff:${bytes.subarray(12).join(".")}`;
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0));
  const { start, length } = longestZeroRun(groups);
  const hex = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(":");
  // RFC 5952 section 4.2.2: a single group of zeros is not shortened.
  if (length < 2) return hex(groups);
  return `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`;
}

/** The first of the longest runs of zero groups (RFC 5952 section 4.2.3). */
function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let end = start;
    while (groups[end] === 0) end++;
    if (end - start > best.length) best = { start, length: end - start };
  }
  return best;
}
