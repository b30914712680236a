import { recipient } from "../values/name.ts";
import { choice, count, onOff } from "../values/plain.ts";
import { rejectReason, subjectTag } from "../values/text.ts";
import { SPF_BEHAVIOR_MAX } from "./behavior.ts";
import { type Option, option, optional } from "./option.ts";

const section = "what is done";

/** The options that PolicyFor may give for some mail only, in the order of the documents. */
export const ACTION_OPTIONS = {
  AcceptDKIM: option(onOff, "off", {
    section: "who is not checked",
    help: "spare mail for whose domain a DKIM verifier before us vouches",
    of: (s) => s.acceptDKIM,
  }),
  SPFBehavior: optional(count(0, SPF_BEHAVIOR_MAX), "none", "3", {
    section,
    help: "the qmail ladder: sets the Refuse options in one number",
    // All but this is spelled out in the options it sets.
    of: (s) => s.check,
  }),
  RefuseFail: option(choice("on", "off", "nomail"), "on", {
    section,
    help: "refuse mail that fails",
    of: (s) => s.refuseFail,
  }),
  RefuseHeloFail: optional(choice("on", "off", "nomail"), "as RefuseFail", "on", {
    section,
    help: "refuse mail whose HELO name fails, with CheckHelo",
    of: (s) => s.refuseHeloFail,
  }),
  RefuseSoftFail: option(onOff, "off", {
    section,
    help: "refuse mail at softfail",
    of: (s) => s.refuseSoftFail,
  }),
  RefuseNeutral: option(onOff, "off", {
    section,
    help: "refuse mail at neutral",
    of: (s) => s.refuseNeutral,
  }),
  RefuseSPFNone: option(onOff, "off", {
    section,
    help: "refuse senders whose domain publishes no SPF record",
    of: (s) => s.refuseSPFNone,
  }),
  RefuseSPFNoneHelo: option(onOff, "off", {
    section,
    help: "refuse the null sender where the HELO name publishes no SPF record",
    of: (s) => s.refuseSPFNoneHelo,
  }),
  RefusePermError: option(onOff, "off", {
    section,
    help: "refuse mail whose SPF record cannot be used",
    of: (s) => s.refusePermError,
  }),
  AcceptTempError: option(onOff, "on", {
    section,
    help: "off: defer mail while DNS does not answer",
    of: (s) => s.acceptTempError,
  }),
  SoftFail: option(onOff, "off", {
    section,
    help: "refuse with 450 instead of 550",
    of: (s) => s.softFail,
  }),
  RejectReason: optional(
    rejectReason,
    "a sentence for each result",
    "Mail from {sender} was refused: SPF {result} for {ip}. {explanation}",
    { section, help: "the text of a refusal", of: (s) => s.rejectReason },
  ),
  RejectAt: option(choice("mail", "rcpt", "eom"), "mail", {
    section,
    help: "the stage at which a refusal is spoken",
    of: (s) => s.rejectAt,
  }),
  RelaxedLocalPart: option(onOff, "off", {
    section,
    help: "let local parts of more than 64 octets pass",
    of: (s) => s.relaxedLocalPart,
  }),
  TagSubject: option(onOff, "on", {
    section,
    help: "tag the Subject at softfail, and at fail that is not refused",
    of: (s) => s.tagSubject,
  }),
  Tag: option(subjectTag, "[SPF:fail]", { section, help: "the text of the tag", of: (s) => s.tag }),
  Quarantine: option(onOff, "off", {
    section,
    help: "quarantine mail at softfail, and at fail that is not refused",
    of: (s) => s.quarantine,
  }),
  QuarantineBox: option(recipient, "postmaster", {
    section,
    help: "the mailbox that quarantined mail goes to",
    of: (s) => s.quarantineBox,
  }),
  QuarantineMode: option(choice("mailbox", "hold"), "mailbox", {
    section,
    help: "quarantine into QuarantineBox, or hold in the queue of the MTA",
    of: (s) => s.quarantineMode,
  }),
  ReportOnly: option(onOff, "off", {
    section,
    help: "log what would be done, and refuse, tag and quarantine nothing",
    of: (s) => s.reportOnly,
  }),
};

/** Their values by name. */
export type ActionValues = {
  readonly [K in keyof typeof ACTION_OPTIONS]: (typeof ACTION_OPTIONS)[K] extends Option<infer T> ? T : never;
};

/** Their names. */
export type ActionName = keyof ActionValues;

/** The table again, typed so that a name and its values stay together. */
export const ACTION_TABLE: { readonly [K in ActionName]: Option<ActionValues[K]> } = ACTION_OPTIONS;

/** Their names in the order of the documents. */
export const ACTION_NAMES = Object.keys(ACTION_OPTIONS) as readonly ActionName[];
