/** An IPv4 or IPv6 address as a value. */
export interface IpAddress {
  readonly family: 4 | 6;
  /** 4 or 16 octets, network order. */
  readonly bytes: Uint8Array;
  /** Canonical text: dotted quad, or RFC 5952 lower case. */
  readonly text: string;
}
