import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { JsonLines } from "../../src/logging/json-line.ts";
import { actionEvent, FUZZ, hostileEvent, resultEvent } from "./samples.ts";

const lines = new JsonLines(() => new Date("2025-11-22T03:18:00.000Z"));
const read = (line: string): Record<string, unknown> => JSON.parse(line) as Record<string, unknown>;

describe("JsonLines", () => {
  it("event() writes a verdict with the names of the detailed format", () => {
    assert.deepEqual(read(lines.event(resultEvent({ cached: true, guess: "pass", from: "" }))), {
      level: "info",
      time: "2025-11-22T03:18:00.000Z",
      event: "result",
      result: "pass",
      cached: true,
      ip: "192.0.2.1",
      ptr: "spf.example.jp",
      helo: "spf.example.jp",
      from: "<>",
      identity: "mailfrom",
      mechanism: "ip4:192.0.2.0/24",
      lookups: 1,
      voids: 0,
      ms: 12,
      guess: "pass",
    });
  });

  it("event() writes an action with its recipients", () => {
    assert.deepEqual(read(lines.event(actionEvent({ recipients: ["<a@b>"] }))), {
      level: "notice",
      time: "2025-11-22T03:18:00.000Z",
      event: "action",
      action: "refused",
      reportOnly: false,
      queue: "4AM3IhAB012345",
      ip: "192.0.2.9",
      ptr: "[192.0.2.9]",
      helo: "spf.example.jp",
      from: "mail@uso.example.jp",
      reason: "SPF fail",
      reply: "550 5.7.23 no",
      to: ["<a@b>"],
      recipients: 1,
    });
  });

  it("message() writes the daemon's words at their level", () => {
    assert.deepEqual(read(lines.message("warning", "two\nlines \u00e9")), {
      level: "warning",
      time: "2025-11-22T03:18:00.000Z",
      event: "daemon",
      message: "two\\x0alines \\xc3\\xa9",
    });
    assert.ok(lines.message("error", '"'.repeat(3000)).length <= 1000);
  });

  it("event() is one object on one line of at most 1,000 octets, whatever a client says", () => {
    fc.assert(
      fc.property(hostileEvent, (event) => {
        const line = lines.event(event);
        assert.match(line, /^[\x20-\x7e]{1,1000}$/);
        assert.equal(read(line)["event"], event.event);
        assert.equal(typeof read(line)["from"], "string");
      }),
      FUZZ,
    );
  });
});
