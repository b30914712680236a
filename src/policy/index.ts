export type { Client } from "./client.ts";
export {
  type ConnectDecision,
  type ConnectionFacts,
  decideAtConnect,
  whitelistedClient,
} from "./decide-at-connect.ts";
export {
  type Disposal,
  decideAtEndOfMessage,
  type Quarantine,
  type Remaining,
} from "./decide-at-end-of-message.ts";
export { decideAtMail, type MailDecision, type SessionFacts, trustedSession } from "./decide-at-mail.ts";
export {
  decideAtRcpt,
  type Recipient,
  type RefusalStage,
  recipientOf,
  refusalStage,
} from "./decide-at-rcpt.ts";
export { type Findings, NO_FINDINGS, type Verdict } from "./findings.ts";
export {
  type ActingResult,
  actingResult,
  type Basis,
  type Cause,
  describeCause,
  isActedUpon,
  type Judgement,
  judge,
} from "./judgement.ts";
export type { MailPolicy } from "./mail-policy.ts";
export { type Inquiry, nextInquiry, withOutcome } from "./next-inquiry.ts";
export {
  firstLine,
  type Reply,
  type ReplyFacts,
  recipientSyntaxReply,
  refusal,
  TOO_MANY_RECIPIENTS,
} from "./reply.ts";
export type { ActionSettings, AddressPattern, ClientNat, PolicyFor, PolicySettings } from "./settings.ts";
export { type RelayedClient, type RelayHop, readRelayHop } from "./trusted-relay.ts";
