/** Gathers packets for one write. Nearly always there is just one, which is then handed on without a copy. */
export class ReplyBatch {
  #first: Buffer | undefined;
  #others: Buffer[] | undefined;
  #bytes = 0;

  /** Octets gathered. */
  get bytes(): number {
    return this.#bytes;
  }

  add(packets: Buffer): void {
    if (this.#first === undefined) this.#first = packets;
    else if (this.#others === undefined) this.#others = [packets];
    else this.#others.push(packets);
    this.#bytes += packets.length;
  }

  /** What was gathered, in order, or undefined; the batch is empty afterwards. */
  take(): Buffer | undefined {
    const first = this.#first;
    if (first === undefined) return undefined;
    this.#first = undefined;
    this.#bytes = 0;
    if (this.#others === undefined) return first;
    const all = Buffer.concat([first, ...this.#others]);
    this.#others = undefined;
    return all;
  }
}
