import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import type { Answer } from "spf-check";
import { AnswerCache } from "../../../src/dns/index.ts";
import { CacheFile } from "../../../src/smf-spf/cache-file.ts";
import { VerdictCache } from "../../../src/verdicts/index.ts";
import { evaluate } from "../../support/evaluate.ts";
import { nowOrLater } from "../../support/now-or-later.ts";
import { outcome, PendingChecks, PendingQuestions, request } from "../verdicts/support.ts";

const HOUR_MS = 3_600_000;
let directory: string;
let path: string;
let wallMs: number;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "cache-file-"));
  path = join(directory, "cache");
  wallMs = 1_800_000_000_000;
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

/** Both caches of one run of the daemon, and the file. */
class Run {
  readonly questions = new PendingQuestions();
  readonly checks = new PendingChecks();
  readonly told: string[] = [];
  readonly answers = new AnswerCache({ source: this.questions, entriesMax: 200_000 });
  readonly verdicts = new VerdictCache({
    check: this.checks.check,
    ttlSeconds: 3600,
    entriesMax: 200_000,
    onError: (error) => assert.fail(String(error)),
  });
  readonly file: CacheFile;

  constructor({
    digest = "d",
    octetsMax,
    nowMs,
  }: { digest?: string; octetsMax?: number; nowMs?: () => number } = {}) {
    this.file = new CacheFile({
      path,
      answers: this.answers,
      verdicts: this.verdicts,
      digest,
      wallMs: () => wallMs,
      tell: (text) => this.told.push(text.replaceAll(directory, "")),
      ...(octetsMax === undefined ? {} : { octetsMax }),
      ...(nowMs === undefined ? {} : { nowMs }),
    });
  }

  /** An answer from memory, else undefined. */
  answer(name: string, type: "TXT" | "A" | "AAAA" | "MX" | "PTR" = "TXT"): Answer | undefined {
    let known: Answer | undefined;
    nowOrLater<Answer>(
      (done) => this.answers.ask({ name, type }, done),
      (answer) => (known = answer),
    )();
    return known;
  }

  learn(name: string, answer: Answer, type: "TXT" | "A" | "AAAA" | "MX" | "PTR" = "TXT"): void {
    this.answers.ask({ name, type }, () => undefined);
    this.questions.answer(answer, this.questions.open - 1);
  }

  verdict(parts: Parameters<typeof request>[0] = {}): string | undefined {
    let known: string | undefined;
    evaluate(this.verdicts, request(parts), ({ outcome: { result }, cached }) => {
      if (cached) known = result;
    })();
    return known;
  }

  learnVerdict(given: ReturnType<typeof outcome>, parts: Parameters<typeof request>[0] = {}): void {
    this.verdicts.evaluate(request(parts), () => undefined);
    this.checks.answer(given, this.checks.open - 1);
  }
}

const found = (text: string, ttlSeconds = 3600): Answer => ({ status: "found", records: [text], ttlSeconds });

/** What a first run leaves. */
async function written(): Promise<void> {
  const run = new Run();
  await run.file.load();
  run.learn("a.test", found("v=spf1 \xe4 -all"));
  run.learn("short.test", found("x", 60));
  run.learn("none.test", { status: "nxdomain", ttlSeconds: 600 });
  run.learnVerdict(outcome({ result: "fail", explanation: { text: "why", source: "domain" } }));
  run.learnVerdict(outcome({ macrosRead: ["l"] }), { domain: "macro.test", sender: "me@macro.test" });
  await run.file.save();
  assert.deepEqual(run.told, []);
}

describe("CacheFile", () => {
  it("keeps answers and verdicts over a restart, for the time they have left", async () => {
    await written();
    assert.equal(statSync(path).mode & 0o777, 0o600);
    wallMs += 120_000;
    const run = new Run();
    await run.file.load();
    const answer = run.answer("a.test");
    assert.ok(answer?.status === "found" && answer.ttlSeconds <= 3480 && answer.ttlSeconds > 3400);
    assert.deepEqual(answer.records, ["v=spf1 \xe4 -all"]);
    assert.equal(run.answer("none.test")?.status, "nxdomain");
    assert.equal(run.answer("short.test"), undefined, "its time is over");
    assert.deepEqual([run.verdict(), run.questions.open], ["fail", 0]);
    assert.equal(run.verdict({ domain: "macro.test", sender: "me@macro.test" }), "pass");
    assert.equal(run.verdict({ domain: "macro.test", sender: "you@macro.test" }), undefined);
    assert.match(run.told.join(), /^CacheFile \/cache: 5 entries read$/);
  });

  it("keeps every type of record", async () => {
    const first = new Run();
    await first.file.load();
    const { parseIpAddress } = await import("../../../src/address/index.ts");
    const four = parseIpAddress("192.0.2.1")!;
    const six = parseIpAddress("2001:db8::1")!;
    const all = [
      ["A", [four, four]],
      ["AAAA", [six]],
      ["MX", [{ preference: 10, exchange: "mx.test" }]],
      ["PTR", ["host.test"]],
    ] as const;
    for (const [type, records] of all)
      first.learn("a.test", { status: "found", records, ttlSeconds: 600 }, type);
    await first.file.save();
    const run = new Run();
    await run.file.load();
    for (const [type, records] of all) {
      const answer = run.answer("a.test", type);
      assert.deepEqual(answer?.status === "found" ? answer.records : answer, records, type);
    }
  });

  it("takes no verdict under other settings, but the answers", async () => {
    await written();
    const run = new Run({ digest: "other" });
    await run.file.load();
    assert.deepEqual([run.answer("a.test")?.status, run.verdict()], ["found", undefined]);
  });

  it("takes nothing from the future, and no more time than an entry had", async () => {
    await written();
    wallMs -= HOUR_MS;
    const run = new Run();
    await run.file.load();
    assert.equal(run.answer("a.test"), undefined);
    wallMs += HOUR_MS - 30_000;
    const later = new Run();
    await later.file.load();
    const answer = later.answer("a.test");
    assert.ok(answer?.status === "found" && answer.ttlSeconds <= 3600);
  });

  const spoiled: [string, (text: Buffer) => Buffer, RegExp][] = [
    ["truncated", (text) => text.subarray(0, text.length - 100), /is damaged: set aside/],
    ["truncated in its head", (text) => text.subarray(0, 10), /is not a cache: set aside/],
    ["empty", () => Buffer.alloc(0), /is not a cache: set aside/],
    [
      "damaged in one bit",
      (text) => {
        const copy = Buffer.from(text);
        copy[copy.length >> 1]! ^= 1;
        return copy;
      },
      /is damaged: set aside/,
    ],
    ["foreign", () => Buffer.from("\x7fELF\n".repeat(1000)), /is not a cache: set aside/],
    [
      "of another version",
      (text) => Buffer.from(text.toString("latin1").replace('"format":1', '"format":9'), "latin1"),
      /is of another version: set aside/,
    ],
  ];
  for (const [what, spoil, told] of spoiled) {
    it(`sets aside a file that is ${what}, tells it once, and begins anew`, async () => {
      await written();
      writeFileSync(path, spoil(readFileSync(path)));
      const run = new Run();
      await run.file.load();
      assert.equal(run.answer("a.test"), undefined);
      assert.equal(run.told.length, 1);
      assert.match(run.told[0]!, told);
      assert.ok(existsSync(`${path}.bad`) && !existsSync(path));
      await run.file.save();
      assert.ok(existsSync(path));
    });
  }

  it("leaves out entries that no name server could have sent, though the checksum is right", async () => {
    const first = new Run();
    await first.file.load();
    const bad = [
      ["A a.test", "found", ["2001:db8::1"]],
      ["A a.test", "found", ["192.0.2.1", "x"]],
      ["A a.test", "found", []],
      ["TXT a..test", "found", ["v=spf1 +all"]],
      ["NS a.test", "found", ["ns.test"]],
      ["MX a.test", "found", [[70_000, "mx.test"]]],
      ["TXT a.test", "found", ["\u0100"]],
      ["TXT a.test", "fault", []],
      "TXT a.test",
      null,
    ];
    for (const plain of bad) assert.equal(first.answers.restore(plain, 1000), false, JSON.stringify(plain));
    assert.equal(first.answers.restore(["TXT a.test", "found", ["x"]], Infinity), false);
    const good = [...first.verdicts.dump()];
    assert.deepEqual(good, []);
    for (const plain of [
      ["key", 1, {}],
      ["key", 1, { result: "temperror" }],
      ["key", -1, null],
      [1, 1, null],
      7,
    ]) {
      assert.equal(first.verdicts.restore(plain, 1000), false, JSON.stringify(plain));
    }
  });

  /** A file with those lines and the right checksum. */
  const forge = (lines: readonly unknown[], digest = "d"): void => {
    const head = { cache: "smf-spf", format: 1, digest, writtenMs: wallMs };
    const text = [head, ...lines].map((line) => `${JSON.stringify(line)}\n`).join("");
    const sha256 = createHash("sha256").update(text, "latin1").digest("hex");
    writeFileSync(path, `${text}${JSON.stringify({ sha256 })}\n`, { encoding: "latin1", mode: 0o600 });
  };

  for (const kind of ["constructor", "__proto__", "toString", "x", 1, null, ["a"]]) {
    it(`passes over an entry of a kind that is none: ${JSON.stringify(kind)}`, async () => {
      forge([
        ["a", wallMs + HOUR_MS, ["TXT a.test", "found", ["x"]]],
        [kind, wallMs + HOUR_MS, []],
      ]);
      const run = new Run();
      await run.file.load();
      assert.deepEqual(run.told, ["CacheFile /cache: 1 entries read"]);
      await run.file.save();
      assert.deepEqual(run.told, ["CacheFile /cache: 1 entries read"]);
    });
  }

  it("does not hold up others with a line of many megabytes", async () => {
    const huge = Array.from({ length: 100_000 }, () => "x".repeat(30));
    forge([
      ["a", wallMs + HOUR_MS, ["TXT a.test", "found", ["x"]]],
      ["a", wallMs + HOUR_MS, ["TXT b.test", "found", huge]],
    ]);
    const parse = mock.method(JSON, "parse");
    const run = new Run();
    await run.file.load();
    const longest = Math.max(...parse.mock.calls.map(({ arguments: [text] }) => text.length));
    parse.mock.restore();
    assert.ok(longest < 200_000, `${longest} octets at once`);
    assert.deepEqual([run.answer("a.test")?.status, run.answer("b.test")], ["found", undefined]);
  });

  it("writes all, whatever is used and replaced meanwhile", () => {
    const run = new Run();
    const names = Array.from({ length: 5 }, (_, nth) => `n${nth}.test`);
    for (const name of names) {
      run.learn(name, found("v=spf1 -all"));
      run.learnVerdict(outcome({ result: "fail" }), { domain: name });
      run.learnVerdict(outcome({ macrosRead: ["l"] }), {
        domain: `macro.${name}`,
        sender: `me@macro.${name}`,
      });
    }
    const use = (): void => {
      for (const name of names) {
        assert.equal(run.answer(name)?.status, "found");
        assert.equal(run.verdict({ domain: name }), "fail");
        assert.equal(run.verdict({ domain: `macro.${name}`, sender: `me@macro.${name}` }), "pass");
      }
    };
    for (const [cache, entries] of [
      [run.answers, 5],
      [run.verdicts, 15],
    ] as const) {
      const met = new Set<unknown>();
      let steps = 0;
      for (const { plain } of cache.dump()) {
        assert.ok(++steps < 100, "it comes to an end");
        met.add(plain[0]);
        use();
        names.reverse();
      }
      assert.equal(met.size, entries);
    }
  });

  it("does not write, nor take the place of, what another process writes", async () => {
    const [one, other] = [new Run(), new Run()];
    await Promise.all([one.file.load(), other.file.load()]);
    for (const run of [one, other]) {
      for (let nth = 0; nth < 3000; nth++) run.learn(`n${nth}.test`, found("v=spf1 -all"));
    }
    const saving = one.file.save();
    while (!existsSync(`${path}.new`)) await new Promise(setImmediate);
    await Promise.all([saving, other.file.save()]);
    assert.match(one.told.join(), /another process writes \/cache.new: each needs a CacheFile of its own/);
    assert.deepEqual(other.told, []);
    const again = new Run();
    await again.file.load();
    assert.deepEqual(again.told, ["CacheFile /cache: 3000 entries read"]);
  });

  /** Empty where it is not there. */
  const readOf = (file: string): string => (existsSync(file) ? readFileSync(file, "latin1") : "");
  /** What a run finds that begins now. */
  const left = async (): Promise<unknown> => {
    const run = new Run();
    await run.file.load();
    return run.answer("n1.test")?.status;
  };
  const many = async (): Promise<Run> => {
    const run = new Run();
    await run.file.load();
    for (let nth = 0; nth < 3000; nth++) run.learn(`n${nth}.test`, found("v=spf1 -all"));
    return run;
  };
  const empty = (run: Run): void => {
    run.answers.setLimits({ entriesMax: 0 });
    run.answers.setLimits({ entriesMax: 200_000 });
  };

  it("brings nothing back after the caches were emptied", async () => {
    const run = await many();
    await run.file.save();
    assert.equal(await left(), "found");
    empty(run);
    await run.file.forget();
    assert.equal(await left(), undefined);
  });

  it("brings nothing back where the caches were emptied while it was written", async () => {
    const run = await many();
    const saving = run.file.save();
    while (!existsSync(`${path}.new`) || statSync(`${path}.new`).size === 0) await new Promise(setImmediate);
    empty(run);
    const forgetting = run.file.forget();
    // As the daemon does it that is stopped at once.
    await run.file.save();
    assert.equal(await left(), undefined);
    await Promise.all([saving, forgetting]);
  });

  it("brings nothing back where the caches were emptied while it was read", async () => {
    await (await many()).file.save();
    let clockMs = 0;
    const run = new Run({ nowMs: () => (clockMs += 2) });
    const loading = run.file.load();
    while (run.answers.counters().entries === 0) await new Promise(setImmediate);
    empty(run);
    const forgetting = run.file.forget();
    await Promise.all([loading, forgetting]);
    assert.ok(run.answers.counters().entries <= 20, `${run.answers.counters().entries} entries`);
    assert.equal(await left(), undefined);
  });

  it("brings nothing back where the caches were emptied when it was written and not yet in its place", async () => {
    for (let turns = 0; turns < 12; turns++) {
      const run = await many();
      const saving = run.file.save();
      while (!/"sha256"/.test(readOf(`${path}.new`))) await new Promise(setImmediate);
      for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
      empty(run);
      const forgetting = run.file.forget();
      // As the daemon does it that is stopped at once.
      await run.file.save();
      assert.equal(await left(), undefined, `after ${turns} turns`);
      await Promise.all([saving, forgetting]);
    }
  });

  it("brings nothing back where the caches were emptied and it cannot be written", async () => {
    const run = await many();
    await run.file.save();
    mkdirSync(`${path}.new`);
    empty(run);
    await run.file.forget();
    assert.match(run.told.join(), /cannot be written/);
    assert.equal(await left(), undefined);
  });

  it("brings nothing back where the caches were emptied while it was read, and the daemon stopped", async () => {
    await (await many()).file.save();
    const run = new Run();
    const loading = run.file.load();
    empty(run);
    void run.file.forget();
    await run.file.save();
    assert.equal(await left(), undefined);
    await loading;
  });

  it("brings nothing back where the caches were emptied before it could be read", async () => {
    await (await many()).file.save();
    const run = new Run();
    let former: () => void = () => undefined;
    const loading = run.file.load(new Promise<void>((resolve) => (former = resolve)));
    empty(run);
    const forgetting = run.file.forget();
    former();
    await Promise.all([loading, forgetting]);
    assert.equal(run.answers.counters().entries, 0);
    assert.equal(await left(), undefined);
  });

  it("does not overwrite a file that was not read to its end", async () => {
    await written();
    const before = readFileSync(path);
    const run = new Run();
    const loading = run.file.load();
    await run.file.save();
    assert.deepEqual(readFileSync(path), before);
    await loading;
    await run.file.save();
  });

  it("follows no link, opens no directory, and puts nothing in their place", async () => {
    await written();
    const target = join(directory, "target");
    writeFileSync(target, readFileSync(path), { mode: 0o600 });
    rmSync(path);
    symlinkSync(target, path);
    const linked = new Run();
    await linked.file.load();
    await linked.file.save();
    assert.match(linked.told.join(), /^CacheFile \/cache cannot be read: ELOOP/);
    assert.ok(lstatSync(path).isSymbolicLink());
    rmSync(path);
    mkdirSync(path);
    const run = new Run();
    await run.file.load();
    await run.file.save();
    assert.match(run.told.join(), /it is not a regular file/);
    assert.ok(statSync(path).isDirectory());
  });

  it("reads nothing that others could have written", async () => {
    await written();
    writeFileSync(join(directory, "copy"), readFileSync(path), { mode: 0o666 });
    const { chmodSync } = await import("node:fs");
    chmodSync(path, 0o666);
    const run = new Run();
    await run.file.load();
    assert.match(run.told.join(), /others than its user may write to it/);
    assert.equal(run.answer("a.test"), undefined);
  });

  it("keeps the former file where a new one cannot be written, and tells it once", async () => {
    await written();
    const before = readFileSync(path);
    mkdirSync(`${path}.new`);
    const run = new Run();
    await run.file.load();
    await run.file.save();
    await run.file.save();
    assert.deepEqual(readFileSync(path), before);
    assert.equal(run.told.filter((text) => text.includes("cannot be written")).length, 1);
  });

  it("leaves what a writer that was killed has left, and writes anew", async () => {
    await written();
    writeFileSync(`${path}.new`, "half a ca");
    const run = new Run();
    await run.file.load();
    await run.file.save();
    assert.equal(existsSync(`${path}.new`), false);
    const again = new Run();
    await again.file.load();
    assert.equal(again.answer("a.test")?.status, "found");
  });

  it("gives others a turn after 2 ms, however many entries that are", async () => {
    let sinceTurn = 0;
    let longest = 0;
    let size = 1;
    const entry = (): void => {
      longest = Math.max(longest, ++sinceTurn);
    };
    const cache = {
      *dump() {
        for (let i = 0; i < 1000; i++) {
          entry();
          yield { restMs: 1e6, plain: "x".repeat(size) };
        }
      },
      restore: () => {
        entry();
        return true;
      },
    };
    /** The most entries that were read or written while nobody else had a turn. */
    const longestOf = async (work: "load" | "save", tickMs: number): Promise<number> => {
      let clockMs = 0;
      const common = { path, answers: cache, verdicts: { ...cache, *dump() {} }, digest: "d" };
      const file = new CacheFile({
        ...common,
        wallMs: () => wallMs,
        nowMs: () => (clockMs += tickMs),
        tell: () => undefined,
      });
      if (work === "save") await file.load();
      longest = 0;
      let isOver = false;
      const turn = (): void => {
        sinceTurn = 0;
        if (!isOver) setImmediate(turn);
      };
      turn();
      await file[work]();
      isOver = true;
      return longest;
    };
    assert.equal(await longestOf("save", 2), 10);
    assert.equal(await longestOf("load", 2), 10);
    assert.equal(await longestOf("load", 0), 1000, "where no time passes");
    size = 40_000;
    assert.equal(await longestOf("save", 0), 2, "where no time passes, and what is written is large");
    assert.equal(await longestOf("load", 2), 2);
  });

  it("stays under its largest size", async () => {
    const first = new Run({ octetsMax: 300_000 });
    await first.file.load();
    for (let i = 0; i < 20_000; i++) first.learn(`n${i}.test`, found("v=spf1 -all"));
    await first.file.save();
    assert.ok(statSync(path).size <= 300_000);
    const run = new Run({ octetsMax: 300_000 });
    await run.file.load();
    assert.match(run.told.join(), /[1-9]\d+ entries read/);
    const kept = ["n0.test", "n19999.test"].map((name) => run.answer(name)?.status);
    assert.deepEqual(kept, [undefined, "found"], "what was used last is worth most");
  });

  it("keeps the order of use", async () => {
    const first = new Run();
    await first.file.load();
    for (const name of ["a.test", "b.test", "c.test"]) first.learn(name, found("x"));
    first.answer("a.test");
    await first.file.save();
    const run = new Run();
    await run.file.load();
    run.answers.setLimits({ entriesMax: 2 });
    const kept = ["a.test", "b.test", "c.test"].map((name) => run.answer(name)?.status);
    assert.deepEqual(kept, ["found", undefined, "found"]);
  });

  for (const work of ["save", "load"] as const) {
    it(`gives no entry more time where the clock is set during a ${work}`, async () => {
      const rests: number[] = [];
      let clockMs = 0;
      /** Each entry takes a second, and so the clock that nobody sets goes on; the other is set after the first. */
      const takesTime = (of: typeof work): void => {
        clockMs += 1000;
        wallMs += 1000;
        if (of === work) wallMs += HOUR_MS;
      };
      const cache = {
        *dump() {
          for (let nth = 0; nth < 5; nth++) {
            yield { restMs: 60_000 - nth * 1000, plain: nth };
            takesTime("save");
          }
        },
        restore: (_plain: unknown, restMs: number) => {
          rests.push(restMs);
          takesTime("load");
          return true;
        },
      };
      const none = { *dump() {}, restore: () => false };
      const options = { path, answers: cache, verdicts: none, digest: "d", tell: () => undefined };
      const file = new CacheFile({ ...options, wallMs: () => wallMs, nowMs: () => clockMs });
      await file.load();
      const startMs = wallMs;
      await file.save();
      wallMs = startMs + 5000;
      await file.load();
      assert.deepEqual(rests, [55_000, 54_000, 53_000, 52_000, 51_000]);
    });
  }

  it("gives a verdict no more time for the time that the writing takes", () => {
    let nowMs = 0;
    const checks = new PendingChecks();
    const verdicts = new VerdictCache({
      check: checks.check,
      ttlSeconds: 3600,
      entriesMax: 10,
      nowMs: () => nowMs,
      onError: (error) => assert.fail(String(error)),
    });
    for (const domain of ["a.test", "b.test"]) {
      verdicts.evaluate(request({ domain, deadlineMs: Infinity }), () => undefined);
      checks.answer(outcome({}), 0);
    }
    const rests: number[] = [];
    for (const { restMs } of verdicts.dump()) {
      rests.push(restMs);
      nowMs += 60_000;
    }
    assert.equal(rests.length, 2);
    assert.equal((rests[0] ?? 0) - (rests[1] ?? 0), 60_000);
  });
});
