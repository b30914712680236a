export type { IpAddress } from "./ip-address.ts";
export type { Path } from "./mailbox.ts";
export type { Network } from "./network.ts";
export { isAscii, type OctetString, octetsOfText, textOfOctets } from "./octets.ts";
// To come with their modules:
//   parseIpAddress(text): IpAddress | undefined            strict; no zone, no leading zeros
//   unmapIpv4(ip): IpAddress                               ::ffff:a.b.c.d becomes a.b.c.d
//   ipAddressOfBytes(bytes): IpAddress
//   parseNetwork(text): { network, hostBitsSet } | undefined   ::ffff:a.b.c.d/n counts as IPv4
//   networkContains(network, ip): boolean · formatNetwork(network): string
//   toALabels(name: OctetString): OctetString | undefined  RFC 8616 3: U-labels to A-labels, ASCII labels untouched
//   isMultiLabelDomain(name): boolean                      RFC 7208 4.3
//   isWireName(name): boolean                              labels 1..63, 253 octets
//   isWithinDomain(name, ancestor): boolean                label boundary, case-insensitive, final dots ignored
//   parsePath(argument: OctetString, { relaxedLocalPart }): Path
