/** An address block; the host bits are zero. */
export interface Network {
  readonly family: 4 | 6;
  /** 4 or 16 octets, network order. */
  readonly bytes: Uint8Array;
  /** 0 to 32, 0 to 128. */
  readonly prefixLength: number;
}
