import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { systemReason } from "../../../src/process/errors.ts";

describe("systemReason", () => {
  for (const [code, expected] of [
    ["EACCES", /^permission denied$/],
    ["EADDRINUSE", /^another program listens there$/],
    ["EADDRNOTAVAIL", /^this host has no such address$/],
    ["EAI_AGAIN", /^no name server answers/],
    ["ENOSPC", /^no space/],
    ["ENOTFOUND", /^no such host name$/],
    ["EROFS", /read-only .*ReadWritePaths=/],
    ["EBADF", /^EBADF: something else$/],
  ] as const) {
    it(`says what ${code} means`, () => {
      assert.match(systemReason(Object.assign(new Error(`${code}: something else`), { code })), expected);
    });
  }

  it("takes what is no error", () => {
    assert.equal(systemReason("odd"), "odd");
  });
});
