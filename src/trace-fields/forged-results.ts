import { type OctetString, toALabels } from "../address/index.ts";
import { type ReadResults, ResultsLexer, readResults, VALUE_OCTETS_MAX } from "./read-results.ts";

/** What somebody other than us found out about a message, or says so: an Authentication-Results field that came in. */
export class ResultsField {
  readonly #value: OctetString;
  #ids: ReadonlySet<OctetString> | undefined;
  #texts: Texts | undefined;

  constructor(value: OctetString) {
    this.#value = value;
  }

  /** What it says, for those who want to believe it; undefined where it does not follow RFC 8601 to the letter. */
  read(): ReadResults | undefined {
    return readResults(this.#value);
  }

  /**
   * The job ids with which a reader could find this id in the field: undefined for the bare id. Empty where nobody
   * could take the field for one of `authservId`; more than one where readers do not agree.
   */
  jobIds(authservId: OctetString): readonly (OctetString | undefined)[] {
    const wanted = canonicalId(authservId);
    if (wanted === "") return [];
    if (this.#value.length > VALUE_OCTETS_MAX) {
      return this.#value.toLowerCase().includes(wanted) ? [undefined] : [];
    }
    this.#ids ??= idsOf(this.#value);
    const slashes = wanted.split("/").length;
    const jobIds = new Set<OctetString | undefined>();
    for (const id of this.#ids) {
      if (canonicalId(id) === wanted) jobIds.add(undefined);
      const parts = id.split("/");
      if (parts.length > slashes && canonicalId(parts.slice(0, slashes).join("/")) === wanted) {
        jobIds.add(parts.slice(slashes).join("/"));
      }
    }
    return [...jobIds];
  }

  /** Whether a reader could take the field for one of `authservId`, bare or with a job id. */
  bears(authservId: OctetString): boolean {
    return this.jobIds(authservId).length > 0;
  }

  /** Whether a reader could find a result of this method in the field. */
  mayHold(method: "spf" | "dkim"): boolean {
    const { begins, apart, inside } = METHODS[method];
    if (!begins.test(this.#value)) return false;
    const texts = (this.#texts ??= textsOf(this.#value));
    return inside.test(texts.whole) || texts.outside.some((text) => apart.test(text));
  }

  /**
   * Whether an incoming field must go (RFC 8601 section 5): a later reader could take it for one of `ourId`, and
   * could find an spf result in it; with `all` the first is enough.
   */
  isForged(ourId: OctetString, mode: "on" | "all"): boolean {
    return this.bears(ourId) && (mode === "all" || this.mayHold("spf"));
  }
}

/**
 * `begins`: nothing needs a closer look without it. `inside`: after a semicolon or a comment, in a text with all its
 * comments and quoted strings, because SpamAssassin looks into both, and because readers do not agree where they end.
 * `apart`: anywhere between words, in a text without them.
 */
const METHODS = {
  spf: { begins: /s["\\)]*[p(]/i, inside: /[;)] ?spf ?[=(/]/i, apart: /(?:^|[ ;])spf ?[=/]/i },
  dkim: { begins: /d["\\)]*[k(]/i, inside: /[;)] ?dkim ?[=(/]/i, apart: /(?:^|[ ;])dkim ?[=/]/i },
};

interface Texts {
  /** Without quotes and backslashes, which may stand anywhere in a word for OpenDMARC. */
  readonly whole: OctetString;
  /** Without comments and quoted strings, and with the words that are quoted; all of it where these have no end. */
  readonly outside: readonly OctetString[];
}

function textsOf(value: OctetString): Texts {
  const whole = value.replace(/["\\]+/g, "").replace(/[\0- \x7f\x85\xa0]+/g, " ");
  const outside: OctetString[] = [];
  if (value.length > VALUE_OCTETS_MAX) return { whole, outside: [whole] };
  for (const escapes of [true, false]) {
    let bare = "";
    let quoted = "";
    const lexer = new ResultsLexer(value, escapes);
    for (let lexeme = lexer.next(); lexeme !== undefined; lexeme = lexer.next()) {
      const { kind } = lexeme;
      const text = kind === "space" ? " " : lexeme.text;
      if (kind !== "quoted") bare += text;
      quoted += kind === "quoted" && text.length > 1 ? text.replace(/[\s;=]+/g, "_") : text;
    }
    outside.push(bare.replace(/ +/g, " "), quoted.replace(/ +/g, " "));
    if (escapes && lexer.malformed) outside.push(whole);
  }
  return { whole, outside };
}

/** How many endings of an id are distinguished; no reader gets as far as the last of them. */
const IDS_MAX = 8;

/**
 * The ids that readers could find: the first word, and all that is joined to it by dots, whatever white space and
 * comments there are around them. Quotes and backslashes go, whether or not they belong there.
 */
function idsOf(value: OctetString): ReadonlySet<OctetString> {
  const ids = new Set<OctetString>();
  for (const escapes of [true, false]) {
    const lexer = new ResultsLexer(value, escapes);
    let id = "";
    // Kept apart: a look at the end of a string that grows would copy it each time.
    let endsWithDot = false;
    let gap = false;
    let skipping = false;
    for (let lexeme = lexer.next(); lexeme !== undefined; lexeme = lexer.next()) {
      const { kind, text } = lexeme;
      const begins = id === "" || endsWithDot;
      if (kind === ";" || kind === "=") break;
      if (kind === "space" || kind === "comment") {
        if (id !== "" && ids.size < IDS_MAX) ids.add(id);
        gap ||= kind === "space" || skipping;
        skipping = false;
      } else if (kind === ".") {
        id += text;
        endsWithDot = true;
        gap = false;
        skipping = false;
      } else if (text === "") {
        // Empty quotes hide nothing.
      } else if (skipping || ((begins || gap) && text.startsWith("("))) {
        // To OpenDMARC a word that begins with a parenthesis is a comment, also `"(x"` and `\\(x`: up to a space, a dot
        // or the end of a real comment.
        skipping = true;
      } else if (gap && !begins) break;
      else {
        id += text;
        endsWithDot = text.endsWith(".");
        gap = false;
      }
    }
    if (id !== "") ids.add(id);
  }
  return ids;
}

/** Ids are compared as domain names: without regard to case, final dot, or U-label against A-label. */
function canonicalId(id: OctetString): OctetString {
  const name = id
    .split(".")
    .map((label) => label.trim())
    .join(".");
  return (toALabels(name) ?? name).toLowerCase().replace(/\.$/, "");
}
