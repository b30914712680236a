import {
  type Edit,
  type Needs,
  type Offer,
  type OptionalCommand,
  offersEdit,
  SMFIP_NR_CONN,
} from "milter-protocol";
import { type ActionSettings, refusesAnything } from "../policy/index.ts";
import type { FilterPorts, FilterSettings } from "./ports.ts";

/** What the options in force, PolicyFor lines included, can lead to. */
export interface Features {
  readonly removesForged: boolean;
  readonly removesGuesses: boolean;
  readonly addsFields: boolean;
  readonly tags: boolean;
  readonly quarantines: boolean;
  readonly holds: boolean;
  /** A refusal may be sent at RCPT. */
  readonly refusesAtRcpt: boolean;
  readonly seesRecipients: boolean;
  readonly hasRelays: boolean;
  /** What a DKIM verifier says may spare a sender. */
  readonly readsDkim: boolean;
}

const featuresOfSettings = new WeakMap<FilterSettings, Features>();
const needsOfFeatures = new WeakMap<Features, Map<string, Needs>>();

/** Reads from the settings what they can lead to; once for each settings object. */
export function featuresOf(settings: FilterSettings): Features {
  let features = featuresOfSettings.get(settings);
  if (features === undefined) {
    features = readFeatures(settings);
    featuresOfSettings.set(settings, features);
  }
  return features;
}

function readFeatures(settings: FilterSettings): Features {
  const may = (test: (actions: Partial<ActionSettings>) => boolean): boolean =>
    test(settings) || settings.policyFor.some(({ actions }) => test(actions));
  const checks = may(({ check }) => check === true);
  const acts = checks && may(({ reportOnly }) => reportOnly === false);
  const quarantines = acts && may(({ quarantine }) => quarantine === true);
  const perRecipient =
    settings.whitelistTo.length > 0 || settings.policyFor.some(({ to }) => to !== undefined);
  const hasRelays = settings.trustedRelay.length > 0;
  const atRcpt = checks && (perRecipient || may(({ rejectAt }) => rejectAt === "rcpt"));
  return {
    removesForged: settings.removeForgedHeaders !== "off",
    removesGuesses: settings.addReceivedHeader && settings.localPolicy.guess !== undefined,
    addsFields: checks && (settings.addHeader || settings.addReceivedHeader),
    tags: acts && may(({ tagSubject }) => tagSubject === true),
    quarantines,
    holds: quarantines && may(({ quarantineMode }) => quarantineMode === "hold"),
    refusesAtRcpt: acts && atRcpt && may(refusesAnything),
    // What is only reported names its recipients.
    seesRecipients: atRcpt || quarantines || (checks && may(({ reportOnly }) => reportOnly === true)),
    hasRelays,
    readsDkim: checks && may(({ acceptDKIM }) => acceptDKIM === true),
  };
}

/**
 * What is asked of an MTA with this offer: no more than the settings use. The same object for the same question, of which
 * there are four.
 */
export function needsOf({ settings, transport }: FilterPorts, offer: Offer): Needs {
  const features = featuresOf(settings);
  let known = needsOfFeatures.get(features);
  if (known === undefined) {
    known = new Map();
    needsOfFeatures.set(features, known);
  }
  // Of the offer no more than what matters: an MTA that offers ever new words must not fill the memory.
  const movable = offersEdit(offer, "addRecipient") && offersEdit(offer, "deleteRecipient");
  const key = `${transport} ${movable}`;
  let needs = known.get(key);
  if (needs === undefined) {
    needs = {
      edits: editsFor(features, movable),
      wants: commandsFor(features),
      answers: answersFor(features, transport),
      fields: fieldsFor(features),
      rejectedRecipients: false,
      macros: macrosFor(settings, transport),
    };
    known.set(key, needs);
  }
  return needs;
}

function editsFor(features: Features, movable: boolean): ReadonlySet<Edit["kind"]> {
  const edits = new Set<Edit["kind"]>();
  if (features.addsFields) edits.add("insertHeader");
  if (features.removesForged || features.removesGuesses || features.tags) edits.add("changeHeader");
  if (features.tags) edits.add("addHeader");
  if (features.quarantines) {
    edits.add("insertHeader").add("addRecipient").add("deleteRecipient");
    if (features.holds || !movable) edits.add("quarantine");
  }
  return edits;
}

/** The edits that are both needed and offered. */
export function agreedEdits(offer: Offer, { edits }: Needs): ReadonlySet<Edit["kind"]> {
  return new Set([...edits].filter((kind) => offersEdit(offer, kind)));
}

/** Whether an MTA lets recipients be replaced by a quarantine box. */
export function canMove(offered: ReadonlySet<Edit["kind"]>): boolean {
  return offered.has("addRecipient") && offered.has("deleteRecipient");
}

function commandsFor(features: Features): ReadonlySet<OptionalCommand> {
  const wants = new Set<OptionalCommand>(["connect", "helo"]);
  if (features.seesRecipients) wants.add("rcpt");
  if (fieldsFor(features).size > 0) wants.add("header");
  return wants;
}

/** The fields that {@link FieldsSeen} looks at. */
function fieldsFor(features: Features): ReadonlySet<string> {
  const fields = new Set<string>();
  if (features.removesForged) fields.add("authentication-results").add("received-spf");
  if (features.removesGuesses) fields.add("x-spf-guess");
  if (features.tags) fields.add("subject");
  if (features.hasRelays || features.readsDkim) fields.add("received");
  if (features.readsDkim) fields.add("authentication-results").add("dkim-signature");
  return fields;
}

/**
 * CONNECT and HELO are facts that need no answer. Over TCP they get one: Sendmail leaves Nagle's algorithm on, and
 * small packets that nobody answers then wait some 40 ms for each other.
 */
function answersFor(features: Features, transport: FilterPorts["transport"]): ReadonlySet<OptionalCommand> {
  const answers = new Set<OptionalCommand>();
  if (transport === "inet") answers.add("connect").add("helo");
  if (features.refusesAtRcpt) answers.add("rcpt");
  return answers;
}

/** Whether the MTA waits for an answer to CONNECT: because it is asked to, or knows no other way. */
export function isConnectAnswered(offer: Offer, { answers }: Needs): boolean {
  return answers.has("connect") || offer.version < 6 || (offer.protocol & SMFIP_NR_CONN) === 0;
}

/**
 * `j` comes with CONNECT, `{verify}` with HELO after STARTTLS (Sendmail) and again with MAIL where it is asked
 * for, `{auth_authen}` with MAIL. The queue id comes with MAIL from Sendmail; Postfix has none before the first
 * recipient and sends it with end of message unasked. Stages without a list send no macros, which over TCP saves
 * a wait each.
 */
function macrosFor(settings: FilterSettings, transport: FilterPorts["transport"]): Needs["macros"] {
  const mail = ["i"];
  if (settings.skipAuth) mail.push("{auth_authen}");
  if (settings.skipTLSVerified) mail.push("{verify}");
  return {
    connect: ["j"],
    helo: settings.skipTLSVerified && transport === "unix" ? ["{verify}"] : [],
    mail,
  };
}
