import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Answer, type AnswerSource, checkHost } from "spf-check";
import { drive } from "../../../src/dns/index.ts";
import { parseArguments } from "../../../src/spfquery/arguments.ts";
import { makeReport, type Report } from "../../../src/spfquery/query.ts";
import { nowOrLater } from "../../support/now-or-later.ts";

/** A report and the number of its evaluations, on a clock that every question moves by 100 ms. */
async function reportOn(records: Record<string, string>, tells: boolean): Promise<[Report, number]> {
  const request = parseArguments(
    ["--timeout=350ms", "192.0.2.1", "h.example", "u@example.test"],
    "mx.example",
  );
  if (request.action !== "check") throw new Error("no check");
  let nowMs = 1000;
  let evaluations = 0;
  const source: AnswerSource = {
    ask({ name }): Answer {
      const text = records[name];
      nowMs += 100;
      return text === undefined
        ? { status: "nxdomain", ttlSeconds: 0 }
        : { status: "found", records: [text], ttlSeconds: 0 };
    },
  };
  const report = await makeReport(
    request.query,
    request.settings,
    {
      source,
      evaluate: (input, answers) =>
        new Promise((resolve, reject) => {
          evaluations++;
          const onThrow = (error: unknown): never => {
            reject(error instanceof Error ? error : new Error(String(error)));
            throw error;
          };
          nowOrLater((done) => drive(checkHost(input), { source: answers, onThrow }, done), resolve);
        }),
      nowMs: () => nowMs,
      nowSeconds: 1_700_000_000,
    },
    tells,
  );
  return [report, evaluations];
}

const chain = (length: number): Record<string, string> =>
  Object.fromEntries([
    ["example.test", "v=spf1 ip4:192.0.2.1 include:i0.test -all"],
    ...Array.from({ length }, (_, i) => [`i${i}.test`, `v=spf1 include:i${i + 1}.test -all`]),
    [`i${length}.test`, "v=spf1 -all"],
  ]) as Record<string, string>;

describe("makeReport()", () => {
  it("makes one evaluation where only the outcome is told", async () => {
    const [report, evaluations] = await reportOn(chain(2), false);
    assert.deepEqual([report.outcome.result, evaluations], ["pass", 1]);
  });

  it("looks at the whole policy within the time that the verdict has left", async () => {
    const [report, evaluations] = await reportOn(chain(3), true);
    assert.deepEqual([report.outcome.result, report.survey?.result], ["pass", "temperror"]);
    assert.equal(evaluations, 2);
  });

  it("looks at all of a policy where there is time enough", async () => {
    const [report] = await reportOn(chain(1), true);
    assert.deepEqual([report.outcome.result, report.survey?.result], ["pass", "fail"]);
    assert.equal(report.elapsedMs, 100);
  });
});
