import {
  SMFIC_BODYEOB,
  SMFIC_CONNECT,
  SMFIC_DATA,
  SMFIC_EOH,
  SMFIC_HELO,
  SMFIC_MAIL,
  SMFIC_RCPT,
} from "./constants.ts";

/** The stages at which an MTA sends macros, in their order. */
const STAGES = ["connect", "helo", "mail", "rcpt", "data", "endOfHeaders", "endOfMessage"] as const;

/** A stage at which an MTA sends macros. */
export type MacroStage = (typeof STAGES)[number];

/** The macros an MTA has sent, by stage; the latest stage that has one wins. */
export interface Macros {
  /** The value of `j`, `i`, `{auth_authen}` …: one-letter names bare, longer ones in braces. */
  get(name: string): string | undefined;
}

const MAIL = STAGES.indexOf("mail");

/**
 * The index of a stage by the octet of its command. Postfix sends a set with headers, body and unknown commands too;
 * none of these is kept.
 */
const INDEX_OF_COMMAND = new Map<number, number>(
  (
    [
      [SMFIC_CONNECT, "connect"],
      [SMFIC_HELO, "helo"],
      [SMFIC_MAIL, "mail"],
      [SMFIC_RCPT, "rcpt"],
      [SMFIC_DATA, "data"],
      [SMFIC_EOH, "endOfHeaders"],
      [SMFIC_BODYEOB, "endOfMessage"],
    ] as const
  ).map(([command, stage]) => [command, STAGES.indexOf(stage)]),
);

/**
 * The macros of one connection. A set belongs to the next command of its stage: where that command comes
 * again without a new set, the old one is dropped, so that no `{auth_authen}` or `{verify}` of an earlier
 * message or an earlier HELO is taken for this one's. Sets are kept as sent and searched when asked.
 */
export class MacroTable implements Macros {
  /** By the index of their stage. */
  readonly #sets: (string | undefined)[] = [];
  /** A bit for each stage: a set has come and its command has not. */
  #fresh = 0;

  /** Octets of the sets that are kept. */
  get heldOctets(): number {
    let octets = 0;
    for (const set of this.#sets) if (set !== undefined) octets += set.length;
    return octets;
  }

  /** Keeps a set; `command` is the octet of the one it is for, `text` names and values with a NUL after each. */
  put(command: number, text: string): void {
    const index = INDEX_OF_COMMAND.get(command);
    if (index === undefined) return;
    this.#sets[index] = text;
    this.#fresh |= 1 << index;
  }

  /** The command of a stage has come: what was sent for an earlier one of it, or for later stages, is over. */
  enter(stage: MacroStage): void {
    if (this.#sets.length === 0) return;
    const index = STAGES.indexOf(stage);
    if ((this.#fresh & (1 << index)) === 0) this.#sets[index] = undefined;
    this.#fresh = 0;
    this.#clearFrom(index + 1);
  }

  /** The message is over; what came with CONNECT and HELO stays. */
  endMessage(): void {
    this.#clearFrom(MAIL);
  }

  /** The SMTP client is gone. */
  clear(): void {
    this.#clearFrom(0);
  }

  get(name: string): string | undefined {
    const bare = bareName(name);
    for (let index = this.#sets.length - 1; index >= 0; index--) {
      const value = this.#find(index, bare);
      if (value !== undefined) return value;
    }
    return undefined;
  }

  /** A name without a value, at the end, is passed over. */
  #find(index: number, bare: string): string | undefined {
    const set = this.#sets[index];
    if (set === undefined) return undefined;
    for (let at = 0; at < set.length; ) {
      const nameEnd = set.indexOf("\0", at);
      const valueEnd = nameEnd === -1 ? -1 : set.indexOf("\0", nameEnd + 1);
      if (valueEnd === -1) return undefined;
      if (bareName(set.slice(at, nameEnd)) === bare) return set.slice(nameEnd + 1, valueEnd);
      at = valueEnd + 1;
    }
    return undefined;
  }

  #clearFrom(index: number): void {
    if (this.#sets.length > index) this.#sets.length = index;
    this.#fresh &= (1 << index) - 1;
  }
}

/** `{j}` and `j` are the same macro. */
function bareName(name: string): string {
  return name.length === 3 && name.startsWith("{") ? name.charAt(1) : name;
}
