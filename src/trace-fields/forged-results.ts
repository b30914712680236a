import { type OctetString, toALabels } from "../address/index.ts";

/**
 * Whether an incoming Authentication-Results field must go, because a reader behind us could take it for ours
 * (RFC 8601 section 5). With `on`: it bears our id and carries an spf result, is of another version or cannot
 * be read; fields without a readable id go where they speak of spf or of us. With `all`: every one that bears
 * our id as well.
 */
export function isForgedResult(value: OctetString, ourId: OctetString, mode: "on" | "all"): boolean {
  const field = parseAuthenticationResults(value);
  if (field.authservId === undefined) {
    const text = value.toLowerCase();
    const us = canonicalId(ourId);
    return /(?:^|[^a-z0-9-])spf(?:[^a-z0-9-]|$)/.test(text) || (us !== "" && text.includes(us));
  }
  if (canonicalId(field.authservId) !== canonicalId(ourId)) return false;
  return mode === "all" || !field.wellFormed || field.version !== 1 || field.methods.includes("spf");
}

/** Ids are compared as domain names: without regard to case, final dot, or U-label against A-label. */
function canonicalId(id: OctetString): OctetString {
  return (toALabels(id) ?? id).toLowerCase().replace(/\.$/, "");
}

/** What can be read from an Authentication-Results field (RFC 8601 section 2.2). */
export interface ParsedAuthenticationResults {
  /** Without quotes; undefined where there is none to be read. */
  readonly authservId: OctetString | undefined;
  /** 1 where none is given; undefined where what stands there is no version. */
  readonly version: number | undefined;
  /** Lower case, in order; empty for `none`. */
  readonly methods: readonly string[];
  /** The whole field follows the grammar, but for property values, in which any word will do. */
  readonly wellFormed: boolean;
}

type Lexeme =
  | { readonly kind: "word" | "quoted"; readonly text: OctetString }
  | { readonly kind: "space" }
  | { readonly kind: ";" | "=" | "/" | "." };

/** No honest field comes near; one that is longer is not read. */
const VALUE_OCTETS_MAX = 65_536;

/** Reads the field; what cannot be read is told in the result, nothing is thrown. Linear in its length. */
export function parseAuthenticationResults(value: OctetString): ParsedAuthenticationResults {
  if (value.length > VALUE_OCTETS_MAX) {
    return { authservId: undefined, version: undefined, methods: [], wellFormed: false };
  }
  const clauses = splitClauses(value);
  const head = readHead(clauses.segments[0] ?? "");
  let wellFormed = clauses.complete && head.wellFormed;
  const methods: string[] = [];
  const rest = clauses.segments.slice(1);
  // A final semicolon is no result, but common.
  if (rest.length > 1 && isBlank(rest.at(-1) ?? "")) rest.pop();
  if (rest.length === 0) wellFormed = false;
  for (const segment of rest) {
    const clause = readClause(segment);
    if (clause.method !== undefined) methods.push(clause.method);
    if (!clause.wellFormed || (clause.method === undefined && rest.length > 1)) wellFormed = false;
  }
  return { authservId: head.id, version: head.version, methods, wellFormed };
}

/**
 * The field cut at its semicolons, comments replaced by a space, quoted strings kept. Not complete where a
 * comment or quoted string has no end, or a control character stands outside of folding.
 */
function splitClauses(value: OctetString): { segments: OctetString[]; complete: boolean } {
  const segments: OctetString[] = [];
  let segment = "";
  let depth = 0;
  let quoted = false;
  let complete = true;
  for (let i = 0; i < value.length; i++) {
    const c = value.charAt(i);
    if (c === "\\" && (quoted || depth > 0)) {
      i++;
      if (i >= value.length) complete = false;
      else if (quoted) segment += c + value.charAt(i);
    } else if (quoted) {
      segment += c;
      if (c === '"') quoted = false;
    } else if (c === "(") {
      if (depth++ === 0) segment += " ";
    } else if (depth > 0) {
      if (c === ")") depth--;
    } else if (c === ")") {
      complete = false;
    } else if (c === ";") {
      segments.push(segment);
      segment = "";
    } else {
      if (c === '"') quoted = true;
      segment += c;
    }
    if ((c < " " && !/[\t\r\n]/.test(c)) || c === "\x7f") complete = false;
  }
  segments.push(segment);
  return { segments, complete: complete && depth === 0 && !quoted };
}

const isBlank = (segment: OctetString): boolean => /^[ \t\r\n]*$/.test(segment);

/** `authserv-id [CFWS version]` */
function readHead(segment: OctetString): {
  id: OctetString | undefined;
  version: number | undefined;
  wellFormed: boolean;
} {
  const unreadable = { id: undefined, version: undefined, wellFormed: false };
  const words = segment.match(/"(?:[^"\\]|\\[^])*(?:"|$)|[^ \t\r\n"]+/g) ?? [];
  const first = words[0];
  if (first === undefined || (first.startsWith('"') && !isClosed(first))) return unreadable;
  const end = segment.indexOf(first) + first.length;
  if (end < segment.length && !/[ \t\r\n]/.test(segment.charAt(end))) return unreadable;
  const id = first.startsWith('"') ? unquote(first) : first;
  if (!first.startsWith('"') && /[=/,<>@:?[\]\\]/.test(first)) return unreadable;
  const version = words[1];
  // `spf = pass`: the first word was a method, not an id.
  if (version !== undefined && /^[=/]/.test(version)) return unreadable;
  if (version === undefined) return { id, version: 1, wellFormed: true };
  if (words.length === 2 && /^[0-9]{1,9}$/.test(version)) {
    return { id, version: Number(version), wellFormed: true };
  }
  return { id, version: undefined, wellFormed: false };
}

/** A quoted string without an end reaches to the end of the text, so that it is gone through once. */
const isClosed = (quoted: OctetString): boolean => /^"(?:[^"\\]|\\[^])*"$/.test(quoted);

function unquote(quoted: OctetString): OctetString {
  return quoted
    .slice(1, -1)
    .replace(/\\([^])/g, "$1")
    .replace(/\r?\n/g, "");
}

/** `method [/ version] = result` with reason and properties, or `none`. */
function readClause(segment: OctetString): { method: string | undefined; wellFormed: boolean } {
  const lexemes = lex(segment);
  let at = 0;
  const skipSpace = (): void => {
    if (lexemes[at]?.kind === "space") at++;
  };
  const keyword = (): string | undefined => {
    skipSpace();
    const lexeme = lexemes[at];
    if (lexeme?.kind !== "word" || !/^[A-Za-z0-9_-]+$/.test(lexeme.text)) return undefined;
    at++;
    return lexeme.text.toLowerCase();
  };
  const sign = (kind: "=" | "/" | "."): boolean => {
    skipSpace();
    if (lexemes[at]?.kind !== kind) return false;
    at++;
    return true;
  };

  const method = keyword();
  skipSpace();
  if (method === "none" && at === lexemes.length) return { method: undefined, wellFormed: true };
  if (method === undefined) return { method: undefined, wellFormed: false };
  if (sign("/") && keyword() === undefined) return { method, wellFormed: false };
  if (!sign("=") || keyword() === undefined) return { method, wellFormed: false };
  for (;;) {
    if (at < lexemes.length && lexemes[at]?.kind !== "space") return { method, wellFormed: false };
    skipSpace();
    if (at === lexemes.length) return { method, wellFormed: true };
    const name = keyword();
    const property = name === "reason" ? "" : sign(".") ? keyword() : undefined;
    if (name === undefined || property === undefined || !sign("=")) return { method, wellFormed: false };
    skipSpace();
    const before = at;
    while (at < lexemes.length && lexemes[at]?.kind !== "space") at++;
    if (at === before) return { method, wellFormed: false };
  }
}

function lex(segment: OctetString): Lexeme[] {
  const lexemes: Lexeme[] = [];
  for (const [text] of segment.matchAll(/[ \t\r\n]+|"(?:[^"\\]|\\[^])*(?:"|$)|[;=/.]|[^ \t\r\n"=/.]+/g)) {
    if (/^[ \t\r\n]/.test(text)) lexemes.push({ kind: "space" });
    else if (text.startsWith('"')) lexemes.push({ kind: "quoted", text });
    else if (text === ";" || text === "=" || text === "/" || text === ".") lexemes.push({ kind: text });
    else lexemes.push({ kind: "word", text });
  }
  return lexemes;
}
