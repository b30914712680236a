import type { CommandKind } from "./command.ts";
import type { Response } from "./response.ts";

/** The verdicts that stand: on the connection, and on the message in hand. */
export class Verdicts {
  #connection: Response | undefined;
  #message: Response | undefined;
  #messageHeard = false;

  /** What every further command of the message, or of the connection, is answered. */
  get standing(): Response | undefined {
    return this.#message ?? this.#connection;
  }

  /** Whether a verdict on the message stands that the MTA has not heard. */
  get unheard(): boolean {
    return this.#message !== undefined && !this.#messageHeard;
  }

  /**
   * Takes the answer to a command; true where it decides the message. At CONNECT and HELO it is for the
   * connection, and a refusal at RCPT is for that recipient only.
   */
  take(stage: CommandKind, response: Response): boolean {
    if (response.kind === "continue" || this.#message !== undefined) return false;
    if (stage === "connect" || stage === "helo") {
      this.#connection = response;
      return false;
    }
    if (stage === "rcpt" && response.kind !== "accept" && response.kind !== "discard") return false;
    this.decideMessage(response);
    return true;
  }

  decideMessage(response: Response): void {
    this.#message = response;
    this.#messageHeard = false;
  }

  /** The MTA has been told. */
  spoken(response: Response): void {
    if (response === this.#message) this.#messageHeard = true;
  }

  endMessage(): void {
    this.#message = undefined;
  }

  endConnection(): void {
    this.#message = undefined;
    this.#connection = undefined;
  }
}
