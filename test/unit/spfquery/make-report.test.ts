import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Answer, type AnswerSource, checkHost } from "spf-check";
import { drive } from "../../../src/dns/index.ts";
import { makeReport, parseArguments, type Report } from "../../../src/spfquery/index.ts";

/** A report and the deadlines of its evaluations, on a clock that every question moves by 100 ms. */
async function reportOn(records: Record<string, string>, tells: boolean): Promise<[Report, number[]]> {
  const request = parseArguments(
    ["--timeout=350ms", "192.0.2.1", "h.example", "u@example.test"],
    "mx.example",
  );
  if (request.action !== "check") throw new Error("no check");
  let nowMs = 1000;
  const deadlines: number[] = [];
  const source: AnswerSource = {
    ask({ name }, deadlineMs, done) {
      const text = records[name];
      const answer: Answer =
        nowMs >= deadlineMs
          ? { status: "fault", problem: "out of time" }
          : text === undefined
            ? { status: "nxdomain", ttlSeconds: 0 }
            : { status: "found", records: [text], ttlSeconds: 0 };
      nowMs += 100;
      done(answer);
      return () => undefined;
    },
  };
  const report = await makeReport(
    request.query,
    request.settings,
    {
      source,
      evaluate: (input, answers, deadlineMs) =>
        new Promise((resolve, reject) => {
          deadlines.push(deadlineMs);
          const onThrow = (error: unknown): never => {
            reject(error instanceof Error ? error : new Error(String(error)));
            throw error;
          };
          drive(checkHost(input), { source: answers, deadlineMs, onThrow }, resolve);
        }),
      nowMs: () => nowMs,
      nowSeconds: 1_700_000_000,
    },
    tells,
  );
  return [report, deadlines];
}

const chain = (length: number): Record<string, string> =>
  Object.fromEntries([
    ["example.test", "v=spf1 ip4:192.0.2.1 include:i0.test -all"],
    ...Array.from({ length }, (_, i) => [`i${i}.test`, `v=spf1 include:i${i + 1}.test -all`]),
    [`i${length}.test`, "v=spf1 -all"],
  ]) as Record<string, string>;

describe("makeReport()", () => {
  it("makes one evaluation where only the outcome is told", async () => {
    const [report, deadlines] = await reportOn(chain(2), false);
    assert.deepEqual([report.outcome.result, deadlines], ["pass", [1350]]);
  });

  it("looks at the whole policy within the time that the verdict has left", async () => {
    const [report, deadlines] = await reportOn(chain(3), true);
    assert.deepEqual([report.outcome.result, report.survey?.result], ["pass", "temperror"]);
    assert.deepEqual(deadlines, [1350, 1350]);
  });

  it("looks at all of a policy where there is time enough", async () => {
    const [report] = await reportOn(chain(1), true);
    assert.deepEqual([report.outcome.result, report.survey?.result], ["pass", "fail"]);
    assert.equal(report.elapsedMs, 100);
  });
});
