import { isIP } from "node:net";

/** RCODEs that a zone can make the server answer with. */
export type ZoneRcode = "SERVFAIL" | "REFUSED" | "FORMERR" | "NOTIMP" | "NXDOMAIN";

/**
 * One entry of a zone. Strings are octet strings: one character, one octet. An array under TXT or SPF is the
 * character-strings of one record. `TIMEOUT` and the RCODE words speak for every type that has no record of its
 * own; `ttl` next to a type is that record's TTL in seconds.
 */
export type ZoneEntry = "TIMEOUT" | ZoneRcode | Readonly<Record<string, unknown>>;

/** Owner names and what they hold: the shape that the JSON suites of SPF cases use. */
export type Zone = Readonly<Record<string, readonly ZoneEntry[]>>;

/** The data of one record as the zone gives it, checked. */
export type ZoneData =
  | { readonly type: "A" | "AAAA" | "PTR" | "CNAME"; readonly value: string }
  | { readonly type: "MX"; readonly preference: number; readonly exchange: string }
  | { readonly type: "TXT" | "SPF"; readonly strings: readonly string[] };

/** A record ready to be served. */
export interface ZoneRecord {
  readonly owner: string;
  readonly data: ZoneData;
  /** Undefined: the server's own TTL. */
  readonly ttlSeconds: number | undefined;
}

/** What a zone says to one question. */
export type ZoneAnswer =
  | { readonly kind: "records"; readonly records: readonly ZoneRecord[]; readonly exists: boolean }
  | { readonly kind: "silence" }
  | { readonly kind: "rcode"; readonly rcode: ZoneRcode };

const RCODES: ReadonlySet<unknown> = new Set(["SERVFAIL", "REFUSED", "FORMERR", "NOTIMP", "NXDOMAIN"]);
const CNAMES_MAX = 16;

interface Node {
  readonly owner: string;
  readonly records: ZoneRecord[];
  readonly rcodes: Map<string, ZoneRcode>;
  otherwise: "TIMEOUT" | ZoneRcode | undefined;
}

/** A zone that can be asked: wildcards, aliases inside the zone, failures on demand. */
export class ZoneTable {
  readonly #nodes = new Map<string, Node>();

  /** @throws TypeError where an entry has none of the known shapes. */
  constructor(zone: Zone) {
    for (const [owner, entries] of Object.entries(zone)) {
      const node: Node = { owner, records: [], rcodes: new Map(), otherwise: undefined };
      for (const entry of entries) addEntry(node, entry);
      this.#nodes.set(keyOf(owner), node);
    }
  }

  /** Follows aliases as a recursive name server does; a loop ends after {@link CNAMES_MAX} of them. */
  answer(name: string, type: string): ZoneAnswer {
    const records: ZoneRecord[] = [];
    let owner = name;
    for (let hops = 0; hops <= CNAMES_MAX; hops++) {
      const node = this.#find(owner);
      if (node === undefined) return { kind: "records", records, exists: false };
      const rcode = node.rcodes.get(type);
      if (rcode === "NXDOMAIN") return { kind: "records", records, exists: false };
      if (rcode !== undefined) return { kind: "rcode", rcode };
      const own = node.records.filter(({ data }) => data.type === type);
      const alias = node.records.find(({ data }) => data.type === "CNAME");
      if (own.length === 0 && alias === undefined && node.otherwise !== undefined) {
        if (node.otherwise === "NXDOMAIN") return { kind: "records", records, exists: false };
        return node.otherwise === "TIMEOUT" ? { kind: "silence" } : { kind: "rcode", rcode: node.otherwise };
      }
      const asked = owner;
      if (own.length > 0 || alias?.data.type !== "CNAME") {
        records.push(...own.map((record) => ({ ...record, owner: asked })));
        return { kind: "records", records, exists: true };
      }
      records.push({ ...alias, owner: asked });
      owner = alias.data.value;
    }
    return { kind: "records", records, exists: true };
  }

  #find(name: string): Node | undefined {
    const key = keyOf(name);
    const exact = this.#nodes.get(key);
    if (exact !== undefined) return exact;
    for (let dot = key.indexOf("."); dot >= 0; dot = key.indexOf(".", dot + 1)) {
      const wildcard = this.#nodes.get(`*${key.slice(dot)}`);
      if (wildcard !== undefined) return wildcard;
    }
    return undefined;
  }
}

/** The name as the table holds it: ASCII letters in lower case, no final dot (RFC 4343). */
function keyOf(name: string): string {
  return name.replace(/\.$/, "").replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function addEntry(node: Node, entry: ZoneEntry): void {
  if (typeof entry === "string") {
    if (entry !== "TIMEOUT" && !RCODES.has(entry)) throw new TypeError(`${node.owner}: entry ${entry}`);
    node.otherwise = entry;
    return;
  }
  const ttl = entry["ttl"];
  const ttlSeconds = typeof ttl === "number" ? ttl : undefined;
  for (const [type, value] of Object.entries(entry)) {
    if (type === "ttl") continue;
    const rcode = rcodeOf(value);
    if (rcode !== undefined) node.rcodes.set(type, rcode);
    else node.records.push({ owner: node.owner, data: dataOf(node.owner, type, value), ttlSeconds });
  }
}

function rcodeOf(value: unknown): ZoneRcode | undefined {
  if (typeof value !== "object" || value === null || !("rcode" in value)) return undefined;
  if (!RCODES.has(value.rcode)) throw new TypeError(`rcode ${String(value.rcode)}`);
  return value.rcode as ZoneRcode;
}

function dataOf(owner: string, type: string, value: unknown): ZoneData {
  const bad = (): TypeError => new TypeError(`${owner}: ${type} ${JSON.stringify(value)}`);
  switch (type) {
    case "A":
    case "AAAA":
      if (typeof value !== "string" || isIP(value) !== (type === "A" ? 4 : 6)) throw bad();
      return { type, value };
    case "PTR":
    case "CNAME":
      if (typeof value !== "string") throw bad();
      return { type, value };
    case "MX": {
      const [preference, exchange] = Array.isArray(value) ? (value as unknown[]) : [];
      if (typeof preference !== "number" || typeof exchange !== "string") throw bad();
      return { type, preference, exchange };
    }
    case "TXT":
    case "SPF": {
      const strings: unknown[] = Array.isArray(value) ? value : [value];
      if (!strings.every((text) => typeof text === "string")) throw bad();
      return { type, strings: strings.length === 0 ? [""] : strings };
    }
    default:
      throw bad();
  }
}
