import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { refusedErrors } from "../../../src/smf-spf/status-page.ts";
import { settingsOf } from "../config/reading.ts";

describe("refusedErrors", () => {
  for (const [text, permerror, temperror] of [
    ["", false, false],
    ["RefusePermError on\nAcceptTempError off", true, true],
    ["SPFBehavior 2", false, true],
    ["SPFBehavior 6\nRefusePermError off", false, true],
    ["PolicyFor to=a@b.example RefusePermError=on", true, false],
    ["PolicyFor from=@b.example AcceptTempError=off", false, true],
    ["PolicyFor from=@b.example RefusePermError=off AcceptTempError=on", false, false],
  ] as const) {
    it(`reads ${JSON.stringify(text)}`, () => {
      assert.deepEqual(refusedErrors(settingsOf(text)), { permerror, temperror });
    });
  }
});
