/**
 * How programs after us read Authentication-Results, written from what they do: each says under which id it would take
 * the field, and which methods it finds. Undefined where it gives up.
 */

/** What one of them finds. */
export interface Found {
  readonly id: string;
  readonly methods: readonly string[];
}

export type Reader = (value: string) => Found | undefined;

/**
 * OpenDMARC 1.4: a backslash takes the meaning from any octet, quotes may begin and end inside a word, a stray closing
 * parenthesis is nothing, and a word that begins with a parenthesis is a comment. What is at each place is judged by
 * its text alone, so that a quoted semicolon is a semicolon.
 */
export const openDmarc: Reader = (value) => {
  const tokens = openDmarcTokens(value).filter((token) => !token.startsWith("("));
  let id = "";
  let at = 0;
  for (;;) {
    const token = tokens[at++] ?? "";
    if (!/^[a-z0-9]/i.test(token)) return undefined;
    id += token;
    if (tokens[at] !== ".") break;
    id += ".";
    at++;
  }
  if (/^[0-9]/.test(tokens[at] ?? "")) at++;
  const methods: string[] = [];
  if (!(tokens[at] ?? "").startsWith(";")) return tokens[at] === undefined ? { id, methods } : undefined;
  for (at++; at < tokens.length; ) {
    const method = tokens[at++] ?? "";
    if (tokens[at++] !== "=" || tokens[at++] === undefined) return undefined;
    methods.push(method.toLowerCase());
    // Properties end at a semicolon.
    while (at < tokens.length && tokens[at] !== ";") at++;
    at++;
  }
  return { id, methods };
};

function openDmarcTokens(value: string): string[] {
  const tokens: string[] = [];
  let token: string | undefined;
  let quoted = false;
  let escaped = false;
  let depth = 0;
  const end = (): void => {
    if (token !== undefined) tokens.push(token);
    token = undefined;
  };
  for (const c of value) {
    if (escaped) {
      token = (token ?? "") + c;
      escaped = false;
    } else if (c === "\\") escaped = true;
    else if (c === '"' && depth === 0) {
      quoted = !quoted;
      token ??= "";
    } else if (c === "(" && !quoted) {
      depth++;
      token = `${token ?? ""}(`;
    } else if (c === ")" && !quoted) {
      if (depth > 0 && --depth === 0) {
        token = `${token ?? ""})`;
        end();
      }
    } else if (quoted || depth > 0) token = (token ?? "") + c;
    else if (/[ \t\n\v\f\r]/.test(c)) end();
    else if (/[;=.]/.test(c)) {
      end();
      tokens.push(c);
    } else token = (token ?? "") + c;
  }
  end();
  return tokens;
}

const CFWS = String.raw`(?:[ \t\r\n]+|\((?:[^()\\]|\\.|\((?:[^()\\]|\\.|\([^()]*\))*\))*\))*`;
const ATOM = "[A-Za-z0-9!#$%&'*+\\-/=?^_`{|}~]+";

/** Python's authres: the grammar of RFC 5322, comments three deep are enough here; properties may be anything. */
export const authres: Reader = (value) => {
  const head = new RegExp(String.raw`^${CFWS}(${ATOM}(?:\.${ATOM})*)${CFWS}(?:\d+)?${CFWS}(?=;)`, "s").exec(
    value,
  );
  if (head === null) return undefined;
  const method = new RegExp(
    String.raw`;${CFWS}([a-z0-9_-]+)${CFWS}(?:/${CFWS}\d+${CFWS})?=${CFWS}${ATOM}`,
    "gis",
  );
  const text = value.slice(head[0].length);
  // A semicolon in quotes is none; the grammar has quotes only in values, whole.
  const unquoted = text.replace(/"(?:[^"\\]|\\.)*"/gs, "q");
  return {
    id: head[1] ?? "",
    methods: [...unquoted.matchAll(method)].map(([, name]) => (name ?? "").toLowerCase()),
  };
};

/** Perl's Mail::AuthenticationResults: backslashes mean nothing; the first word and values go on to a space or semicolon. */
export const mailAuthenticationResults: Reader = (value) => {
  let rest = value.replace(/[\r\n]/g, " ");
  const tokens: { readonly kind: "string" | "sign" | ";"; readonly text: string }[] = [];
  for (;;) {
    rest = rest.replace(/^\s+/, "");
    if (rest === "") break;
    const before = tokens.at(-1);
    const afterSign = before?.kind === "sign";
    if (rest.startsWith("(")) {
      let depth = 0;
      let at = 0;
      do {
        if (rest[at] === "(") depth++;
        if (rest[at] === ")") depth--;
        at++;
      } while (depth > 0 && at < rest.length);
      if (depth > 0) return undefined;
      rest = rest.slice(at);
    } else if (rest.startsWith('"')) {
      const end = rest.indexOf('"', 1);
      if (end < 0) return undefined;
      tokens.push({ kind: "string", text: rest.slice(1, end) });
      rest = rest.slice(end + 1);
    } else if (rest.startsWith(";")) {
      tokens.push({ kind: ";", text: ";" });
      rest = rest.slice(1);
    } else if (/^[=/]/.test(rest) || (rest.startsWith(".") && !afterSign)) {
      tokens.push({ kind: "sign", text: rest.charAt(0) });
      rest = rest.slice(1);
    } else {
      const whole = before === undefined || (afterSign && before.text === "=");
      const text = (whole ? /^[^\s;]+/ : /^[^\s;"(=/.]+/).exec(rest)?.[0];
      if (text === undefined) return undefined;
      tokens.push({ kind: "string", text });
      rest = rest.slice(text.length);
    }
  }
  const [first] = tokens;
  if (first?.kind !== "string") return undefined;
  const methods: string[] = [];
  for (let at = tokens.findIndex(({ kind }) => kind === ";"); at >= 0 && at < tokens.length; at++) {
    if (tokens[at]?.kind !== ";") continue;
    const name = tokens[at + 1];
    const sign = tokens[at + 2];
    if (name?.kind === "string" && sign?.kind === "sign" && sign.text !== ".")
      methods.push(name.text.toLowerCase());
  }
  return { id: first.text, methods };
};

/** SpamAssassin's SPF plugin looks at no id and at no structure; what it finds counts for whatever id is first. */
export const spamAssassin: Reader = (value) => {
  const id = /^[\s]*([^\s\0-\x1f\x80-\xff()<>@,;:/[\]?="]+)\s*(?:\d+\s*)?;/.exec(value)?.[1];
  if (id === undefined) return undefined;
  return { id, methods: /;\s*SPF\s*=/i.test(value) ? ["spf"] : [] };
};

export const READERS: Readonly<Record<string, Reader>> = {
  openDmarc,
  authres,
  mailAuthenticationResults,
  spamAssassin,
};
