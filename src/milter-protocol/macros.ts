import {
  SMFIC_BODYEOB,
  SMFIC_CONNECT,
  SMFIC_DATA,
  SMFIC_EOH,
  SMFIC_HELO,
  SMFIC_MAIL,
  SMFIC_RCPT,
} from "./constants.ts";

/** The stages at which an MTA sends macros. */
export type MacroStage = "connect" | "helo" | "mail" | "rcpt" | "data" | "endOfHeaders" | "endOfMessage";

/** The macros an MTA has sent, by stage; the latest stage that has one wins. */
export interface Macros {
  /** The value of `j`, `i`, `{auth_authen}` …: one-letter names bare, longer ones in braces. */
  get(name: string): string | undefined;
}

const STAGES = ["connect", "helo", "mail", "rcpt", "data", "endOfHeaders", "endOfMessage"] as const;
const MAIL = STAGES.indexOf("mail");

/** Stage by command octet. Postfix sends a set with headers, body and unknown commands too; none is kept. */
const STAGE_OF = new Map<number, number>(
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
  ).map(([letter, stage]) => [letter, STAGES.indexOf(stage)]),
);

/**
 * The macros of one connection. A set belongs to the next command of its stage: where that command comes
 * again without a new set, the old one is dropped, so that no `{auth_authen}` or `{verify}` of an earlier
 * message or an earlier HELO is taken for this one's. Sets are kept as sent and searched when asked.
 */
export class MacroTable implements Macros {
  readonly #sets: (string | undefined)[] = [];
  /** Bit per stage: a set has come whose command has not. */
  #fresh = 0;

  /** Octets of the sets that are kept. */
  get heldOctets(): number {
    let bytes = 0;
    for (const set of this.#sets) if (set !== undefined) bytes += set.length;
    return bytes;
  }

  /** Keeps a set; `letter` is the command it is for, `text` names and values with a NUL after each. */
  put(letter: number, text: string): void {
    const stage = STAGE_OF.get(letter);
    if (stage === undefined) return;
    this.#sets[stage] = text;
    this.#fresh |= 1 << stage;
  }

  /** The command of a stage has come: what was sent for an earlier one of it, or for later stages, is over. */
  enter(name: MacroStage): void {
    if (this.#sets.length === 0) return;
    const stage = STAGES.indexOf(name);
    if ((this.#fresh & (1 << stage)) === 0) this.#sets[stage] = undefined;
    this.#fresh = 0;
    this.#clearFrom(stage + 1);
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
    for (let stage = this.#sets.length - 1; stage >= 0; stage--) {
      const value = this.#find(stage, bare);
      if (value !== undefined) return value;
    }
    return undefined;
  }

  /** A name without a value, at the end, is passed over. */
  #find(stage: number, bare: string): string | undefined {
    const set = this.#sets[stage];
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

  #clearFrom(stage: number): void {
    if (this.#sets.length > stage) this.#sets.length = stage;
    this.#fresh &= (1 << stage) - 1;
  }
}

/** `{j}` and `j` are the same macro. */
function bareName(name: string): string {
  return name.length === 3 && name.startsWith("{") ? name.charAt(1) : name;
}
