import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { runInThisContext } from "node:vm";
import { isHeloDomain, parsePath, toALabels } from "../../../src/address/index.ts";
import { eventLines, JsonLines } from "../../../src/logging/event-line.ts";
import { headerValue, replyText } from "../../../src/milter-protocol/responses.ts";
import { readReceived, verifiedName } from "../../../src/policy/received.ts";
import { guessField, printable, receivedSpf, tagSubject } from "../../../src/trace-fields/index.ts";
import { isForgedResult } from "../../support/is-forged-result.ts";
import { actionEvent, resultEvent } from "../../unit/logging/samples.ts";
import { checkedOf, factsOf } from "../../unit/trace-fields/samples.ts";

/** Far more than any of these takes, far less than what would grow with the square of the length. */
const WATCHDOG_MS = 120_000;
const MEGABYTE = 1_048_576;

const GUESS = { guess: { result: "pass", mechanism: "a" } } as const;

/** Runs it, and breaks it off where it does not come to an end: also inside a regular expression. */
function finishes(act: () => unknown): void {
  Object.assign(globalThis, { hardeningAct: act });
  runInThisContext("hardeningAct()", { timeout: WATCHDOG_MS });
}

const UNITS = [
  "a",
  "1",
  " ",
  "\t",
  "\n",
  "\n ",
  "\r",
  "\0",
  "\xff",
  "\xc3\xa4",
  "\xc3\xa4.",
  "a.",
  "a ",
  "-",
  '"',
  '\\"',
  "\\",
  "(",
  ")",
].concat([
  "()",
  "(a) ",
  ";",
  " a=b;",
  "=",
  "/",
  "%",
  "[",
  "]",
  "<",
  ">",
  "@",
  "@a,",
  ":",
  ",",
  "helo=a ",
  " by a",
  " for by a@b",
  " (by a)",
  "\xe2\x80\xa8",
  "=?",
]);
/** What leads into the repetition. */
const HEADS = [
  "",
  '"',
  "(",
  "<",
  '<"',
  "mx.here.test; spf=pass ",
  'mx.here.test; a=b c.d="',
  "from a ([192.0.2.1] ",
];

const texts = (octets: number): string[] =>
  HEADS.flatMap((head) =>
    UNITS.map((unit) => head + unit.repeat(Math.ceil((octets - head.length) / unit.length))),
  );

describe("what comes from outside, however long", () => {
  /** Name, what is done with a text, and how long texts can be there. */
  const table: readonly [string, (text: string) => unknown, number][] = [
    ["parsePath", (text) => parsePath(text, { relaxedLocalPart: true }), MEGABYTE],
    ["toALabels", toALabels, MEGABYTE],
    ["isHeloDomain", isHeloDomain, MEGABYTE],
    ["verifiedName", verifiedName, MEGABYTE],
    ["isForgedResult", (text) => isForgedResult(text, "mx.here.test", "on"), MEGABYTE],
    // Up to here the field is read, longer ones are not.
    ["isForgedResult", (text) => isForgedResult(text, "mx.here.test", "all"), 65_000],
    ["readReceived", readReceived, 16_000],
    ["readReceived", readReceived, MEGABYTE],
    ["tagSubject", (text) => tagSubject(text, "[SPF:fail]"), MEGABYTE],
    ["printable", (text) => printable(text, true), 8_192],
    ["headerValue", headerValue, 262_144],
    [
      "replyText",
      (text) => replyText({ kind: "reply", code: "550", enhanced: "5.7.1", lines: [text] }),
      65_536,
    ],
    [
      "receivedSpf",
      (text) => receivedSpf(factsOf({ helo: text }), checkedOf("fail", { sender: text })),
      MEGABYTE,
    ],
    [
      "guessField",
      (text) => guessField(factsOf({ helo: text }), checkedOf("none", { sender: text, outcome: GUESS })),
      MEGABYTE,
    ],
    ["eventLines", (text) => eventLines(resultEvent({ from: text, helo: text }), "detailed"), MEGABYTE],
    [
      "eventLines",
      (text) => eventLines(actionEvent({ recipients: [text], reason: text }), "classic"),
      MEGABYTE,
    ],
    ["JsonLines", (text) => new JsonLines(() => new Date(0)).events(resultEvent({ from: text })), MEGABYTE],
  ];
  for (const [name, act, octets] of table) {
    it(`${name} comes to an end with ${octets} octets of anything`, () => {
      finishes(() => {
        for (const text of texts(octets)) act(text);
      });
    });
  }

  it("the watchdog stops what does not come to an end", () => {
    assert.throws(() => {
      runInThisContext("for (;;);", { timeout: 10 });
    }, /timed out/);
  });
});
