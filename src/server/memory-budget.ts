/**
 * What all connections together may hold of unfinished packets and messages. While there is room nobody is asked;
 * when it is used up, a message that grows beyond an equal share of it is deferred, or its connection closed. One that
 * holds no more than its share never pays for others, so at the very most twice the budget is held.
 */
export class MemoryBudget {
  readonly octetsMax: number;
  #held = 0;

  constructor(octetsMax: number) {
    this.octetsMax = octetsMax;
  }

  /** Octets held now. */
  get held(): number {
    return this.#held;
  }

  /** One of so many connections holds `now` octets and held `before`. False where that is too much. */
  settle(before: number, now: number, connections: number): boolean {
    this.#held += now - before;
    return now <= before || this.#held <= this.octetsMax || now * connections <= this.octetsMax;
  }
}
