export {
  isHeloDomain,
  isHostName,
  isMultiLabelDomain,
  isWireName,
  isWithinDomain,
  toALabels,
  withoutFinalDot,
} from "./domain-name.ts";
export { type IpAddress, ipAddressOfBytes, parseIpAddress, unmapIpv4 } from "./ip-address.ts";
export { type Path, parsePath } from "./mailbox.ts";
export {
  formatNetwork,
  type Network,
  networkContains,
  parseNetwork,
  samePrefix,
} from "./network.ts";
export { isAscii, type OctetString, octetsOfText, ownText, textOfOctets } from "./octets.ts";
export { parseOddPath } from "./odd-path.ts";
