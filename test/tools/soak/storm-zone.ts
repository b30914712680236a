/** The domains of a storm, and the result that each must have for a sender and a client. */
import type { ReceivedQuestion, Zone } from "../../support/nameserver/index.ts";

/** Names of a kind; each has verdicts of its own in the cache. */
export const NAMES_PER_KIND = 20;

const TTL = 1;

/** Records by kind; `*` covers the names below it. Short lives, so that all is asked again and again. */
export const STORM_ZONE: Zone = {
  "*.pass.test": [{ TXT: "v=spf1 include:spf.shared.test -all", ttl: TTL }],
  "*.fail.test": [{ TXT: "v=spf1 -all", ttl: TTL }],
  "*.soft.test": [{ TXT: "v=spf1 include:none.shared.test ~all", ttl: TTL }],
  "*.neutral.test": [{ TXT: "v=spf1 ?all", ttl: TTL }],
  "*.none.test": [{ TXT: "no record", ttl: TTL }],
  "*.perm.test": [{ TXT: "v=spf1 unknown -all", ttl: TTL }],
  "*.temp.test": ["SERVFAIL"],
  "*.late.test": ["TIMEOUT"],
  "*.local.test": [{ TXT: "v=spf1 exists:%{l}.allowed.test -all", ttl: TTL }],
  "good.allowed.test": [{ A: "127.0.0.2", ttl: TTL }],
  "*.client.test": [{ TXT: "v=spf1 ip4:192.0.2.0/25 -all", ttl: TTL }],
  "*.flap.test": [{ TXT: "v=spf1 include:spf.flapping.test -all", ttl: TTL }],
  "spf.flapping.test": [{ TXT: "v=spf1 ip4:192.0.2.0/24 -all", ttl: TTL }],
  "spf.shared.test": [{ TXT: "v=spf1 ip4:192.0.2.0/24 -all", ttl: TTL }],
  "none.shared.test": [{ TXT: "v=spf1 -all", ttl: TTL }],
};

/** Where the name server fails now and then. */
export const isFlapping = ({ name }: ReceivedQuestion): boolean => /\.flap(ping)?\.test$/i.test(name);

export const KINDS = [
  "pass",
  "fail",
  "soft",
  "neutral",
  "none",
  "perm",
  "temp",
  "late",
  "local",
  "client",
  "flap",
] as const;
export type Kind = (typeof KINDS)[number];

/** The one right result; of flapping names also temperror is right. */
export function expectedResults(kind: Kind, localPart: string, lastOctet: number): readonly string[] {
  switch (kind) {
    case "soft":
      return ["softfail"];
    case "perm":
      return ["permerror"];
    case "temp":
    case "late":
      return ["temperror"];
    case "local":
      return [localPart === "good" ? "pass" : "fail"];
    case "client":
      return [lastOctet < 128 ? "pass" : "fail"];
    case "flap":
      return ["pass", "temperror"];
    default:
      return [kind];
  }
}
