import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { FilterEvent } from "../../../src/filter/index.ts";
import { JsonLines } from "../../../src/logging/event-line.ts";
import { actionEvent, FUZZ, hostileEvent, resultEvent } from "./samples.ts";

const lines = new JsonLines(() => new Date("2025-11-22T03:18:00.000Z"));
const read = (line: string): Record<string, unknown> => JSON.parse(line) as Record<string, unknown>;

const only = (event: FilterEvent): Record<string, unknown> => {
  const [line = "", ...more] = lines.events(event);
  assert.deepEqual(more, []);
  return read(line);
};

describe("JsonLines", () => {
  it("events() writes a verdict with the names of the detailed format", () => {
    assert.deepEqual(only(resultEvent({ cached: true, guess: "pass", from: "" })), {
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

  it("events() writes an action with its recipients", () => {
    const event = actionEvent({ recipients: ["<a@b>"], location: "/etc/smf-spf.conf:7", dkim: "none" });
    assert.deepEqual(only(event), {
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
      rule: "RefuseFail",
      line: "/etc/smf-spf.conf:7",
      dkim: "none",
      reply: "550 5.7.23 no",
      to: ["<a@b>"],
      recipients: 1,
    });
  });

  it("writes the members that smf-spf.conf(5) names, and no others", () => {
    const everything = resultEvent({
      queueId: "4AM3IhAB012345",
      problem: "DNS",
      local: "pass",
      guess: "pass",
    });
    const written = [
      ...Object.keys(only(everything)),
      ...Object.keys(only(actionEvent({ location: "f:1", dkim: "none" }))),
      ...Object.keys(read(lines.message("notice", "started"))),
    ];
    const page = readFileSync(join(import.meta.dirname, "../../../etc/man/smf-spf.conf.5"), "utf8");
    const [, section = ""] = /^\.It Ic LogFormat [^]*?^\.Bl [^\n]*\n([^]*?)^\.El$/m.exec(page) ?? [];
    const named = [...section.matchAll(/^\.It Li (.*)$/gm)].flatMap(([, names = ""]) => names.split(" , "));
    assert.deepEqual([...new Set([...named, "message"])].sort(), [...new Set(written)].sort());
    assert.match(section, /^\.Li message \.$/m);
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

  it("events() names every recipient once, in order, in as many lines as it takes", () => {
    const recipients = Array.from({ length: 100 }, (_, index) => `<user${index}@example.jp>`);
    const written = lines.events(actionEvent({ recipients })).map(read);
    assert.ok(written.length > 1);
    assert.deepEqual(
      written.flatMap(({ to }) => to),
      recipients,
    );
    assert.deepEqual(
      written.map(({ recipients: count, reason }) => [count, reason]),
      written.map(() => [100, "SPF fail"]),
    );
  });

  it("events() are objects of one line each of at most 1,000 octets, whatever a client says", () => {
    fc.assert(
      fc.property(hostileEvent, (event) => {
        const written = lines.events(event);
        for (const line of written) {
          assert.match(line, /^[\x20-\x7e]{1,1000}$/);
          assert.equal(read(line)["event"], event.event);
          assert.equal(typeof read(line)["from"], "string");
        }
        if (event.event === "action") {
          assert.equal(written.flatMap((line) => read(line)["to"]).length, event.recipients.length);
        }
      }),
      FUZZ,
    );
  });
});
