export { type Client, type RelayedClient, type RelayHop, readRelayHop } from "./client.ts";
export {
  type ConnectDecision,
  type ConnectionFacts,
  decideAtConnect,
  decideAtMail,
  decideAtRcpt,
  type MailDecision,
  type Recipient,
  type RefusalStage,
  recipientOf,
  refusalStage,
  refusesAnything,
  senderFault,
  syntaxStage,
  trustedSession,
  whitelistedClient,
} from "./decide.ts";
export {
  awaitsEvidence,
  breaksOut,
  type DkimEvidence,
  holdsDkim,
  signatureBreaksOut,
  VERIFIER_RESULTS_MAX,
  type VerifierResults,
  weighEvidence,
} from "./dkim-evidence.ts";
export {
  decideAtEndOfMessage,
  type MessageDecision,
  type Quarantine,
  type RemainingRecipient,
} from "./end-of-message.ts";
export {
  type Cause,
  describeCause,
  type Findings,
  type IdentityCheck,
  isActedUpon,
  type Judgement,
  judge,
  NO_FINDINGS,
  nextCheck,
  senderCheck,
  senderOfUnknownClient,
  withOutcome,
} from "./judgement.ts";
export { readReceived } from "./received.ts";
export {
  evidenceDeferral,
  firstLine,
  type Reply,
  recipientSyntaxReply,
  refusal,
  senderSyntaxReply,
  TOO_MANY_FIELDS,
  TOO_MANY_RECIPIENTS,
} from "./reply.ts";
export {
  type ActionSettings,
  type AddressPattern,
  type ClientNat,
  type MailPolicy,
  type Origin,
  type Origins,
  type PolicyFor,
  type PolicySettings,
  type Reason,
  type Rule,
  ruleOf,
} from "./settings.ts";
