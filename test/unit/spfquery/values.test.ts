import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseArguments } from "../../../src/spfquery/arguments.ts";
import { fieldsOf } from "../../../src/spfquery/values.ts";

const HEADER =
  "Received: from fwd.example (fwd.example [203.0.113.9])\r\n\tby mx (Postfix) with ESMTP id 1; now\r\n" +
  "Received: from other.example (other.example [198.51.100.1]) by fwd.example (Postfix); then\r\n" +
  "Subject: a\r\n b\r\n";

describe("--mail", () => {
  it("reads fields as a milter is given them, and no body", () => {
    assert.deepEqual(fieldsOf("From joe Sun Nov 29\nA: 1\nB:\n 2\n\tx\nno field\n\nC: 3\n"), [
      { name: "A", value: "1" },
      { name: "B", value: "\n 2\n\tx" },
    ]);
  });

  it("takes the client of the topmost Received and the sender of Return-Path", () => {
    const request = parseArguments(
      ["--mail", "m"],
      "mx",
      () => `Return-Path: <a@b.example>\r\n${HEADER}\r\nx`,
    );
    assert.ok(request.action === "check");
    const { ip, helo, sender } = request.query;
    assert.deepEqual([ip.text, helo, sender], ["203.0.113.9", "fwd.example", "a@b.example"]);
    assert.equal(request.fields.length, 4);
  });

  const faults: readonly (readonly [string, string[], string, RegExp])[] = [
    ["no Received", ["--mail", "m"], "Return-Path: <a@b>\n\n", /m has no Received field/],
    ["an unreadable one", ["--mail", "m"], "Received: by x; now\n\n", /names no client address/],
    ["no Return-Path", ["--mail", "m"], HEADER, /no Return-Path/],
    ["something else beside it", ["--mail", "m", "192.0.2.1"], HEADER, /"192.0.2.1" cannot be used with/],
    ["--line beside --ip", ["--line", "x", "--ip=192.0.2.1"], "", /"--ip" cannot be used with/],
  ];
  for (const [what, argv, message, expected] of faults) {
    it(`says so where there is ${what}`, () => {
      assert.throws(() => parseArguments(argv, "mx", () => message), expected);
    });
  }
});
