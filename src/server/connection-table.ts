import type { Connection } from "./connection.ts";

/**
 * The connections that are open. An array in which the last entry takes the place of one that goes: a Set
 * leaves its outgrown tables to the garbage collector, and these keep closed connections alive for long.
 */
export class ConnectionTable {
  readonly #connections: Connection[] = [];

  get size(): number {
    return this.#connections.length;
  }

  add(connection: Connection): void {
    connection.tableIndex = this.#connections.length;
    this.#connections.push(connection);
  }

  delete(connection: Connection): void {
    const index = connection.tableIndex;
    if (this.#connections[index] !== connection) return;
    const last = this.#connections.pop();
    if (last === undefined || last === connection) return;
    this.#connections[index] = last;
    last.tableIndex = index;
  }

  /** The connections of this moment; they may come and go while the caller goes through them. */
  all(): readonly Connection[] {
    return [...this.#connections];
  }
}
