import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { parseArguments } from "../../../src/spfquery/arguments.ts";
import { inOrder, parseBatchLine } from "../../../src/spfquery/batch.ts";
import { type QuerySettings } from "../../../src/spfquery/query.ts";

function defaults(...argv: string[]): QuerySettings {
  const request = parseArguments(["--batch", ...argv], "host.example");
  if (request.action !== "batch") throw new Error("no batch");
  return request.settings;
}

async function* linesOf(lines: readonly string[]): AsyncGenerator<string> {
  for (const line of lines) yield await Promise.resolve(line);
}

describe("parseBatchLine()", () => {
  it("reads a line with everything in it, which wins over the command line", () => {
    const line = parseBatchLine(
      JSON.stringify({
        id: { n: 1 },
        ip: "2001:DB8::1",
        helo: "h.example",
        sender: "<ü@b.example>",
        dns: "127.0.0.1:5300",
        default_explanation: "no %{s}",
        receiver: "mx.example",
      }),
      defaults(
        "--nameserver=192.0.2.53",
        "--explanation=other",
        "--receiver=other.example",
        "--void-limit=7",
      ),
    );
    assert.ok("query" in line);
    assert.deepEqual(line.id, { n: 1 });
    assert.equal(line.query.ip.text, "2001:db8::1");
    assert.equal(line.query.sender, "\xc3\xbc@b.example");
    assert.deepEqual(line.settings.nameservers, [{ address: "127.0.0.1", port: 5300 }]);
    assert.equal(line.settings.localPolicy.explanation, "no %{s}");
    assert.equal(line.settings.receiver, "mx.example");
    assert.equal(line.settings.limits.voidLookupLimit, 7);
  });

  it("takes what a line does not say from the command line", () => {
    const settings = defaults("--nameserver=192.0.2.53", "--explanation=see");
    const line = parseBatchLine('{"ip":"192.0.2.1","helo":"h","sender":"","receiver":null}', settings);
    assert.ok("query" in line);
    assert.equal(line.id, undefined);
    assert.deepEqual(line.settings, settings);
  });

  it("passes over a byte order mark", () => {
    const line = parseBatchLine('\uFEFF{"ip":"192.0.2.1","helo":"h","sender":""}', defaults());
    assert.ok("query" in line);
  });

  const faults: readonly (readonly [string, RegExp, unknown?])[] = [
    ["", /neither JSON nor a line of the maillog/],
    ["{", /neither JSON nor a line of the maillog: "\{"/],
    ["[]", /a line is an object/],
    ["null", /a line is an object/],
    ['"x"', /a line is an object/],
    ['{"id":3,"helo":"h","sender":"s"}', /"ip" is missing/, 3],
    ['{"ip":"192.0.2.1","helo":"h"}', /"sender" is missing/],
    ['{"ip":192,"helo":"h","sender":"s"}', /"ip" is not a string/],
    ['{"ip":"192.0.2.1","helo":1,"sender":"s"}', /"helo" is not a string/],
    ['{"id":"x","ip":"192.0.2.300","helo":"h","sender":"s"}', /"ip": invalid IP address "192.0.2.300"/, "x"],
    ['{"ip":"192.0.2.1","helo":"h","sender":"s","dns":"here"}', /"dns": invalid name server "here"/],
    ['{"ip":"192.0.2.1","helo":"h","sender":"s","default_explanation":"%"}', /"default_explanation"/],
    [`"${"x".repeat(70_000)}"`, /longer than 65536/],
  ];
  for (const [text, message, id] of faults) {
    it(`says what is wrong with ${text.slice(0, 60)}`, () => {
      const line = parseBatchLine(text, defaults());
      assert.ok("error" in line);
      assert.match(line.error, message);
      assert.equal(line.id, id);
    });
  }

  const RESULT = "198.51.100.7, mx.a.example, mx.a.example, u@a.example";
  const logged: readonly (readonly [what: string, line: string, checked: string | undefined])[] = [
    ["a classic line", `Nov 22 03:18:00 mx smf-spf[7]: SPF fail: ${RESULT}`, "u@a.example"],
    ["one without a head", `SPF softfail (cached): ${RESULT}`, "u@a.example"],
    ["RFC 3339", `2026-11-22T03:18:00+09:00 mx smf-spf[7]: SPF pass: ${RESULT}`, "u@a.example"],
    [
      "2.5",
      "Nov 22 03:18:00 mx smf-spf[7]: SPF none: ip=198.51.100.7, fqdn=x.example, helo=h, from=<v@b.example>",
      "v@b.example",
    ],
    ["the null sender", "SPF none: 198.51.100.7, [198.51.100.7], h.example, <>", ""],
    ["what was done", `SPF refused: ${RESULT}, reason="SPF fail", reply="550 5.7.23 SPF fail"`, undefined],
    ["another program", "Nov 22 03:18:00 mx postfix/smtpd[9]: connect from unknown[198.51.100.7]", undefined],
    [
      "Postfix about us",
      "Nov 22 03:18:00 mx postfix/smtpd[9]: NOQUEUE: milter-reject: MAIL from unknown[198.51.100.7]: 550 5.7.23 no; from=<u@a.example> proto=ESMTP helo=<h>",
      undefined,
    ],
  ];
  for (const [what, text, sender] of logged) {
    it(`${sender === undefined ? "passes over" : "checks"} a line of the maillog: ${what}`, () => {
      const line = parseBatchLine(text, defaults());
      if (sender === undefined) {
        assert.deepEqual(line, { passedOver: true });
        return;
      }
      assert.ok("query" in line);
      assert.equal(line.query.ip.text, "198.51.100.7");
      assert.equal(line.query.sender, sender);
    });
  }

  it("makes a check or an error of any text", () => {
    const settings = defaults();
    const field = fc.oneof(fc.string(), fc.constant("192.0.2.1"), fc.jsonValue());
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: "binary" }),
          fc.json(),
          fc
            .record({ ip: field, helo: field, sender: field, dns: field }, { requiredKeys: [] })
            .map((v) => JSON.stringify(v)),
        ),
        (text) => {
          const line = parseBatchLine(text, settings);
          if ("passedOver" in line) return;
          assert.ok("error" in line ? line.error !== "" : line.query.ip.text !== "");
        },
      ),
      { seed: 7208, numRuns: 500 },
    );
  });
});

describe("inOrder()", () => {
  it("hands results on in the order of the lines, with no more at work than allowed", async () => {
    const lines = Array.from({ length: 20 }, (_, i) => String(i));
    const waiting = new Map<string, () => void>();
    const results: string[] = [];
    let most = 0;
    const endAll = (): void => {
      for (const end of [...waiting.values()].reverse()) end();
    };
    const work = (line: string): Promise<string> =>
      new Promise((resolve) => {
        waiting.set(line, () => {
          waiting.delete(line);
          resolve(line);
        });
        most = Math.max(most, waiting.size);
        // The latest of a group ends first.
        if (waiting.size === 4 || line === "19") setImmediate(endAll);
      });
    await inOrder(linesOf(lines), 4, work, (result) => {
      results.push(result);
      // What was ended out of order leaves room: end whatever waits now.
      setImmediate(endAll);
      return Promise.resolve();
    });
    assert.deepEqual(results, lines);
    assert.equal(most, 4);
  });

  it("hands a result on before the next line comes", async () => {
    const results: string[] = [];
    async function* oneAtATime(): AsyncGenerator<string> {
      for (const line of ["a", "b", "c"]) {
        yield line;
        while (results.at(-1) !== line) await new Promise((resolve) => setImmediate(resolve));
      }
    }
    await inOrder(
      oneAtATime(),
      32,
      (line) => Promise.resolve(line),
      (line) => {
        results.push(line);
        return Promise.resolve();
      },
    );
    assert.deepEqual(results, ["a", "b", "c"]);
  });

  it("rejects where work or handing on does", async () => {
    const failing = (): Promise<never> => Promise.reject(new Error("no"));
    const fine = (): Promise<void> => Promise.resolve();
    await assert.rejects(inOrder(linesOf(["a", "b", "c"]), 2, failing, fine), /no/);
    await assert.rejects(inOrder(linesOf(["a", "b", "c"]), 2, fine, failing), /no/);
  });
});
