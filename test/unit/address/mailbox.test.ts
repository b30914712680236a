import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { octetsOfText, parsePath } from "../../../src/address/index.ts";

const STRICT = { relaxedLocalPart: false };
const LOCAL_64 = "l".repeat(64);

describe("parsePath()", () => {
  for (const text of ["<>", "", "  <> "]) {
    it(`reads ${JSON.stringify(text)} as the null path`, () => {
      assert.deepEqual(parsePath(text, STRICT), { kind: "null" });
    });
  }

  const mailboxes: [string, string, string, string][] = [
    ["<user@example.com>", "user@example.com", "user", "example.com"],
    ["user@example.com", "user@example.com", "user", "example.com"],
    ["<User@Example.COM.>", "User@Example.COM.", "User", "example.com"],
    ["<postmaster>", "postmaster", "postmaster", ""],
    ["<@a.example,@b.example:user@example.com>", "user@example.com", "user", "example.com"],
    ['<"<>"@example.com>', '"<>"@example.com', "<>", "example.com"],
    ['<"a@b"@example.com>', '"a@b"@example.com', "a@b", "example.com"],
    ['<"a\\"b\\\\"@example.com>', '"a\\"b\\\\"@example.com', 'a"b\\', "example.com"],
    ['<""@example.com>', '""@example.com', "", "example.com"],
    ["<user@[192.0.2.1]>", "user@[192.0.2.1]", "user", "[192.0.2.1]"],
    ["<user@[IPv6:2001:db8::1]>", "user@[IPv6:2001:db8::1]", "user", "[ipv6:2001:db8::1]"],
    [
      "<user+tag=x@my_host.example.com>",
      "user+tag=x@my_host.example.com",
      "user+tag=x",
      "my_host.example.com",
    ],
    ["<a!b%c@example.com>", "a!b%c@example.com", "a!b%c", "example.com"],
    [`<${LOCAL_64}@example.com>`, `${LOCAL_64}@example.com`, LOCAL_64, "example.com"],
    ["<.us..er.@example.jp>", ".us..er.@example.jp", ".us..er.", "example.jp"],
    ["<user@localhost>", "user@localhost", "user", "localhost"],
  ];
  for (const [text, address, localPart, domain] of mailboxes) {
    it(`reads ${text}`, () => {
      assert.deepEqual(parsePath(text, STRICT), { kind: "mailbox", address, localPart, domain });
    });
  }

  it("leaves the octets of a UTF-8 address as they are", () => {
    const address = octetsOfText("jürgen@BÜCHER.example");
    const path = parsePath(`<${address}>`, STRICT);
    assert.ok(path.kind === "mailbox");
    assert.equal(path.address, address);
    assert.equal(path.domain, octetsOfText("bÜcher.example"));
  });

  const malformed = [
    "<user@example.com",
    "user@example.com>",
    "<",
    "<user @example.com>",
    "<us er@example.com>",
    "<@example.com>",
    "<user@>",
    "<user@example..com>",
    "<user@exa mple.com>",
    "<user@example.com,other@example.com>",
    "<user@a@b>",
    '<"user@example.com>',
    '<"us\ner"@example.com>',
    '<"a"b@example.com>',
    "<user@[999.0.2.1]>",
    "<user@[192.0.2.1>",
    "<@a.example:>",
    "<@a.example user@example.com>",
    "<a:user@example.com>",
    `<${LOCAL_64}l@example.com>`,
    `<user@${"d".repeat(250)}.example>`,
    "<user\0@example.com>",
    `<${"@a.example,".repeat(400)}@a.example:user@example.com>`,
  ];
  for (const text of malformed) {
    it(`says what is wrong with ${JSON.stringify(text.slice(0, 40))}`, () => {
      const path = parsePath(text, STRICT);
      assert.ok(path.kind === "malformed");
      assert.match(path.reason, /^[a-z]/);
    });
  }

  it("takes a local part of 65 octets when it is relaxed", () => {
    assert.equal(parsePath(`<${LOCAL_64}l@example.com>`, { relaxedLocalPart: true }).kind, "mailbox");
  });

  it("takes only an empty argument for the null path, whatever comes", () => {
    const hostile = fc.string({
      unit: fc.constantFrom(...'<>"\\@:, .a[]1\0\r\n\xff'.split("")),
      maxLength: 20,
    });
    fc.assert(
      fc.property(hostile, (text) => {
        const path = parsePath(text, STRICT);
        assert.equal(path.kind === "null", text.trim() === "" || text.trim() === "<>");
        if (path.kind === "mailbox") assert.doesNotMatch(path.address, /[\0-\x1f\x7f]/);
      }),
      { seed: 7208, numRuns: 2000 },
    );
  });
});
