import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { REPLY_OCTETS_MAX, ReplyGuard, SLOT_MAP_OCTETS_MAX } from "../../../src/shared-cache/replies.ts";

/** What the guard says of all that, cut into pieces of those lengths. */
function look(text: string, awaited: number, cuts: readonly number[] = []): string | undefined {
  const guard = new ReplyGuard();
  const bytes = Buffer.from(text, "latin1");
  let left = awaited;
  let at = 0;
  for (const length of [...cuts, bytes.length]) {
    const piece = bytes.subarray(at, at + length);
    const problem = guard.look(piece, left);
    if (problem !== undefined) return problem;
    // As the queue of the client gets shorter.
    left = awaited - wholeReplies(bytes.subarray(0, at + piece.length).toString("latin1"));
    at += piece.length;
    if (at === bytes.length) break;
  }
  return undefined;
}

/** How many replies are whole, of texts that are well formed. */
function wholeReplies(text: string): number {
  let at = 0;
  const value = (): boolean => {
    const end = text.indexOf("\r\n", at);
    if (end === -1) return false;
    const [type, number] = [text[at], Number(text.slice(at + 1, end))];
    at = end + 2;
    if (type === "$" && number >= 0) at += number + 2;
    if (at > text.length) return false;
    for (let nth = 0; type === "*" && nth < number; nth++) if (!value()) return false;
    return true;
  };
  let count = 0;
  while (at < text.length && value()) count++;
  return count;
}

const line = fc.stringMatching(/^[ -~]{0,30}$/);
const scalar = fc.oneof(
  line.map((text) => `+${text}\r\n`),
  line.map((text) => `-ERR ${text}\r\n`),
  fc.integer().map((number) => `:${number}\r\n`),
  fc.constantFrom("$-1\r\n", "*-1\r\n", "*0\r\n"),
  fc
    .uint8Array({ maxLength: 200 })
    .map((bytes) => `$${bytes.length}\r\n${Buffer.from(bytes).toString("latin1")}\r\n`),
);
const reply = fc.letrec<{ reply: string }>((tie) => ({
  reply: fc.oneof(
    { maxDepth: 4, depthIdentifier: "lists" },
    scalar,
    fc
      .array(tie("reply"), { minLength: 1, maxLength: 5, depthIdentifier: "lists" })
      .map((items) => `*${items.length}\r\n${items.join("")}`),
  ),
})).reply;

describe("what an engine sends", () => {
  it("passes where it is well formed, in whatever pieces, and one answer more does not", () => {
    fc.assert(
      fc.property(
        fc.array(reply, { minLength: 1, maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 300 }),
        (replies, cuts) => {
          assert.equal(look(replies.join(""), replies.length, cuts), undefined);
          assert.notEqual(look(replies.join(""), replies.length - 1, cuts), undefined);
        },
      ),
      { numRuns: 300, seed: 1 },
    );
  });

  it("comes to the same whatever pieces it comes in, also where it is not", () => {
    const octet = fc.constantFrom("$", "*", ":", "+", "-", "0", "1", "2", "9", "\r", "\n", "x");
    fc.assert(
      fc.property(fc.array(octet, { maxLength: 60 }), (octets) => {
        const text = octets.join("");
        const guards = [new ReplyGuard(), new ReplyGuard()] as const;
        const inPieces = octets
          .map((piece) => guards[0].look(Buffer.from(piece, "latin1"), 1000))
          .find((problem) => problem !== undefined);
        assert.equal(guards[1].look(Buffer.from(text, "latin1"), 1000), inPieces, JSON.stringify(text));
      }),
      { numRuns: 2000, seed: 1 },
    );
  });

  const TOO_LARGE = "an answer is too large";
  const NO_ANSWER = "what comes is no answer of an engine";
  const table: readonly (readonly [string, string, string | undefined])[] = [
    ["a value of 60 KB", `$60000\r\n${"x".repeat(60_000)}\r\n`, undefined],
    ["a value of 70 KB", `$70000\r\n${"x".repeat(70_000)}\r\n`, TOO_LARGE],
    ["the head of a value of 1 MB", "$1000000\r\n", TOO_LARGE],
    ["lists four deep", `${"*1\r\n".repeat(4)}+x\r\n`, undefined],
    ["lists five deep", "*1\r\n".repeat(5), TOO_LARGE],
    ["a list of 16,384 numbers", `*16384\r\n${":1\r\n".repeat(16_384)}`, TOO_LARGE],
    ["a list of 10,000 numbers", `*10000\r\n${":1\r\n".repeat(10_000)}`, undefined],
    ["a line of 5 KB", `+${"x".repeat(5000)}`, TOO_LARGE],
    ["a carriage return in a line", "+a\rb\r\n", NO_ANSWER],
    ["a line that ends without one", "+a\n", NO_ANSWER],
    ["an empty line", "\r\n", NO_ANSWER],
    ["a number that is none", ":1e9\r\n", NO_ANSWER],
    ["a length below -1", "$-2\r\n", NO_ANSWER],
    ["a redirection", "-MOVED 16383 node.example:6379\r\n", undefined],
    ["a redirection to an IPv6 address", "-ASK 0 2001:db8::1:6379\r\n", undefined],
    ["a redirection to another port of the same node", "-MOVED 1 :6379\r\n", undefined],
    ["a redirection for a slot that is none", "-MOVED 16384 node.example:6379\r\n", NO_ANSWER],
    ["an error that begins as one", "-MOVEDX __proto__\r\n", undefined],
  ];
  for (const [what, text, problem] of table) {
    it(`${problem === undefined ? "passes" : "does not pass"}: ${what}`, () => {
      assert.equal(new ReplyGuard().look(Buffer.from(text, "latin1"), 1), problem);
    });
  }

  it("may be larger where it is a map of slots", () => {
    const text = Buffer.from(`*10000\r\n${"$10\r\n0123456789\r\n".repeat(10_000)}`, "latin1");
    assert.ok(text.length > REPLY_OCTETS_MAX && text.length < SLOT_MAP_OCTETS_MAX);
    assert.equal(new ReplyGuard().look(text, 1), TOO_LARGE);
    assert.equal(new ReplyGuard().look(text, 1, SLOT_MAP_OCTETS_MAX), undefined);
  });
});
