import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { syslogHead } from "../../../src/logging/log.ts";

describe("syslogHead", () => {
  it("writes local time, host and ident as syslog does", () => {
    let now = new Date(2025, 10, 22, 3, 18, 0, 10);
    const head = syslogHead("host.example.jp", "smf-spf[7]", () => now);
    assert.equal(head(), "Nov 22 03:18:00 host smf-spf[7]: ");
    now = new Date(2026, 0, 2, 23, 59, 9);
    assert.equal(head(), "Jan  2 23:59:09 host smf-spf[7]: ");
  });

  it("follows a clock that jumps back", () => {
    let now = new Date(2025, 10, 22, 3, 18, 5);
    const head = syslogHead("h", "i", () => now);
    head();
    now = new Date(2025, 10, 22, 3, 18, 4);
    assert.equal(head(), "Nov 22 03:18:04 h i: ");
  });
});
