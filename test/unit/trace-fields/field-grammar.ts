/**
 * A checker of the fields' grammar, written from RFC 5322, RFC 7208 section 9.1 (erratum 5436) and RFC 8601
 * section 2.2 without a look at the code under test. Every function throws where the text breaks the grammar.
 */

/** Undoes folding and fails on any CR, NUL, or LF that is not a fold. */
export function unfold(value: string): string {
  if (/[\0\r]/.test(value)) throw new Error("CR or NUL");
  for (const [index, line] of value.split("\n").entries()) {
    if (index > 0 && !/^[ \t]/.test(line)) throw new Error(`header injection: ${JSON.stringify(line)}`);
    if (/^[ \t]*$/.test(line)) throw new Error("blank line");
    if (line.length > 998 - 30) throw new Error(`line of ${line.length}`);
  }
  return value.replaceAll("\n", "");
}

/** A reader of tokens over one unfolded value. */
export class Reader {
  readonly text: string;
  at = 0;

  constructor(text: string) {
    this.text = text;
  }

  get done(): boolean {
    return this.at >= this.text.length;
  }

  take(pattern: RegExp, what: string): string {
    const sticky = new RegExp(pattern.source, "y");
    sticky.lastIndex = this.at;
    const match = sticky.exec(this.text);
    if (match === null) throw new Error(`${what} expected at ${this.at} of ${this.text}`);
    this.at = sticky.lastIndex;
    return match[0];
  }

  has(pattern: RegExp): boolean {
    const sticky = new RegExp(pattern.source, "y");
    sticky.lastIndex = this.at;
    return sticky.test(this.text);
  }

  /** A comment with its nested ones; the result is the text inside, quoted-pairs taken off. */
  comment(): string {
    this.take(/\(/, "(");
    let text = "";
    for (let depth = 1; depth > 0; ) {
      const piece = this.take(/[()]|\\[\x20-\x7e]|[\x20-\x27\x2a-\x5b\x5d-\x7e\x80-\xff]/, "comment text");
      if (piece === "(") depth++;
      else if (piece === ")") depth--;
      if (depth > 0) text += piece.length === 2 ? piece.charAt(1) : piece;
    }
    return text;
  }

  quotedString(): string {
    const quoted = this.take(/"(?:[\x20\x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\x20-\x7e])*"/, "quoted-string");
    return quoted.slice(1, -1).replace(/\\(.)/g, "$1");
  }
}

/** The pieces of a Received-SPF value. */
export interface ReceivedSpf {
  readonly result: string;
  readonly comment: string;
  readonly pairs: ReadonlyMap<string, string>;
}

const ATEXT = "[A-Za-z0-9!#$%&'*+\\-/=?^_`{|}~]+";

export function readReceivedSpf(value: string): ReceivedSpf {
  const reader = new Reader(unfold(value));
  const result = reader.take(/Pass|Fail|SoftFail|Neutral|None|TempError|PermError/, "result");
  reader.take(/ /, "FWS");
  const comment = reader.comment();
  const pairs = new Map<string, string>();
  while (!reader.done) {
    reader.take(pairs.size === 0 ? / / : /; /, "separator");
    const key = reader.take(/client-ip|envelope-from|helo|problem|receiver|identity|mechanism/, "key");
    reader.take(/=/, "=");
    const text = reader.has(/"/)
      ? reader.quotedString()
      : reader.take(new RegExp(`${ATEXT}(?:\\.${ATEXT})*`), "dot-atom");
    if (pairs.has(key)) throw new Error(`${key} twice`);
    pairs.set(key, text);
  }
  return { result, comment, pairs };
}

/** One result of an Authentication-Results value. */
export interface ResultInfo {
  readonly method: string;
  readonly result: string;
  readonly comments: readonly string[];
  readonly property: string;
  readonly value: string;
}

export function readAuthenticationResults(value: string): { id: string; results: ResultInfo[] } {
  const reader = new Reader(unfold(value));
  const token = /[A-Za-z0-9!#$%&'*+\-.^_`{|}~]+/;
  const id = reader.has(/"/) ? reader.quotedString() : reader.take(token, "authserv-id");
  const results: ResultInfo[] = [];
  reader.take(/; /, ";");
  if (reader.has(/none$/)) return { id, results };
  for (;;) {
    const method = reader.take(/[a-z]+/, "method");
    reader.take(/=/, "=");
    const result = reader.take(/none|neutral|pass|fail|softfail|temperror|permerror/, "result");
    const comments: string[] = [];
    reader.take(/ /, "FWS");
    while (reader.has(/\(/)) {
      comments.push(reader.comment());
      reader.take(/ /, "FWS");
    }
    const property = reader.take(/smtp\.(?:mailfrom|helo)/, "property");
    reader.take(/=/, "=");
    const domain = /[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*/;
    const text = reader.has(/"/)
      ? reader.quotedString()
      : reader.has(new RegExp(`${ATEXT}(?:\\.${ATEXT})*@${domain.source}`))
        ? reader.take(new RegExp(`${ATEXT}(?:\\.${ATEXT})*@${domain.source}`), "address")
        : reader.take(token, "value");
    results.push({ method, result, comments, property, value: text });
    if (reader.done) return { id, results };
    reader.take(/; /, ";");
  }
}
