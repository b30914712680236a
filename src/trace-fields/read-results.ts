import type { OctetString } from "../address/index.ts";

/** One piece of an Authentication-Results field. */
export interface Lexeme {
  readonly kind: "word" | "quoted" | "comment" | "space" | ";" | "=" | "/" | ".";
  /** Without quotes and backslashes; empty for a comment and for white space. */
  readonly text: OctetString;
}

const SPACE = /[\0- \x7f\x85\xa0]+/y;
/** Up to the next octet that may mean something; a backslash means something to many readers. */
const WORD = /[^\0- \x7f\x85\xa0"\\();=/.]+/y;
const SIGN = /[;=/.]/;

/**
 * Cuts a field into lexemes, from front to end, none of it twice. It reads everything: what breaks the grammar is
 * noted in {@link malformed}, so that both judgements, the strict and the generous one, go by the same pieces.
 */
export class ResultsLexer {
  readonly #value: OctetString;
  /** Whether a backslash takes the meaning from what follows it. Some readers know none. */
  readonly #escapes: boolean;
  #at = 0;
  /** A comment or quoted string without an end, a stray parenthesis or backslash, a control character. */
  malformed = false;

  constructor(value: OctetString, escapes = true) {
    this.#value = value;
    this.#escapes = escapes;
  }

  /** The next lexeme; undefined at the end. */
  next(): Lexeme | undefined {
    const value = this.#value;
    for (;;) {
      const c = value[this.#at];
      if (c === undefined) return undefined;
      if (c === "(") return this.#comment();
      if (c === '"') return this.#quoted();
      if (SIGN.test(c)) {
        this.#at++;
        return { kind: c as ";" | "=" | "/" | ".", text: c };
      }
      if (c === ")") {
        this.#at++;
        this.malformed = true;
        continue;
      }
      const space = this.#take(SPACE);
      if (space !== "") {
        if (!/^[ \t\r\n]*$/.test(space)) this.malformed = true;
        return { kind: "space", text: "" };
      }
      return { kind: "word", text: this.#word() };
    }
  }

  #take(pattern: RegExp): OctetString {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#value)?.[0] ?? "";
    this.#at += found.length;
    return found;
  }

  #word(): OctetString {
    let text = "";
    for (;;) {
      const plain = this.#take(WORD);
      text += plain;
      if (this.#value[this.#at] === "\\") {
        this.malformed = true;
        this.#at++;
        if (this.#escapes) text += this.#value[this.#at++] ?? "";
      } else return text;
    }
  }

  #comment(): Lexeme {
    let depth = 0;
    for (; this.#at < this.#value.length; this.#at++) {
      const c = this.#value[this.#at];
      if (c === "\\" && this.#escapes) this.#at++;
      else if (c === "(") depth++;
      else if (c === ")" && --depth === 0) {
        this.#at++;
        return { kind: "comment", text: "" };
      }
    }
    this.malformed = true;
    return { kind: "comment", text: "" };
  }

  #quoted(): Lexeme {
    let text = "";
    for (this.#at++; this.#at < this.#value.length; this.#at++) {
      let c = this.#value.charAt(this.#at);
      if (c === '"') {
        this.#at++;
        return { kind: "quoted", text };
      }
      if (c === "\\" && this.#escapes) c = this.#value.charAt(++this.#at);
      if (c < " " && !/[\t\r\n]/.test(c)) this.malformed = true;
      if (c !== "\r" && c !== "\n") text += c;
    }
    this.malformed = true;
    return { kind: "quoted", text };
  }
}

/** What a field says that follows the grammar of RFC 8601 section 2.2. */
export interface ReadResults {
  /** Without quotes, as written: `mx.example.net`, or `mx.example.net/JOBID`. */
  readonly authservId: OctetString;
  /** 1 where none is given. */
  readonly version: number;
  /** In order; empty for `none`. */
  readonly results: readonly ReadResult[];
}

/** One result of such a field. */
export interface ReadResult {
  /** In lower case: `dkim`. */
  readonly method: string;
  /** 1 where none is given. */
  readonly methodVersion: number;
  /** In lower case: `pass`. */
  readonly result: string;
  /** In order, so that one that comes twice is seen; without the reason. */
  readonly properties: readonly ReadProperty[];
}

/** `header.d=example.net`: type, name and value. */
export interface ReadProperty {
  /** In lower case: `header.d`. Some verifiers write one without a type: `x-bits`, `action`. */
  readonly name: string;
  /** Without quotes. */
  readonly value: OctetString;
}

/** No honest field comes near. */
export const VALUE_OCTETS_MAX = 65_536;

const ID = /^(?!\.+$)[A-Za-z0-9!#$%&'*+\-.^_`{|}~/\x80-\xff]+$/;
const KEYWORD = /^[A-Za-z0-9_-]+$/;
const NUMBER = /^[0-9]{1,9}$/;

/**
 * Reads a field that is to be believed. Undefined where it does not follow the grammar; what real verifiers write
 * beside it is taken: an id with a job id outside quotes, properties without a type, empty clauses, values with any
 * character but white space, quotes, parentheses and semicolons. Linear in the length of the field.
 */
export function readResults(value: OctetString): ReadResults | undefined {
  if (value.length > VALUE_OCTETS_MAX) return undefined;
  const clauses = clausesOf(value);
  if (clauses === undefined) return undefined;
  const head = readHead(new Clause(clauses[0] ?? []));
  const rest = clauses.slice(1).filter((clause) => clause.some(({ kind }) => kind !== "space"));
  if (head === undefined || rest.length === 0) return undefined;
  const results: ReadResult[] = [];
  for (const lexemes of rest) {
    const clause = new Clause(lexemes);
    if (rest.length === 1 && clause.isNone()) break;
    const result = readResult(clause);
    if (result === undefined) return undefined;
    results.push(result);
  }
  return { ...head, results };
}

/** The field cut at its semicolons, a comment being white space; undefined where it is malformed. */
function clausesOf(value: OctetString): Lexeme[][] | undefined {
  const lexer = new ResultsLexer(value);
  let clause: Lexeme[] = [];
  const clauses = [clause];
  for (let lexeme = lexer.next(); lexeme !== undefined; lexeme = lexer.next()) {
    if (lexeme.kind === ";") {
      clause = [];
      clauses.push(clause);
    } else if (lexeme.kind === "space" || lexeme.kind === "comment") {
      if (clause.at(-1)?.kind !== "space") clause.push({ kind: "space", text: "" });
    } else clause.push(lexeme);
  }
  return lexer.malformed ? undefined : clauses;
}

/** `authserv-id [CFWS version]` */
function readHead(clause: Clause): Omit<ReadResults, "results"> | undefined {
  const authservId = clause.value();
  if (authservId === undefined || !ID.test(authservId)) return undefined;
  const version = clause.number();
  if (!clause.done) return undefined;
  return { authservId, version: version ?? 1 };
}

/** `method [/ version] = result`, then reason and properties. */
function readResult(clause: Clause): ReadResult | undefined {
  const method = clause.keyword();
  let methodVersion: number | undefined = 1;
  if (clause.sign("/")) methodVersion = clause.number();
  if (method === undefined || methodVersion === undefined || !clause.sign("=")) return undefined;
  const result = clause.keyword();
  if (result === undefined || !clause.atGap) return undefined;
  const properties: ReadProperty[] = [];
  while (!clause.done) {
    const property = readProperty(clause);
    if (property === undefined) return undefined;
    if (property.name !== "reason") properties.push(property);
  }
  return { method, methodVersion, result, properties };
}

function readProperty(clause: Clause): ReadProperty | undefined {
  const first = clause.keyword();
  const second = clause.sign(".") ? clause.keyword() : "";
  if (first === undefined || second === undefined || !clause.sign("=")) return undefined;
  const value = clause.value();
  if (value === undefined) return undefined;
  return { name: second === "" ? first : `${first}.${second}`, value };
}

/** A reader of the lexemes between two semicolons. White space may precede whatever is asked for. */
class Clause {
  readonly #lexemes: readonly Lexeme[];
  #at = 0;

  constructor(lexemes: readonly Lexeme[]) {
    this.#lexemes = lexemes;
  }

  get done(): boolean {
    this.#skipSpace();
    return this.#at === this.#lexemes.length;
  }

  /** At white space, or at the end. */
  get atGap(): boolean {
    return (this.#lexemes[this.#at]?.kind ?? "space") === "space";
  }

  /** Whether it is the word `none` alone. */
  isNone(): boolean {
    const words = this.#lexemes.filter(({ kind }) => kind !== "space");
    return words.length === 1 && words[0]?.kind === "word" && words[0].text.toLowerCase() === "none";
  }

  sign(kind: "=" | "/" | "."): boolean {
    this.#skipSpace();
    if (this.#lexemes[this.#at]?.kind !== kind) return false;
    this.#at++;
    return true;
  }

  /** In lower case. */
  keyword(): string | undefined {
    return this.#word(KEYWORD)?.toLowerCase();
  }

  number(): number | undefined {
    const digits = this.#word(NUMBER);
    return digits === undefined ? undefined : Number(digits);
  }

  /** A quoted string, one with `@domain` after it, or what is in one piece up to white space. */
  value(): OctetString | undefined {
    this.#skipSpace();
    const pieces: Lexeme[] = [];
    for (let lexeme = this.#lexemes[this.#at]; lexeme !== undefined && lexeme.kind !== "space"; ) {
      pieces.push(lexeme);
      lexeme = this.#lexemes[++this.#at];
    }
    const [first, second] = pieces;
    if (first === undefined || pieces.slice(1).some(({ kind }) => kind === "quoted")) return undefined;
    if (first.kind === "quoted" && second?.text.startsWith("@") === false) return undefined;
    return pieces.map(({ text }) => text).join("");
  }

  #word(pattern: RegExp): OctetString | undefined {
    this.#skipSpace();
    const lexeme = this.#lexemes[this.#at];
    if (lexeme?.kind !== "word" || !pattern.test(lexeme.text)) return undefined;
    this.#at++;
    return lexeme.text;
  }

  #skipSpace(): void {
    if (this.#lexemes[this.#at]?.kind === "space") this.#at++;
  }
}
