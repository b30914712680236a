export { type DriveOptions, drive } from "./drive.ts";
export { DNS_PORT, type Nameserver, parseResolvConf, systemNameservers } from "./nameservers.ts";
export { createResolver, type Resolver, type ResolverCounters, type ResolverOptions } from "./resolver.ts";
