import type { Socket } from "node:net";
import {
  type MilterHandler,
  MilterSession,
  type Negotiator,
  type Response,
  type SessionPorts,
} from "milter-protocol";

const ignore = (): void => undefined;

/** The answer to a message when all together hold too much. */
const OVER_BUDGET: Response = {
  kind: "reply",
  code: "452",
  enhanced: "4.3.1",
  lines: ["Not enough memory for this message, try again later"],
};

/** What a connection needs of its server. */
export interface ConnectionOwner {
  /** Counts up as time goes by; see {@link Connection.lastTick}. */
  readonly tick: number;
  readonly draining: boolean;
  /** Takes note of what a connection holds and held before; false where that is too much. */
  readonly account: (before: number, now: number) => boolean;
  /** A connection held too much, and was closed for it or has given up its message. */
  readonly overBudget: (what: "closed" | "deferred") => void;
  /** Keeps the answer to the last offer for all of them. */
  readonly negotiator: Negotiator;
  /** Makes the handler of a connection. `resume` is for answers given later. */
  readonly createHandler: (resume: MilterSession["resume"]) => MilterHandler;
  /** The session has reported an error. */
  readonly failed: (connection: Connection, error: unknown) => void;
  /** The socket is closed. */
  readonly closed: (connection: Connection) => void;
}

/**
 * One MTA on one socket: what comes in goes to a session, what the session says goes out, and reading
 * pauses while the MTA does not take our replies or has run ahead of an outstanding answer.
 */
export class Connection implements SessionPorts {
  readonly #owner: ConnectionOwner;
  readonly #socket: Socket;
  readonly #session: MilterSession;
  /** The owner's tick when the MTA was last heard. */
  lastTick: number;
  /** Where the owner's table has it. */
  tableIndex = -1;
  #paused = false;
  /** What the owner knows that this connection holds. */
  #heldOctets = 0;

  constructor(owner: ConnectionOwner, socket: Socket) {
    this.#owner = owner;
    this.#socket = socket;
    this.lastTick = owner.tick;
    this.#session = new MilterSession(
      owner.createHandler((answer) => {
        this.#session.resume(answer);
        this.#afterEvent();
      }),
      this,
      owner.negotiator,
    );
    socket.on("data", (chunk: Buffer) => {
      this.lastTick = this.#owner.tick;
      this.#session.receive(chunk);
      this.#afterEvent();
    });
    // "close" follows an error and the end of the MTA's side, and tells all there is to do.
    socket.on("error", ignore);
    socket.on("close", () => {
      this.#session.end();
      this.#keepWithinBudget();
      this.#owner.closed(this);
    });
  }

  /** `unix`, or address and port, while the socket is open. */
  get peer(): string {
    const { remoteAddress, remotePort } = this.#socket;
    return remoteAddress === undefined ? "unix" : `${remoteAddress}:${remotePort ?? 0}`;
  }

  /** In the middle of a message. */
  get busy(): boolean {
    return this.#session.busy;
  }

  /** Our side owes an answer: silence is not the MTA's. */
  get waiting(): boolean {
    return this.#session.waiting;
  }

  /** Ends the session and closes, whatever is unsent. */
  destroy(): void {
    this.#session.end();
    this.#socket.destroy();
  }

  /** Closes as soon as no message is in progress. */
  closeWhenIdle(): void {
    if (!this.#session.busy) {
      this.#session.end();
      this.close();
    }
  }

  /** For the session. */
  write(bytes: Buffer): boolean {
    const taken = this.#socket.write(bytes);
    if (!taken) {
      this.#socket.once("drain", () => {
        this.#session.drained();
        this.#afterEvent();
      });
    }
    return taken;
  }

  /** For the session: it is over. What was written is delivered first. */
  close(): void {
    if (this.#socket.writableLength === 0) this.#socket.destroy();
    else this.#socket.destroySoon();
  }

  /** For the session. */
  report(error: unknown): void {
    this.#owner.failed(this, error);
  }

  /**
   * False where the connection was closed because of what it holds. A message is given up first, with a reply; what is
   * left then is what breaks the protocol or is not read.
   */
  #keepWithinBudget(): boolean {
    if (this.#accountHeld()) return true;
    const deferred = this.#session.abandonMessage(OVER_BUDGET);
    this.#owner.overBudget(deferred ? "deferred" : "closed");
    if (deferred) {
      // Less than before is never too much.
      this.#accountHeld();
      return true;
    }
    this.destroy();
    return false;
  }

  /** Tells the owner what is held now; false where that is too much. */
  #accountHeld(): boolean {
    // What the MTA does not read counts too. Nearly always there is none, and the property costs a look-up.
    const unread = this.#session.blocked ? this.#socket.writableLength : 0;
    const held = this.#session.heldOctets + unread;
    const before = this.#heldOctets;
    if (held === before) return true;
    this.#heldOctets = held;
    return this.#owner.account(before, held);
  }

  #afterEvent(): void {
    if (!this.#keepWithinBudget()) return;
    const { blocked } = this.#session;
    if (blocked !== this.#paused) {
      this.#paused = blocked;
      if (blocked) this.#socket.pause();
      else this.#socket.resume();
    }
    if (this.#owner.draining) this.closeWhenIdle();
  }
}

/**
 * The connections that are open. An array in which the last entry takes the place of one that goes: a Set
 * leaves its outgrown tables to the garbage collector, and these keep closed connections alive for long: 9 % more
 * processor time for a message (`connectionTable` of test/tools/bench/tuning.ts, Node 20).
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

  /** One of this many connections holds `now` octets and held `before`. False where that is too much. */
  account(before: number, now: number, connections: number): boolean {
    this.#held += now - before;
    return now <= before || this.#held <= this.octetsMax || now * connections <= this.octetsMax;
  }
}
