import type { Edit } from "milter-protocol";
import type { OctetString } from "../address/index.ts";
import { type PolicySettings, type RelayHop, readRelayHop } from "../policy/index.ts";
import { isForgedResult } from "../trace-fields/index.ts";
import type { Features } from "./needs.ts";

const AUTHENTICATION_RESULTS = "Authentication-Results";
const GUESS = "X-SPF-Guess";

/** What is kept of the header of one message: the first Subject, and which fields are not what they say. */
export class FieldsSeen {
  readonly #settings: PolicySettings;
  readonly #features: Features;
  readonly #ourId: OctetString;
  #results = 0;
  #forged: number[] | undefined;
  #guesses = 0;
  #subject: OctetString | undefined;
  #hop: RelayHop | undefined;

  /** @param ourId our authserv-id */
  constructor(settings: PolicySettings, features: Features, ourId: OctetString) {
    this.#settings = settings;
    this.#features = features;
    this.#ourId = ourId;
  }

  /** The first Subject; undefined where there is none. */
  get subject(): OctetString | undefined {
    return this.#subject;
  }

  /** What the Received fields of trusted relays lead to; undefined before the first of them. */
  get relayHop(): RelayHop | undefined {
    return this.#hop;
  }

  /** How many Authentication-Results fields are to be removed. */
  get forged(): number {
    return this.#forged?.length ?? 0;
  }

  /** Takes one field, in the order of the message. The length of the name rules out nearly all of them. */
  see(name: OctetString, value: OctetString, fromRelay: boolean): void {
    switch (name.length) {
      case 7:
        if (this.#subject === undefined && name.toLowerCase() === "subject") this.#subject = value;
        break;
      case 8:
        if (fromRelay && name.toLowerCase() === "received") this.#seeReceived(value);
        break;
      case 11:
        if (name.toLowerCase() === "x-spf-guess") this.#guesses++;
        break;
      case 22:
        if (name.toLowerCase() === "authentication-results") this.#seeResults(value);
        break;
    }
  }

  /** The edits that remove what is not ours, from the last field up, so that no index moves before its turn. */
  removals(): Edit[] {
    const edits = (this.#forged ?? []).map((index) => removal(AUTHENTICATION_RESULTS, index)).reverse();
    if (this.#features.removesGuesses) {
      for (let index = this.#guesses; index > 0; index--) edits.push(removal(GUESS, index));
    }
    return edits;
  }

  #seeResults(value: OctetString): void {
    this.#results++;
    const mode = this.#settings.removeForgedHeaders;
    if (mode === "off" || !isForgedResult(value, this.#ourId, mode)) return;
    this.#forged ??= [];
    this.#forged.push(this.#results);
  }

  /** Each relay's field stands above that of the relay before it. */
  #seeReceived(value: OctetString): void {
    if (this.#hop === undefined || this.#hop.kind === "relay")
      this.#hop = readRelayHop(this.#settings, value);
  }
}

function removal(name: string, index: number): Edit {
  return { kind: "changeHeader", index, name, value: "" };
}
