/** Macro-strings with hostile values, compared with an expansion written the plain way. */
import assert from "node:assert/strict";
import { type MacroString, parseMacroString } from "spf-check";
import { parseIpAddress } from "../../../src/address/index.ts";
import { expandText, isAskable, type MacroValues, targetName } from "../../../src/spf-check/macros.ts";
import { isDomainSpec, isExplanation } from "../../unit/spf-check/grammar.ts";
import { mutate, type Rng } from "./rng.ts";
import { suiteTexts } from "./suite-texts.ts";

export const name = "spf-macro";

const EXPLANATION_OCTETS = 500;
const IPV4 = parseIpAddress("192.0.2.3");
const IPV6 = parseIpAddress("2001:db8::cb01");
const SEEDS = suiteTexts()
  .flatMap((text) => text.split(/[ :=]/))
  .filter((text) => text.includes("%"));
const HOSTILE = ["", ".", "..", "a.b.c.d.e", "a-b+c,d/e_f=g", "x".repeat(64), "a.".repeat(200), "%{s}", "@"];

/** Four pieces separated by NUL: the macro-string, local part, domain and HELO name. */
export function replay(input: Buffer): void {
  const [text = "", localPart = "", domain = "", helo = ""] = input.toString("latin1").split("\0");
  for (const ip of [IPV4, IPV6]) {
    if (ip === undefined) throw new Error("no address");
    const values: MacroValues = {
      ip,
      domain,
      localPart,
      senderDomain: domain,
      helo,
      receiver: "",
      nowSeconds: 1_700_000_000,
      validatedName: "unknown",
    };
    checkExplanation(text, values);
    checkName(text, values);
  }
}

function checkExplanation(text: string, values: MacroValues): void {
  const parsed = parseMacroString(text, "explanation");
  assert.equal("macroString" in parsed, isExplanation(text));
  if ("fault" in parsed) return;
  const expanded = expandText(parsed.macroString, values, EXPLANATION_OCTETS);
  const wanted = plainly(parsed.macroString, values);
  assert.equal(expanded.slice(0, EXPLANATION_OCTETS), wanted.slice(0, EXPLANATION_OCTETS));
}

function checkName(text: string, values: MacroValues): void {
  const parsed = parseMacroString(text, "domain-spec");
  assert.equal("macroString" in parsed, isDomainSpec(text));
  if ("fault" in parsed) return;
  const target = targetName(parsed.macroString, values);
  // RFC 7208 section 7.3: left-hand labels go until 253 octets are left.
  let wanted = plainly(parsed.macroString, values).replace(/\.$/, "");
  while (wanted.length > 253 && wanted.includes(".")) wanted = wanted.slice(wanted.indexOf(".") + 1);
  if (wanted.length <= 253) assert.equal(target, wanted);
  else assert.ok(!isAskable(target));
}

/** RFC 7208 sections 7.2 and 7.3 word by word, without a thought for cost. */
function plainly({ parts }: MacroString, values: MacroValues): string {
  return parts
    .map((part) => {
      if (part.kind === "literal") return part.text;
      const delimiter = new RegExp(`[${part.delimiters.replace(/[\\\]^-]/g, "\\$&")}]`);
      let pieces = valueOf(part.letter, values).split(delimiter);
      if (part.reverse) pieces.reverse();
      if (part.digits !== undefined) pieces = pieces.slice(-part.digits);
      const joined = pieces.join(".");
      return part.escape ? escaped(joined) : joined;
    })
    .join("");
}

function escaped(text: string): string {
  return Array.from(text)
    .map((char) =>
      /[\w\-.~]/.test(char) ? char : `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
    )
    .join("");
}

function valueOf(letter: string, values: MacroValues): string {
  const ip4 = values.ip.family === 4;
  const nibbles = Buffer.from(values.ip.bytes).toString("hex").toUpperCase();
  const table: Record<string, string> = {
    s: `${values.localPart}@${values.senderDomain}`,
    l: values.localPart,
    o: values.senderDomain,
    d: values.domain,
    i: ip4 ? "192.0.2.3" : Array.from(nibbles).join("."),
    p: "unknown",
    v: ip4 ? "in-addr" : "ip6",
    h: values.helo,
    c: ip4 ? "192.0.2.3" : "2001:db8::cb01",
    r: "unknown",
    t: "1700000000",
  };
  const value = table[letter];
  assert.ok(value !== undefined, `a macro ${letter}`);
  return value;
}

export function makeInput(rng: Rng): Buffer {
  const seed = Buffer.from(rng.once(3) ? madeMacro(rng) : rng.pick(SEEDS), "latin1");
  const text = rng.once(2) ? seed : mutate(rng, seed);
  const pieces = [text.filter((octet) => octet !== 0), ...[0, 1, 2].map(() => hostileValue(rng))];
  return Buffer.from(pieces.map((piece) => Buffer.from(piece).toString("latin1")).join("\0"), "latin1");
}

function madeMacro(rng: Rng): string {
  let text = "";
  for (let n = 1 + rng.below(4); n > 0; n--) {
    const letter = rng.pick(Array.from("slodipvhcrtSLODIPVHCRTxz"));
    const digits = rng.pick(["", "", "0", "1", "2", "05", "127", "128", "999999999999"]);
    const delimiters = Array.from({ length: rng.below(4) }, () => rng.pick(Array.from(".-+,/_="))).join("");
    text += rng.pick(["", "a", ".", "%%", "%_", "%-", "@"]);
    text += `%{${letter}${digits}${rng.pick(["", "r", "R"])}${delimiters}}`;
  }
  return text + rng.pick(["", ".test", ".test.", ".1", "."]);
}

function hostileValue(rng: Rng): Uint8Array {
  const value = Buffer.from(rng.pick(HOSTILE), "latin1");
  return (rng.once(2) ? value : mutate(rng, value)).filter((octet) => octet !== 0);
}
