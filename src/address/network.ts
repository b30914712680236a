import { type IpAddress, ipAddressOfBytes, isIpv4Mapped, parseIpAddress } from "./ip-address.ts";

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
