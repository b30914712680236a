import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  type Answer,
  type CheckHostInput,
  type Outcome,
  parseRecord,
  printRecord,
  type Question,
  type TraceRecord,
} from "spf-check";
import { type Driven, drive } from "../../system/conformance/drive.ts";
import { Zone, type ZoneData } from "../../system/conformance/zone.ts";
import { hostileInput, hostileZone, RUNS, recordText } from "./arbitraries.ts";
import { isRecord } from "./grammar.ts";
import { assertPromises } from "./promises.ts";

function evaluate(zone: ZoneData, input: CheckHostInput): Driven {
  const server = new Zone(zone);
  return drive(input, (question) => server.answer(question));
}

function property(check: (zone: ZoneData, input: CheckHostInput) => void): void {
  fc.assert(fc.property(hostileZone, hostileInput, check), RUNS);
}

/** Each question once, with how often it is there. */
function tally(questions: readonly Question[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { type, name } of questions) {
    const key = `${type} ${name}`;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

describe("records", () => {
  it("are the same when printed and parsed again", () => {
    fc.assert(
      fc.property(recordText, (text) => {
        const first = parseRecord(text);
        assert.ok("record" in first, `${text}: ${"fault" in first ? first.fault.reason : ""}`);
        assert.deepEqual(parseRecord(printRecord(first.record)), first);
      }),
      RUNS,
    );
  });

  it("are what the grammar calls so, whatever the octets", () => {
    const octets = fc.string({
      unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
    });
    const mixed = fc.array(
      fc.oneof(octets, fc.constantFrom(" ", "%", "%{", "}", "/", "//", ":", "ip4:", "a", "=")),
    );
    fc.assert(
      fc.property(mixed, (parts) => {
        const text = `v=spf1 ${parts.join("")}`;
        const parsed = parseRecord(text);
        assert.equal("record" in parsed, isRecord(text), text);
        if ("fault" in parsed) assert.match(parsed.fault.reason, /^[\x20-\x7e]{1,200}$/);
        else assert.deepEqual(parseRecord(printRecord(parsed.record)), parsed);
      }),
      RUNS,
    );
  });
});

describe("evaluation", () => {
  it("never throws, keeps its promises and asks no more than the limits allow", () => {
    property((zone, input) => {
      assertPromises(input, evaluate(zone, input));
    });
  });

  it("gives the same outcome for the same arguments", () => {
    property((zone, input) => {
      assert.deepEqual(evaluate(zone, input), evaluate(zone, input));
    });
  });

  it("does not hang on the order of records in an answer", () => {
    const reversed = (answer: Answer): Answer =>
      answer.status === "found" ? { ...answer, records: [...answer.records].reverse() } : answer;
    property((zone, input) => {
      const server = new Zone(zone);
      const { outcome } = drive(input, (question) => reversed(server.answer(question)));
      assert.deepEqual(outcome, evaluate(zone, input).outcome);
    });
  });

  it("is the same with and without hints, and hints keep to the limits", () => {
    property((zone, input) => {
      const plain = evaluate(zone, input);
      const server = new Zone(zone);
      const early = new Map<string, Answer>();
      const key = ({ type, name }: Question): string => `${type} ${name}`;
      const withHints = driveEarly({ ...input, hints: true }, server, early, key);
      assert.deepEqual(withHints.outcome, plain.outcome);
      assert.deepEqual(withHints.questions, plain.questions);
      for (const hint of withHints.hints) {
        assert.ok(hint.length > 1 && hint.length <= Math.max(input.limits.lookupLimit, 10));
        for (const { name } of hint) assert.ok(/^[\0-\x7f]{1,253}$/.test(name));
      }
    });
  });

  it("is the same with and without a trace, and the trace holds every question", () => {
    property((zone, input) => {
      const plain = evaluate(zone, input);
      const { outcome, questions } = evaluate(zone, { ...input, trace: true });
      assert.deepEqual({ ...outcome, trace: undefined }, plain.outcome);
      assert.ok(outcome.trace !== undefined);
      const traced = questionsOf(outcome.trace);
      assert.deepEqual(tally(traced), tally(questions));
    });
  });

  it("publishes the same result and counts with and without rules of the operator's", () => {
    property((zone, input) => {
      const { overrides, fallbacks } = input.localPolicy;
      const bare = { rules: undefined, guess: undefined, explanation: undefined, overrides, fallbacks };
      const published = (outcome: Outcome): unknown => ({
        ...outcome,
        local: undefined,
        guess: undefined,
        ttlSeconds: 0,
        macrosRead: undefined,
      });
      const { outcome } = evaluate(zone, { ...input, localPolicy: bare });
      assert.deepEqual(published(evaluate(zone, input).outcome), published(outcome));
    });
  });

  it("is the same for another sender and HELO name where their macros are not read", () => {
    property((zone, input) => {
      const { outcome } = evaluate(zone, input);
      const { macrosRead } = outcome;
      const other = {
        ...input,
        sender: macrosRead.has("l") || macrosRead.has("s") ? input.sender : `other@${input.domain}`,
        helo: macrosRead.has("h") ? input.helo : "other.test",
      };
      assert.deepEqual(evaluate(zone, other).outcome, outcome);
    });
  });

  it("lives no longer than any answer it was made of", () => {
    property((zone, input) => {
      const server = new Zone(zone);
      let smallest = Number.POSITIVE_INFINITY;
      let count = 0;
      const { outcome } = drive(input, (question) => {
        const answer = server.answer(question);
        if (answer.status === "fault") {
          smallest = 0;
          return answer;
        }
        const ttlSeconds = (7 * ++count) % 11;
        smallest = Math.min(smallest, ttlSeconds);
        return { ...answer, ttlSeconds };
      });
      assert.equal(outcome.ttlSeconds, smallest);
    });
  });
});

/** A driver that asks for what is hinted at, and takes its answers from there. */
function driveEarly(
  input: CheckHostInput,
  server: Zone,
  early: Map<string, Answer>,
  key: (question: Question) => string,
): Driven {
  return drive(
    input,
    (question) => early.get(key(question)) ?? server.answer(question),
    (questions) => {
      for (const question of [...questions].reverse()) early.set(key(question), server.answer(question));
    },
  );
}

function questionsOf(trace: TraceRecord): Question[] {
  return [
    ...(trace.lookup === undefined ? [] : [trace.lookup.question]),
    ...trace.terms.flatMap((term) => [
      ...term.lookups.flatMap(({ question, remembered }) => (remembered ? [] : [question])),
      ...(term.nested === undefined ? [] : questionsOf(term.nested)),
    ]),
    ...(trace.rules === undefined ? [] : questionsOf(trace.rules)),
    ...(trace.explanationLookup === undefined ? [] : [trace.explanationLookup.question]),
    ...trace.explanationNameLookups.map(({ question }) => question),
  ];
}
