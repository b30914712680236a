import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Answer, CheckHostInput, Outcome } from "spf-check";
import { drive } from "../../system/conformance/drive.ts";
import type { ZoneData } from "../../system/conformance/zone.ts";
import { addressOf, check, inputFor, mechanisms, NO_POLICY, publishing } from "./support.ts";

function outcomeOf(zone: ZoneData, given: Partial<CheckHostInput> = {}): Outcome {
  return check(zone, given).outcome;
}

describe("checkHost", () => {
  describe("mechanism and path", () => {
    const zone = publishing("v=spf1 redirect=main.test", {
      "main.test": [{ TXT: "v=spf1 ~include:a.test -ip4:192.0.2.9" }],
      "a.test": [{ TXT: "v=spf1 include:b.test" }],
      "b.test": [{ TXT: "v=spf1 ip4:192.0.2.1 -all" }],
    });

    it("name the directive of the record behind a redirect, and the way down to what matched", () => {
      const { result, mechanism, path } = outcomeOf(zone);
      assert.deepEqual([result, mechanism], ["softfail", "~include:a.test"]);
      assert.deepEqual(path, [
        { domain: "example.test", term: "redirect=main.test" },
        { domain: "main.test", term: "~include:a.test" },
        { domain: "a.test", term: "include:b.test" },
        { domain: "b.test", term: "ip4:192.0.2.1" },
      ]);
    });

    it("are default where nothing matches", () => {
      const { result, mechanism, path } = outcomeOf(zone, { ip: addressOf("192.0.2.2") });
      assert.deepEqual([result, mechanism], ["neutral", "default"]);
      assert.deepEqual(path, [
        { domain: "example.test", term: "redirect=main.test" },
        { domain: "main.test", term: "default" },
      ]);
    });

    it("are not there for none and for errors", () => {
      for (const broken of [{}, publishing("v=spf1 foo"), { "example.test": ["SERVFAIL"] }]) {
        const { mechanism, path } = outcomeOf(broken);
        assert.deepEqual([mechanism, path], [undefined, []]);
      }
    });
  });

  describe("problem", () => {
    const table: readonly [zone: ZoneData, result: string, problem: string][] = [
      [{ "example.test": ["SERVFAIL"] }, "temperror", "the TXT lookup of example.test failed: SERVFAIL"],
      [
        { "example.test": [{ TXT: "v=spf1 a" }, { TXT: "v=spf1 -all" }] },
        "permerror",
        "example.test publishes 2 SPF records where one is allowed",
      ],
      [
        publishing("v=spf1 ip4:1.2.3 -all"),
        "permerror",
        'example.test: syntax error in "ip4:1.2.3": "1.2.3" is not an IPv4 address',
      ],
      [
        publishing("v=spf1 a:lost.test", { "lost.test": ["REFUSED"] }),
        "temperror",
        'example.test: "a:lost.test": the A lookup of lost.test failed: REFUSED',
      ],
      [
        publishing("v=spf1 include:in.test", {
          "in.test": [{ TXT: "v=spf1 -mx:lost.test" }],
          "lost.test": ["SERVFAIL"],
        }),
        "temperror",
        'in.test: "-mx:lost.test": the MX lookup of lost.test failed: SERVFAIL',
      ],
      [
        publishing("v=spf1 include:in.test", { "in.test": ["SERVFAIL"] }),
        "temperror",
        'example.test: "include:in.test": the TXT lookup of in.test failed: SERVFAIL',
      ],
      [
        publishing("v=spf1 include:in.test"),
        "permerror",
        'example.test: "include:in.test": in.test publishes no SPF record',
      ],
      [
        publishing("v=spf1 redirect=in.test", { "in.test": [{ TXT: "v=spf1" }, { TXT: "v=spf1 a" }] }),
        "permerror",
        'example.test: "redirect=in.test": in.test publishes 2 SPF records where one is allowed',
      ],
      [
        publishing("v=spf1 include:example.test"),
        "permerror",
        'example.test: "include:example.test": more than 10 terms that cause DNS lookups',
      ],
      [
        publishing("v=spf1 a:x.test mx:y.test -exists:z.test"),
        "permerror",
        'example.test: "-exists:z.test": more than 2 terms whose DNS lookups find nothing',
      ],
      [
        publishing("v=spf1 a:w.test mx", {
          "example.test": [
            { TXT: "v=spf1 mx" },
            ...Array.from({ length: 11 }, (_, i) => ({ MX: [i, "w.test"] })),
          ],
          "w.test": [{ A: "192.0.2.9" }],
        }),
        "permerror",
        'example.test: "mx": more than 10 mail exchangers to look up',
      ],
    ];
    for (const [zone, result, problem] of table) {
      it(`says: ${problem}`, () => {
        const outcome = outcomeOf(zone);
        assert.deepEqual([outcome.result, outcome.problem], [result, problem]);
      });
    }

    it("is printable and short whatever the record holds", () => {
      const { problem } = outcomeOf(publishing(`v=spf1 \xff\n${"x".repeat(60_000)}`));
      assert.match(problem ?? "", /^[\x20-\x7e]{20,400}$/);
    });
  });

  describe("record and its source", () => {
    it("are those of the domain itself, also where the record is wrong", () => {
      assert.equal(outcomeOf(publishing("v=spf1 foo")).record, "v=spf1 foo");
      assert.equal(outcomeOf({}).record, undefined);
      assert.equal(outcomeOf({ "example.test": [{ TXT: "v=spf1" }, { TXT: "v=spf1 a" }] }).record, undefined);
    });

    it("tell an override from a fallback", () => {
      const overrides = new Map([["example.test", "v=spf1 +all"]]);
      const given = (policy: Partial<typeof NO_POLICY>): Partial<CheckHostInput> => ({
        domain: "Example.Test.",
        localPolicy: { ...NO_POLICY, ...policy },
      });
      const source = (zone: ZoneData, policy: Partial<typeof NO_POLICY>): string => {
        const { result, recordSource } = outcomeOf(zone, given(policy));
        return `${result} ${recordSource}`;
      };
      const published = publishing("v=spf1 -all");
      assert.equal(source(published, { overrides }), "pass override");
      assert.equal(source(published, { fallbacks: overrides }), "fail published");
      assert.equal(source({}, { fallbacks: overrides }), "pass fallback");
      assert.equal(
        source({}, { overrides, fallbacks: new Map([["example.test", "v=spf1 -all"]]) }),
        "pass override",
      );
    });

    it("cost no question where the record overrides", () => {
      const overrides = new Map([["example.test", "v=spf1 +all"]]);
      const { questions, outcome } = check({}, { localPolicy: { ...NO_POLICY, overrides } });
      assert.deepEqual([questions, outcome.ttlSeconds], [[], Number.POSITIVE_INFINITY]);
    });
  });

  describe("a domain that cannot be asked for", () => {
    for (const domain of [
      "",
      "localhost",
      "localhost.",
      "[192.0.2.1]",
      ".test",
      "a..test",
      `${"x".repeat(64)}.test`,
      "\xff.test",
    ]) {
      it(`${JSON.stringify(domain.slice(0, 20))} is none, without DNS and without guesses`, () => {
        const localPolicy = { ...NO_POLICY, rules: mechanisms("-all"), guess: mechanisms("-all") };
        const { outcome, questions } = check({}, { domain, localPolicy });
        assert.deepEqual(
          [outcome.result, outcome.guess, outcome.local, questions],
          ["none", undefined, undefined, []],
        );
      });
    }
  });

  describe("macrosRead", () => {
    const table: readonly [record: string, macros: string][] = [
      ["v=spf1 -all", ""],
      ["v=spf1 a:%{d}.%{i}.%{v}.%{p}.test -all", ""],
      ["v=spf1 exists:%{s}.test exists:%{L2r}.test -all", "ls"],
      ["v=spf1 redirect=%{h}", "h"],
      ["v=spf1 ip4:192.0.2.1 exists:%{o}.test", ""],
      ["v=spf1 -all exp=%{o}.test", "o"],
      ["v=spf1 -all exp=exp.test", "hl"],
      ["v=spf1 -all moo=%{s}", ""],
    ];
    for (const [record, macros] of table) {
      it(`is "${macros}" for ${record}`, () => {
        const { macrosRead } = outcomeOf(publishing(record, { "exp.test": [{ TXT: "%{l} from %{H}" }] }), {
          hints: true,
        });
        assert.equal([...macrosRead].sort().join(""), macros);
      });
    }
  });

  describe("ttlSeconds", () => {
    for (const [text, ttlSeconds] of [
      ["No.", 300],
      ["At %{t}.", 0],
      ["At %{d}.", 300],
    ] as const) {
      it(`is ${ttlSeconds} behind the explanation ${text}`, () => {
        const { outcome } = drive(inputFor(), (question) => ({
          status: "found",
          records: [question.name === "example.test" ? "v=spf1 -all exp=e.test" : text],
          ttlSeconds: 300,
        }));
        assert.deepEqual([outcome.result, outcome.ttlSeconds], ["fail", ttlSeconds]);
      });
    }

    it("is the smallest of the answers used, negative ones and the explanation's among them", () => {
      const ttls: Record<string, number> = { "TXT example.test": 50, "A a.test": 40, "TXT exp.test": 30 };
      const { outcome } = drive(inputFor(), (question): Answer => {
        const ttlSeconds = ttls[`${question.type} ${question.name}`] ?? 0;
        if (question.type === "A") return { status: "nxdomain", ttlSeconds };
        const text = question.name === "exp.test" ? "No." : "v=spf1 a:a.test -all exp=exp.test";
        return { status: "found", records: [text], ttlSeconds };
      });
      assert.deepEqual([outcome.explanation?.text, outcome.ttlSeconds], ["No.", 30]);
    });

    it("is 0 when a DNS fault had a part in the outcome, also one that is no temperror", () => {
      assert.equal(outcomeOf({ "example.test": ["SERVFAIL"] }).ttlSeconds, 0);
      const { outcome } = drive(
        inputFor(),
        (question): Answer =>
          question.type === "PTR"
            ? { status: "fault", problem: "time-out" }
            : { status: "found", records: ["v=spf1 ptr -all"], ttlSeconds: 300 },
      );
      assert.deepEqual([outcome.result, outcome.ttlSeconds], ["fail", 0]);
    });
  });

  it("takes an answer that was not given for a fault", () => {
    const { outcome } = drive(inputFor(), () => undefined as unknown as Answer);
    assert.deepEqual(
      [outcome.result, outcome.problem],
      ["temperror", "the TXT lookup of example.test failed: no answer was given"],
    );
  });

  it("evaluates an IPv4-mapped client as IPv4", () => {
    const { outcome, questions } = check(
      publishing("v=spf1 ip6:::/0 a:a.test -all", { "a.test": [{ A: "192.0.2.1" }] }),
      {
        ip: addressOf("::ffff:192.0.2.1"),
      },
    );
    assert.deepEqual([outcome.mechanism, questions[1]?.type], ["a:a.test", "A"]);
  });
});
