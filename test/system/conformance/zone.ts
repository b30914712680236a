import type { Answer, Question, RecordData, RecordType } from "spf-check";
import { parseIpAddress, withoutFinalDot } from "../../../src/address/index.ts";

/** Zone data as the suites have it: owners, and what each holds. Strings are octet strings. */
export type ZoneData = Readonly<Record<string, readonly ZoneEntry[]>>;

/**
 * One record, or a fault. `"TIMEOUT"`, `"SERVFAIL"` and the like stand for all types that have no record of
 * their own; `{ "A": { "rcode": "SERVFAIL" } }` for one type.
 */
export type ZoneEntry = string | Readonly<Record<string, ZoneValue>>;
export type ZoneValue = string | readonly (string | number)[] | { readonly rcode: string };

/** How a name server that does not answer is seen: it says so, or it is silent. */
export type TimeoutKind = "SERVFAIL" | "silence";

const CNAME_HOPS_MAX = 16;
const TTL_SECONDS = 3600;
const NEGATIVE_TTL_SECONDS = 300;

/** A name server for one zone: answers questions at once, as a resolver would in the end. */
export class Zone {
  private readonly owners = new Map<string, readonly ZoneEntry[]>();
  private readonly timeout: TimeoutKind;

  constructor(data: ZoneData, timeout: TimeoutKind = "SERVFAIL") {
    for (const [owner, entries] of Object.entries(data)) this.owners.set(key(owner), entries);
    this.timeout = timeout;
  }

  answer({ name, type }: Question): Answer {
    let owner = key(name);
    for (let hop = 0; hop <= CNAME_HOPS_MAX; hop++) {
      const entries = this.entriesOf(owner);
      if (entries === undefined) return { status: "nxdomain", ttlSeconds: NEGATIVE_TTL_SECONDS };
      const alias = valuesOf(entries, "CNAME")[0];
      if (typeof alias !== "string") return this.answerOf(entries, type);
      owner = key(alias);
    }
    return { status: "fault", problem: "a loop of CNAME records" };
  }

  private entriesOf(owner: string): readonly ZoneEntry[] | undefined {
    const exact = this.owners.get(owner);
    if (exact !== undefined) return exact;
    for (let dot = owner.indexOf("."); dot !== -1; dot = owner.indexOf(".", dot + 1)) {
      const wildcard = this.owners.get(`*${owner.slice(dot)}`);
      if (wildcard !== undefined) return wildcard;
    }
    return undefined;
  }

  private answerOf(entries: readonly ZoneEntry[], type: RecordType): Answer {
    const values = valuesOf(entries, type);
    const fault = values.find((value) => typeof value === "object" && "rcode" in value);
    if (typeof fault === "object" && "rcode" in fault) return { status: "fault", problem: fault.rcode };
    if (values.length > 0) {
      return {
        status: "found",
        records: values.map((value) => record(type, value)),
        ttlSeconds: TTL_SECONDS,
      };
    }
    const general = entries.find((entry) => typeof entry === "string");
    if (general === undefined) return { status: "nodata", ttlSeconds: NEGATIVE_TTL_SECONDS };
    const problem = general === "TIMEOUT" && this.timeout === "silence" ? "no answer in time" : general;
    return { status: "fault", problem: problem === "TIMEOUT" ? "SERVFAIL" : problem };
  }
}

function key(name: string): string {
  return withoutFinalDot(name).toLowerCase();
}

function valuesOf(entries: readonly ZoneEntry[], type: string): ZoneValue[] {
  return entries.flatMap((entry) => {
    const value = typeof entry === "string" ? undefined : entry[type];
    return value === undefined ? [] : [value];
  });
}

function record(type: RecordType, value: ZoneValue): RecordData[RecordType] {
  if (type === "TXT") return list(value).join("");
  if (type === "MX") {
    const [preference, exchange] = list(value);
    return { preference: Number(preference), exchange: withoutFinalDot(String(exchange)) };
  }
  const text = list(value).join("");
  if (type === "PTR") return withoutFinalDot(text);
  const address = parseIpAddress(text);
  if (address?.family !== (type === "A" ? 4 : 6)) throw new Error(`a zone has no such ${type}: ${text}`);
  return address;
}

function list(value: ZoneValue): readonly (string | number)[] {
  if (typeof value === "string") return [value];
  if ("rcode" in value) throw new Error(`${value.rcode} is no record`);
  return value;
}
