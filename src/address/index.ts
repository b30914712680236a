export {
  isHeloDomain,
  isHostName,
  isMultiLabelDomain,
  isWireName,
  isWithinDomain,
  toALabels,
  withoutFinalDot,
} from "./domain-name.ts";
export {
  formatNetwork,
  type IpAddress,
  ipAddressOfBytes,
  type Network,
  networkContains,
  parseIpAddress,
  parseNetwork,
  samePrefix,
  unmapIpv4,
} from "./ip-address.ts";
export { asciiLowerCase, type Path, parseOddPath, parsePath } from "./mailbox.ts";
export { isAscii, type OctetString, octetsOfText, ownText, textOfOctets } from "./octets.ts";
