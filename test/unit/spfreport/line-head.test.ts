import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LineHeads } from "../../../src/spfreport/read-log.ts";

const WRITTEN = new Date(2026, 10, 22, 12).getTime();
const TEXT = "SPF pass: 192.0.2.1, h, h, a@b.example";

function read(head: string, writtenMs = WRITTEN): { timeMs: number | undefined; text: string } | string {
  const line = head + TEXT;
  const said = new LineHeads(writtenMs).read(line);
  return typeof said === "string" ? said : { timeMs: said.timeMs, text: line.slice(said.textAt) };
}

describe("LineHeads", () => {
  const local = new Date(2026, 10, 22, 3, 18, 5).getTime();
  for (const [head, timeMs] of [
    ["Nov 22 03:18:05 mx smf-spf[7]: ", local],
    ["Nov 22 03:18:05 mx smf-spf: ", local],
    ["Nov 22 03:18:05 <mail.notice> mx smf-spf[7]: ", local],
    ["Nov 22 03:18:05 mx mail.notice smf-spf[7]: ", local],
    ["2026-11-22T03:18:05+09:00 mx smf-spf[7]: ", Date.UTC(2026, 10, 21, 18, 18, 5)],
    ["2026-11-22T03:18:05.123456+0900 mx smf-spf[7]: ", Date.UTC(2026, 10, 21, 18, 18, 5)],
    ["2026-11-22T03:18:05Z mx smf-spf[7]: ", Date.UTC(2026, 10, 22, 3, 18, 5)],
    ["2026-11-22T03:18:05-05:30 mx smf-spf[7]: ", Date.UTC(2026, 10, 22, 8, 48, 5)],
    ["2026-11-22 03:18:05 mx smf-spf[7]: ", local],
  ] as const) {
    it(`reads ${head}`, () => {
      assert.deepEqual(read(head), { timeMs, text: TEXT });
    });
  }

  it("leaves the time of a json line to the line", () => {
    assert.deepEqual(new LineHeads(WRITTEN).read('{"time":"x"}'), {
      timeMs: undefined,
      process: "json",
      textAt: 0,
    });
  });

  for (const head of [
    "Nov 22 03:18:05 mx postfix/smtpd[7]: ",
    "Nov 22 03:18:05 mx postfix/smtpd[7]: smf-spf[7]: ",
    "Nov 22 03:18:05 mx postfix/smtpd[7]: Nov 22 03:18:05 mx smf-spf[7]: ",
    "Nov 22 03:18:05 mx not-smf-spf[7]: ",
    "Nov 22 03:18:05 mx smf-spf-other[7]: ",
    "Nov 22 03:18:05 mx smf-spf(x): ",
    "2026-11-22T03:18:05Z mx sm-mta[7]: smf-spf[7]: ",
    "-- Boot 0123456789abcdef -- ",
  ]) {
    it(`passes over ${head}`, () => {
      assert.equal(read(head), "other");
    });
  }

  for (const head of [
    "",
    "smf-spf[7]: ",
    "Foo 22 03:18:05 mx smf-spf[7]: ",
    "Nov 31 03:18:05 mx smf-spf[7]: ",
    "Nov 22 27:18:05 mx smf-spf[7]: ",
    "2026-13-22T03:18:05Z mx smf-spf[7]: ",
    "2026-02-30T03:18:05Z mx smf-spf[7]: ",
  ]) {
    it(`cannot read ${JSON.stringify(head)}`, () => {
      assert.equal(read(head), "unreadable");
    });
  }

  const yearOf = (head: string, writtenMs: number): number | string => {
    const said = read(head, writtenMs);
    return typeof said === "string" ? said : new Date(said.timeMs ?? 0).getFullYear();
  };

  it("guesses the year from the time of the file", () => {
    const newYear = new Date(2027, 0, 2, 3).getTime();
    assert.equal(yearOf("Dec 31 23:59:59 mx smf-spf[7]: ", newYear), 2026);
    assert.equal(yearOf("Jan  1 00:00:00 mx smf-spf[7]: ", newYear), 2027);
    // A clock or zone that is ahead by some hours.
    assert.equal(yearOf("Jan  2 22:00:00 mx smf-spf[7]: ", newYear), 2027);
    assert.equal(yearOf("Jan  5 22:00:00 mx smf-spf[7]: ", newYear), 2026);
  });

  it("finds the last leap year for a 29th of February", () => {
    assert.equal(yearOf("Feb 29 12:00:00 mx smf-spf[7]: ", new Date(2026, 5, 1).getTime()), 2024);
  });

  it("keeps the seconds of lines of one minute apart", () => {
    const heads = new LineHeads(WRITTEN);
    const times = ["05", "59"].map((second) => {
      const said = heads.read(`Nov 22 03:18:${second} mx smf-spf[7]: x`);
      return typeof said === "string" ? 0 : (said.timeMs ?? 0);
    });
    assert.equal((times[1] ?? 0) - (times[0] ?? 0), 54_000);
  });
});
