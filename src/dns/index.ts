export { AnswerCache } from "./answer-cache.ts";
export { drive, EarlyShares, withDeadline, withinOctets } from "./drive.ts";
export { foresee, type Remembered } from "./foresee.ts";
export { type KeepableAnswer, plainAnswer, readPlainAnswer } from "./kept-answers.ts";
export { ANSWER_TIME_BOUNDS_MS } from "./lookup.ts";
export { isAskable, questionKey } from "./messages.ts";
export {
  formatNameserver,
  type Nameserver,
  type NameserverList,
  parseNameserver,
  parseResolvConf,
  SystemNameservers,
} from "./nameservers.ts";
export { Resolver, type ResolverCounters, type ResolverOptions, type ServerHealth } from "./resolver.ts";
export type { ServerState } from "./server.ts";
