import { type IpAddress, type OctetString, samePrefix, withoutFinalDot } from "../address/index.ts";
import type { ClientNames } from "./client-names.ts";
import { type Evaluating, type Failure, isFailure } from "./evaluating.ts";
import type { Question, RecordData } from "./lookup.ts";
import type { DualCidr, Mechanism } from "./record.ts";
import type { Session } from "./session.ts";
import { isAskable } from "./target-name.ts";
import type { Term } from "./term.ts";

/** RFC 7208 section 4.6.4: one `mx` looks up the addresses of no more exchanges than these. */
const MX_ADDRESS_LOOKUPS_MAX = 10;

/** Mechanisms that need no DNS (RFC 7208 section 4.6.4). */
export type StaticMechanism = Extract<Mechanism, { kind: "all" | "ip4" | "ip6" }>;

/** Whether a mechanism is decided without DNS. */
export function isStatic(mechanism: Mechanism): mechanism is StaticMechanism {
  return mechanism.kind === "all" || mechanism.kind === "ip4" || mechanism.kind === "ip6";
}

/** all, ip4 and ip6 (RFC 7208 sections 5.1 and 5.6). */
export function staticMatches(mechanism: StaticMechanism, ip: IpAddress): boolean {
  return mechanism.kind === "all" || inBlock(ip, mechanism.address, mechanism.prefixLength);
}

/** The `a` mechanism (RFC 7208 section 5.3). */
export function* aMatches(term: Term, name: OctetString, cidr: DualCidr): Evaluating<boolean | Failure> {
  if (!isAskable(name)) return false;
  const { ip, addressType } = term.session;
  const addresses = yield* term.records(name, addressType);
  return isFailure(addresses) ? addresses : anyInBlock(ip, addresses, cidr);
}

/** The `mx` mechanism (RFC 7208 section 5.4); exchanges are looked up in the order of their preference. */
export function* mxMatches(term: Term, name: OctetString, cidr: DualCidr): Evaluating<boolean | Failure> {
  if (!isAskable(name)) return false;
  const { ip, addressType, input } = term.session;
  const records = yield* term.records(name, "MX");
  if (isFailure(records)) return records;
  const exchanges = [...records]
    .sort(byPreference)
    .map(({ exchange }) => withoutFinalDot(exchange))
    .filter(isAskable);
  if (input.hints && exchanges.length > 1)
    yield { kind: "hint", questions: addressHints(exchanges, addressType) };
  for (const [i, exchange] of exchanges.entries()) {
    if (i >= MX_ADDRESS_LOOKUPS_MAX) {
      return term.fail("permerror", `more than ${MX_ADDRESS_LOOKUPS_MAX} mail exchangers to look up`);
    }
    const addresses = yield* term.records(exchange, addressType);
    if (isFailure(addresses)) return addresses;
    if (anyInBlock(ip, addresses, cidr)) return true;
  }
  return false;
}

/** The `ptr` mechanism (RFC 7208 section 5.5): DNS faults mean no match. */
export function* ptrMatches(
  term: Term,
  name: OctetString,
  clientNames: ClientNames,
): Evaluating<boolean | Failure> {
  if (!isAskable(name)) return false;
  return yield* clientNames.anyWithin(name, term);
}

/** The `exists` mechanism (RFC 7208 section 5.7): an A lookup for IPv6 clients too. */
export function* existsMatches(term: Term, name: OctetString): Evaluating<boolean | Failure> {
  if (!isAskable(name)) return false;
  const addresses = yield* term.records(name, "A");
  return isFailure(addresses) ? addresses : addresses.length > 0;
}

function addressHints(exchanges: readonly OctetString[], type: Session["addressType"]): Question[] {
  return exchanges.slice(0, MX_ADDRESS_LOOKUPS_MAX).map((name) => ({ name, type }));
}

/** Equal preferences by name: the order in which a name server lists them plays no part. */
function byPreference(a: RecordData["MX"], b: RecordData["MX"]): number {
  if (a.preference !== b.preference) return a.preference - b.preference;
  return a.exchange < b.exchange ? -1 : a.exchange > b.exchange ? 1 : 0;
}

function anyInBlock(ip: IpAddress, addresses: readonly IpAddress[], cidr: DualCidr): boolean {
  const prefixLength = ip.family === 4 ? cidr.ip4 : cidr.ip6;
  return addresses.some((address) => inBlock(ip, address, prefixLength));
}

function inBlock(ip: IpAddress, address: IpAddress, prefixLength: number): boolean {
  return ip.family === address.family && samePrefix(ip.bytes, address.bytes, prefixLength);
}
