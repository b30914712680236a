/** IP addresses as values, and blocks of them. */
import { isIPv4 } from "node:net";

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
  // The text is built again: one that was cut out of a packet holds on to all of it.
  const bytes = text.includes(":") ? ipv6Bytes(text) : isIPv4(text) ? ipv4Bytes(text) : undefined;
  return bytes === undefined ? undefined : ipAddressOfBytes(bytes);
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
function isIpv4Mapped(bytes: Uint8Array): boolean {
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

const COLON = 0x3a;
const DOT = 0x2e;

/**
 * The octets of an IPv6 address; undefined where the text is none. Read in one go: whoever has a domain has us read
 * nine thousand of them in a record.
 */
function ipv6Bytes(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(16);
  let filled = 0;
  /** Where `::` stands, in octets. */
  let gap: number | undefined;
  let at = 0;
  if (text.charCodeAt(0) === COLON) {
    if (text.charCodeAt(1) !== COLON) return undefined;
    gap = 0;
    at = 2;
  }
  while (at < text.length) {
    if (filled === 16) return undefined;
    const start = at;
    let group = 0;
    let digit = hexValue(text.charCodeAt(at));
    for (; digit !== undefined; digit = hexValue(text.charCodeAt(++at))) group = (group << 4) | digit;
    const next = text.charCodeAt(at);
    if (next === DOT) {
      const quad = text.slice(start);
      if (filled > 12 || !isIPv4(quad)) return undefined;
      bytes.set(ipv4Bytes(quad), filled);
      filled += 4;
      break;
    }
    if (at === start || at > start + 4) return undefined;
    bytes[filled++] = group >> 8;
    bytes[filled++] = group & 0xff;
    if (at === text.length) break;
    if (next !== COLON) return undefined;
    at++;
    if (text.charCodeAt(at) === COLON) {
      if (gap !== undefined) return undefined;
      gap = filled;
      at++;
    } else if (at === text.length) return undefined;
  }
  if (gap === undefined) return filled === 16 ? bytes : undefined;
  // It stands for one group of zeros or more.
  if (filled === 16) return undefined;
  const end = 16 - (filled - gap);
  bytes.copyWithin(end, gap, filled);
  bytes.fill(0, gap, end);
  return bytes;
}

/** Undefined where the octet is no hexadecimal digit. */
function hexValue(code: number): number | undefined {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : undefined;
}

function ipv6Text(bytes: Uint8Array): string {
  if (isIpv4Mapped(bytes)) return `::ffff:${bytes.subarray(12).join(".")}`;
  const zeros = longestZeroRun(bytes);
  const groups: string[] = [];
  for (let i = 0; i < 8; i++) {
    // RFC 5952 section 4.2.2: a single group of zeros is not shortened.
    if (i !== zeros.start || zeros.length < 2) {
      groups.push(groupAt(bytes, i).toString(16));
      continue;
    }
    i += zeros.length - 1;
    groups.push("");
    if (zeros.start === 0) groups.push("");
    if (i === 7) groups.push("");
  }
  return groups.join(":");
}

function groupAt(bytes: Uint8Array, index: number): number {
  return ((bytes[2 * index] ?? 0) << 8) | (bytes[2 * index + 1] ?? 0);
}

/** The first of the longest runs of zero groups (RFC 5952 section 4.2.3). */
function longestZeroRun(bytes: Uint8Array): { start: number; length: number } {
  let start = 0;
  let length = 0;
  for (let first = 0; first < 8; first++) {
    let end = first;
    while (end < 8 && groupAt(bytes, end) === 0) end++;
    if (end - first > length) {
      start = first;
      length = end - first;
    }
    first = Math.max(first, end - 1);
  }
  return { start, length };
}

/** An address block; the host bits are zero. */
export interface Network {
  readonly family: 4 | 6;
  /** 4 or 16 octets, network order. */
  readonly bytes: Uint8Array;
  /** 0 to 32, 0 to 128. */
  readonly prefixLength: number;
}

/** A block as it was read, and whether bits after the prefix were set (and have been cleared). */
export interface ParsedNetwork {
  readonly network: Network;
  readonly hostBitsSet: boolean;
}

/**
 * Reads `address` or `address/length`. A block inside `::ffff:0:0/96` becomes the IPv4 block that it means,
 * since IPv4-mapped clients are treated as IPv4. Undefined where the text is neither.
 */
export function parseNetwork(text: string): ParsedNetwork | undefined {
  const [addressText = "", lengthText, ...rest] = text.split("/");
  const address = parseIpAddress(addressText);
  if (address === undefined || rest.length > 0) return undefined;
  const bits = address.bytes.length * 8;
  if (lengthText !== undefined && !/^(?:0|[1-9]\d{0,2})$/.test(lengthText)) return undefined;
  const prefixLength = lengthText === undefined ? bits : Number(lengthText);
  if (prefixLength > bits) return undefined;
  if (isIpv4Mapped(address.bytes) && prefixLength >= 96) {
    return maskedNetwork(ipAddressOfBytes(address.bytes.slice(12)), prefixLength - 96);
  }
  return maskedNetwork(address, prefixLength);
}

function maskedNetwork(address: IpAddress, prefixLength: number): ParsedNetwork {
  const bytes = address.bytes.map((octet, i) => octet & octetMask(prefixLength - i * 8));
  const hostBitsSet = bytes.some((octet, i) => octet !== address.bytes[i]);
  return { network: { family: address.family, bytes, prefixLength }, hostBitsSet };
}

function octetMask(bits: number): number {
  return bits >= 8 ? 0xff : bits <= 0 ? 0 : (0xff << (8 - bits)) & 0xff;
}

/** Whether an address lies in a block. Addresses of the other family never do. */
export function networkContains(network: Network, ip: IpAddress): boolean {
  return network.family === ip.family && samePrefix(network.bytes, ip.bytes, network.prefixLength);
}

/** Whether two addresses of the same length agree in their first `prefixLength` bits. */
export function samePrefix(a: Uint8Array, b: Uint8Array, prefixLength: number): boolean {
  const whole = prefixLength >> 3;
  for (let i = 0; i < whole; i++) if (a[i] !== b[i]) return false;
  const mask = octetMask(prefixLength & 7);
  return mask === 0 || ((a[whole] ?? 0) & mask) === ((b[whole] ?? 0) & mask);
}

/** `192.0.2.0/24`; without the length where the block is one address. */
export function formatNetwork(network: Network): string {
  const { text } = ipAddressOfBytes(network.bytes);
  return network.prefixLength === network.bytes.length * 8 ? text : `${text}/${network.prefixLength}`;
}
