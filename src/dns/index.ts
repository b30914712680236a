export { AnswerCache, type AnswerCacheCounters, type AnswerCacheOptions } from "./answer-cache.ts";
export { type DriveOptions, drive, type PendingResult, withDeadline } from "./drive.ts";
export { DNS_PORT, type Nameserver, parseResolvConf, systemNameservers } from "./nameservers.ts";
export { Resolver, type ResolverCounters, type ResolverOptions } from "./resolver.ts";
