import type { Edit } from "milter-protocol";
import type { OctetString } from "../address/index.ts";
import {
  holdsDkim,
  type PolicySettings,
  type RelayHop,
  readRelayHop,
  signatureBreaksOut,
  VERIFIER_RESULTS_MAX,
  type VerifierResults,
} from "../policy/index.ts";
import { ResultsField, tagSubject } from "../trace-fields/index.ts";
import type { Features } from "./needs.ts";

const AUTHENTICATION_RESULTS = "Authentication-Results";
const RECEIVED_SPF = "Received-SPF";
const GUESS = "X-SPF-Guess";

/**
 * Most fields of one message that are removed, and most Subjects that are tagged. An MTA looks for each of them from the
 * beginning of the message: ten thousand take Postfix eight seconds.
 */
export const CHANGED_FIELDS_MAX = 100;

/** What a number in an array takes, roughly. */
const NUMBER_OCTETS = 16;
/** What an entry with a text takes on top of twice its octets: the text may hold on to all that it was cut from. */
const TEXT_OCTETS = 128;

/** An Authentication-Results field of a DKIM verifier; whether it is of this message is known at its end. */
interface VerifierField {
  readonly index: number;
  /** As the field has them; undefined for none. */
  readonly jobIds: readonly (OctetString | undefined)[];
}

/** What is to be removed of a message. */
export interface Removals {
  readonly edits: readonly Edit[];
  /** Authentication-Results in our name. */
  readonly results: number;
  /** Authentication-Results in the name of the DKIM verifier that are not of this message. */
  readonly verifierResults: number;
  /** Received-SPF of others. */
  readonly receivedSpf: number;
}

/** What is kept of the header of one message: Subjects, and which fields are not what they say. */
export class FieldsSeen {
  readonly #settings: PolicySettings;
  readonly #features: Features;
  readonly #ourId: OctetString;
  #results = 0;
  #forged: number[] | undefined;
  #ofVerifier: VerifierField[] | undefined;
  #receivedSpf = 0;
  #guesses = 0;
  #subjects: OctetString[] | undefined;
  #hop: RelayHop | undefined;
  #receivedSeen = false;
  #verifierResults: VerifierResults[] | undefined;
  #signatureBreaksOut = false;
  #heldOctets = 0;

  /** @param ourId our authserv-id */
  constructor(settings: PolicySettings, features: Features, ourId: OctetString) {
    this.#settings = settings;
    this.#features = features;
    this.#ourId = ourId;
  }

  /** Octets of memory, roughly, that are held. Of most fields no more than a number is. */
  get heldOctets(): number {
    return this.#heldOctets;
  }

  /** What the Received fields of trusted relays lead to; undefined before the first of them. */
  get relayHop(): RelayHop | undefined {
    return this.#hop;
  }

  /** What DKIM verifiers say, or what could be taken for it; more than one may spare nobody. */
  get verifierResults(): readonly VerifierResults[] {
    return this.#verifierResults ?? [];
  }

  /** Whether a DKIM-Signature holds what could pass for a result where the verifier repeats it. */
  get signatureBreaksOut(): boolean {
    return this.#signatureBreaksOut;
  }

  /** Takes one field, in the order of the message. The length of the name rules out nearly all of them. */
  see(name: OctetString, value: OctetString, fromRelay: boolean): void {
    switch (name.length) {
      case 7:
        if (this.#features.tags && name.toLowerCase() === "subject") this.#seeSubject(value);
        break;
      case 8:
        if (name.toLowerCase() !== "received") break;
        this.#receivedSeen = true;
        if (fromRelay) this.#seeReceived(value);
        break;
      case 11:
        if (name.toLowerCase() === "x-spf-guess") this.#guesses++;
        break;
      case 12:
        if (name.toLowerCase() === "received-spf") this.#receivedSpf++;
        break;
      case 14:
        if (this.#features.readsDkim && !this.#signatureBreaksOut && name.toLowerCase() === "dkim-signature")
          this.#signatureBreaksOut = signatureBreaksOut(value);
        break;
      case 22:
        if (name.toLowerCase() === "authentication-results") this.#seeResults(value);
        break;
    }
  }

  /**
   * The edits that tag each Subject: some readers show the first, some the last. A Subject of its own where the message
   * has none; undefined where there are too many.
   */
  tags(tag: string): readonly Edit[] | undefined {
    const subjects = this.#subjects;
    if (subjects === undefined) {
      return [{ kind: "addHeader", name: "Subject", value: tagSubject("", tag) }];
    }
    if (subjects.length > CHANGED_FIELDS_MAX) return undefined;
    return subjects.map((subject, at) => ({
      kind: "changeHeader",
      index: at + 1,
      name: "Subject",
      value: tagSubject(subject, tag),
    }));
  }

  /**
   * The edits that remove what is not ours, from the last field up, so that no index moves before its turn; undefined
   * where they are too many.
   *
   * @param queueId the MTA's own for this message
   * @param ownReceivedSpf whether a Received-SPF of ours comes on top: readers take the topmost
   */
  removals(queueId: OctetString | undefined, ownReceivedSpf: boolean): Removals | undefined {
    const forged = this.#forged ?? [];
    const ofVerifier = this.#ofVerifier ?? [];
    const stale = ofVerifier.filter(({ jobIds }) => jobIds.some((id) => id === undefined || id !== queueId));
    const receivedSpf = this.#features.removesForged && !ownReceivedSpf ? this.#receivedSpf : 0;
    const guesses = this.#features.removesGuesses ? this.#guesses : 0;
    const count = forged.length + stale.length + receivedSpf + guesses;
    if (count > CHANGED_FIELDS_MAX || ofVerifier.length > CHANGED_FIELDS_MAX) return undefined;
    const results = [...forged, ...stale.map(({ index }) => index)].sort((a, b) => a - b);
    return {
      edits: [
        ...results.map((index) => removal(AUTHENTICATION_RESULTS, index)).reverse(),
        ...removalsOfAll(RECEIVED_SPF, receivedSpf),
        ...removalsOfAll(GUESS, guesses),
      ],
      results: forged.length,
      verifierResults: stale.length,
      receivedSpf,
    };
  }

  /** One more than may be tagged is kept, to know that they are too many. */
  #seeSubject(value: OctetString): void {
    this.#subjects ??= [];
    if (this.#subjects.length > CHANGED_FIELDS_MAX) return;
    this.#subjects.push(value);
    this.#heldOctets += TEXT_OCTETS + 2 * value.length;
  }

  /** The same for what is to be removed: then no further field is read, for they cost time too. */
  #seeResults(value: OctetString): void {
    this.#results++;
    if (this.#features.readsDkim) this.#seeVerifierResults(value);
    const { removeForgedHeaders: mode, dkimVerifier, dkimVerifierJobID } = this.#settings;
    if (mode === "off" || this.#forgedMax || this.#ofVerifierMax) return;
    const field = new ResultsField(value);
    if (field.isForged(this.#ourId, mode)) {
      this.#forged ??= [];
      this.#forged.push(this.#results);
      this.#heldOctets += NUMBER_OCTETS;
    } else if (dkimVerifierJobID && dkimVerifier.length > 0) {
      const jobIds = dkimVerifier.flatMap((id) => field.jobIds(id));
      if (jobIds.length === 0 || !field.mayHold("dkim")) return;
      this.#ofVerifier ??= [];
      this.#ofVerifier.push({ index: this.#results, jobIds });
      this.#heldOctets += TEXT_OCTETS + 2 * value.length;
    }
  }

  #seeVerifierResults(value: OctetString): void {
    const seen = (this.#verifierResults ??= []);
    if (seen.length === VERIFIER_RESULTS_MAX) return;
    const field = new ResultsField(value);
    if (!verifierIds(this.#settings, this.#ourId).some((id) => field.bears(id))) return;
    const read = field.read();
    if (read !== undefined && !holdsDkim(read)) return;
    seen.push({ read, onTop: !this.#receivedSeen });
    this.#heldOctets += TEXT_OCTETS + 2 * value.length;
  }

  get #forgedMax(): boolean {
    return (this.#forged?.length ?? 0) > CHANGED_FIELDS_MAX;
  }

  get #ofVerifierMax(): boolean {
    return (this.#ofVerifier?.length ?? 0) > CHANGED_FIELDS_MAX;
  }

  /** Each relay's field is above that of the relay before it. */
  #seeReceived(value: OctetString): void {
    if (this.#hop !== undefined && this.#hop.kind !== "relay") return;
    this.#hop = readRelayHop(this.#settings, value);
    this.#heldOctets += TEXT_OCTETS + 2 * value.length;
  }
}

/** The names of the DKIM verifier (DKIMVerifier): our own where none is given. */
export function verifierIds(
  { dkimVerifier }: Pick<PolicySettings, "dkimVerifier">,
  ourId: OctetString,
): readonly OctetString[] {
  return dkimVerifier.length > 0 ? dkimVerifier : [ourId];
}

function removalsOfAll(name: string, count: number): Edit[] {
  return Array.from({ length: count }, (_, at) => removal(name, count - at));
}

function removal(name: string, index: number): Edit {
  return { kind: "changeHeader", index, name, value: "" };
}
