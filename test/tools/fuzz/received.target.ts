/** Received fields of relays with hostile HELO names, ident answers, host names and addresses in them. */
import assert from "node:assert/strict";
import { readReceived } from "../../../src/policy/received.ts";
import { type ClientWords, TEMPLATES, VERIFYING } from "./received-templates.ts";
import { mutate, type Rng } from "./rng.ts";

export const name = "received";

/** What the relay saw, and what the client would like it to have seen. */
const SEEN = "203.0.113.77";
const WANTED = "192.0.2.10";

const PIECES = [
  "",
  "a.test",
  `a(${WANTED})`,
  `[${WANTED}]`,
  `x [${WANTED}]`,
  `x@[${WANTED}]`,
  `a@${WANTED}`,
  `(x [${WANTED}])`,
  ` ([${WANTED}])`,
  ` (HELO x) ([${WANTED}])`,
  "(",
  ")",
  "a(",
  '"',
  "\\",
  "\\(",
  "<",
  ">",
  ";",
  "\t",
  " ",
  " by m with ESMTPSA",
  " by relay.test (Postfix) with ESMTPSA id Q",
  " by relay.test (8.17.1/8.17.1) with ESMTPSA id Q",
  " by relay.test with esmtpsa (Exim 4.96)",
  " by relay.test with SMTP; 22 Nov 2026 03:18:00 -0000",
  ' for <"',
  ' envelope-from <"',
  ' (envelope-sender <"',
  " (envelope-from <",
  "; Sun, 22 Nov 2026 03:18:00 +0900",
  "account alice HELO x",
  "AUTH: LOGIN alice",
  ", AUTH: LOGIN alice",
  "(authenticated bits=0)",
  "(Authenticated sender: alice)",
  " (may be forged)",
  " ident=x helo=y",
  "h".repeat(1500),
];
const FIELDS = TEMPLATES.map(({ write }) =>
  write({ helo: "x", ident: "x", ptr: "x.test", sender: "x", recipient: "x" }, WANTED).replace(/\s+/g, " "),
);

/** An octet that chooses the writer, then the words, each ended by NUL. */
export function replay(input: Buffer): void {
  const template = TEMPLATES[(input[0] ?? 0) % TEMPLATES.length];
  if (template === undefined) throw new Error("no template");
  const [helo = "", ident = "", ptr = "", sender = "", recipient = ""] = input
    .toString("latin1", 1)
    .replace(/[\r\n]/g, "")
    .split("\0");
  const words: ClientWords = { helo, ident, ptr, sender, recipient };
  const field = template.write(words, SEEN);
  for (const value of [field, field.replace(/\r?\n[ \t]+/g, " ")]) {
    const from = readReceived(value);
    assert.ok(from !== undefined, `${template.name}: unreadable: ${value}`);
    assert.equal(from.ip.text.replace("::ffff:", ""), SEEN, `${template.name}: ${value}`);
    assert.equal(from.authenticated, false, `${template.name}: ${value}`);
    const name = from.verifiedName;
    assert.ok(
      name === undefined || (VERIFYING.test(template.name) && name === ptr.replace(/\.$/, "")),
      `${template.name}: ${name} is believed: ${value}`,
    );
  }
}

export function makeInput(rng: Rng): Buffer {
  const word = (): string =>
    Array.from({ length: rng.below(6) }, () =>
      rng.once(6) ? rng.pick(FIELDS).slice(rng.below(12)) : rng.pick(PIECES),
    ).join("");
  const words = Array.from({ length: 5 }, word).join("\0");
  const made = Buffer.from(words, "latin1");
  return Buffer.concat([Buffer.from([rng.below(256)]), rng.once(3) ? mutate(rng, made) : made]);
}
