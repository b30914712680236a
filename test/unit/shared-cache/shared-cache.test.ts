import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import type { Answer, Question } from "spf-check";
import { connectError, FakeEngine, type Host, hostOf, replyError, START_MS } from "./support.ts";

const QUESTION: Question = { type: "TXT", name: "Example.COM" };
const FOUND: Answer = { status: "found", records: ["v=spf1 -all"], ttlSeconds: 300 };
const SERVFAIL: Answer = { status: "fault", problem: "SERVFAIL", cause: "servfail" };

let engine: FakeEngine;

/** Within a suite: hooks of a file would hold for every other file of the process. */
function withFakeTime(): void {
  beforeEach(() => {
    mock.timers.enable({ apis: ["setTimeout", "setImmediate", "Date"], now: START_MS });
    engine = new FakeEngine();
  });
  afterEach(() => {
    mock.timers.reset();
  });
}

/** A host whose engine answers. */
function connected(options?: Parameters<typeof hostOf>[1]): Host {
  const host = hostOf(engine, options);
  host.cache.start();
  tick(3);
  assert.equal(host.cache.counters().up, true);
  engine.calls.length = 0;
  return host;
}

function tick(ms: number): void {
  for (let passed = 0; passed < ms; passed++) mock.timers.tick(1);
}

/** Asks, and notes the answers with the milliseconds that they took. */
function ask({ source }: Host, question = QUESTION): { answer: Answer; afterMs: number }[] {
  const answers: { answer: Answer; afterMs: number }[] = [];
  const startMs = Date.now();
  const known = source.ask(question, (answer) => {
    answers.push({ answer, afterMs: Date.now() - startMs });
  });
  if (!("cancel" in known)) answers.push({ answer: known, afterMs: -1 });
  return answers;
}

/** What DNS has found is in the engine afterwards. */
function share(host: Host, answer: Answer = FOUND, question = QUESTION): void {
  host.dns.answer = { answer, afterMs: 5 };
  ask(host, question);
  tick(30);
}

/** The engine does not serve any more. */
function broken(host: Host): void {
  engine.behaviour = { error: replyError("ERR") };
  host.dns.answer = { answer: SERVFAIL, afterMs: 0 };
  for (let i = 0; i < 5; i++) {
    ask(host, { type: "TXT", name: `e${i}.example` });
    tick(2);
  }
  assert.equal(host.cache.counters().up, false);
}

describe("SharedCache", () => {
  withFakeTime();

  it("gives one host what another has asked DNS, with what is left of the TTL", () => {
    share(connected());
    tick(10_000);
    const other = connected();
    const answers = ask(other);
    tick(30);
    assert.deepEqual(other.dns.asked, []);
    assert.equal(answers.length, 1);
    assert.deepEqual(answers[0]?.answer, { ...FOUND, ttlSeconds: 289 });
    assert.ok(other.cache.gave(answers[0].answer));
    assert.deepEqual(
      { ...other.cache.counters(), errors: undefined },
      { up: true, hits: 1, misses: 0, writes: 0, errors: undefined },
    );
  });

  for (const [what, answer] of [
    ["no such name", { status: "nxdomain", ttlSeconds: 60 }],
    ["no such record", { status: "nodata", ttlSeconds: 60 }],
  ] as const) {
    it(`shares ${what}`, () => {
      share(connected(), answer);
      const other = connected();
      const [given] = [ask(other)];
      tick(5);
      assert.equal(given[0]?.answer.status, answer.status);
    });
  }

  for (const [what, answer] of [
    ["a fault", SERVFAIL],
    ["what has no time left", { ...FOUND, ttlSeconds: 0 }],
    ["what was never asked", { status: "nxdomain", ttlSeconds: Infinity }],
    ["what is too large", { ...FOUND, records: ["x".repeat(17_000)] }],
  ] as const) {
    it(`does not share ${what}`, () => {
      share(connected(), answer);
      assert.deepEqual(engine.kept.size, 0);
    });
  }

  it("keeps no name in clear, and no value that tells one", () => {
    share(connected(), { ...FOUND, records: ["v=spf1 include:secret-partner.example -all"] });
    const [[key, { value, ttlMs }]] = [...engine.kept] as [[string, { value: Uint8Array; ttlMs: number }]];
    assert.match(key, /^smfspf:1:[\w-]{43}$/);
    assert.doesNotMatch(Buffer.from(value).toString("latin1"), /example|partner|spf1/i);
    assert.equal(ttlMs, 300_000);
  });

  it("seals the same answer differently each time", () => {
    const host = connected();
    share(host);
    const [first] = [...engine.kept.values()];
    engine.kept.clear();
    share(host);
    const [second] = [...engine.kept.values()];
    assert.notDeepEqual(first?.value, second?.value);
    assert.equal(first?.value.length, second?.value.length);
  });

  /** Who can write to the engine changes what is there: DNS decides. */
  const TAMPERED: Record<string, (key: string, value: Uint8Array) => Uint8Array> = {
    "a flipped bit in the text": (_key, value) => flip(value, 40),
    "a flipped bit in the salt": (_key, value) => flip(value, 3),
    "a flipped bit in the tag": (_key, value) => flip(value, value.length - 1),
    "another version": (_key, value) => flip(value, 0),
    "a cut value": (_key, value) => value.subarray(0, -1),
    "a value of nothing": () => Buffer.alloc(0),
    "a value in clear": () =>
      Buffer.from(JSON.stringify([START_MS, START_MS + 9e5, ["TXT example.com", "found", ["v=spf1 +all"]]])),
    "a huge value": () => Buffer.alloc(1_000_000, 1),
  };
  for (const [what, tamper] of Object.entries(TAMPERED)) {
    it(`asks DNS instead of taking ${what}`, () => {
      const host = connected();
      share(host);
      for (const [key, { value, ttlMs }] of engine.kept)
        engine.kept.set(key, { value: tamper(key, value), ttlMs });
      const other = connected();
      other.dns.answer = { answer: { ...FOUND, records: ["from DNS"] }, afterMs: 5 };
      const answers = ask(other);
      tick(30);
      assert.deepEqual(
        answers.map(({ answer }) => answer.status === "found" && answer.records),
        [["from DNS"]],
      );
      assert.equal(other.cache.counters().errors.other, 1);
    });
  }

  it("does not take the value of one name for another", () => {
    const host = connected();
    share(host, { ...FOUND, records: ["v=spf1 +all"] });
    const [stolen] = [...engine.kept.values()];
    engine.kept.clear();
    share(host, FOUND, { type: "TXT", name: "victim.example" });
    for (const key of engine.kept.keys())
      engine.kept.set(key, stolen as { value: Uint8Array; ttlMs: number });
    const other = connected();
    other.dns.answer = { answer: FOUND, afterMs: 5 };
    const answers = ask(other, { type: "TXT", name: "victim.example" });
    tick(30);
    assert.deepEqual(answers[0]?.answer, FOUND);
  });

  it("does not take an old value for longer than it was to live", () => {
    share(connected());
    tick(301_000);
    const other = connected();
    other.dns.answer = { answer: { ...FOUND, records: ["new"] }, afterMs: 5 };
    const answers = ask(other);
    tick(30);
    assert.deepEqual(answers[0]?.answer.status === "found" && answers[0].answer.records, ["new"]);
    assert.equal(other.cache.counters().errors.other, 0);
  });

  it("reads nothing that was made with another key", () => {
    share(connected());
    const stranger = connected({ secret: Buffer.from("another secret of more than 32 octets") });
    stranger.dns.answer = { answer: FOUND, afterMs: 5 };
    ask(stranger);
    tick(30);
    assert.equal(stranger.dns.asked.length, 1);
    assert.equal(stranger.cache.counters().misses, 1);
  });

  for (const [what, skewMs, taken, ttlSeconds] of [
    ["a minute ahead", 59_000, true, 240],
    ["a minute behind", -59_000, true, 300],
    ["an hour behind", -3_600_000, false, 0],
    ["an hour ahead", 3_600_000, false, 0],
  ] as const) {
    it(`reads on a host whose clock is ${what}`, () => {
      share(connected());
      const other = connected({ wallMs: () => Date.now() + skewMs });
      const answers = ask(other);
      tick(2);
      assert.equal(answers.length, taken ? 1 : 0);
      if (answers[0]?.answer.status === "found") assert.equal(answers[0].answer.ttlSeconds, ttlSeconds);
    });
  }

  it("takes nothing from before the caches were emptied", () => {
    const host = connected();
    share(host);
    tick(1000);
    host.cache.forget();
    ask(host);
    tick(30);
    assert.equal(host.dns.asked.length, 2);
    const again = ask(host);
    tick(5);
    assert.equal(host.dns.asked.length, 2, "what DNS said since is taken");
    assert.equal(again.length, 1);
  });

  it("takes nothing that DNS was asked before the caches were emptied", () => {
    const host = connected();
    engine.behaviour = { afterMs: 2 };
    host.dns.answer = { answer: FOUND, afterMs: 10 };
    ask(host);
    tick(4);
    host.cache.forget();
    tick(30);
    ask(host);
    tick(30);
    assert.equal(host.dns.asked.length, 2);
  });

  it("takes nothing that DNS alone was asked before the caches were emptied", () => {
    const host = hostOf(engine);
    host.dns.answer = { answer: FOUND, afterMs: 10 };
    ask(host);
    host.cache.start();
    tick(5);
    host.cache.forget();
    tick(30);
    ask(host);
    tick(30);
    assert.equal(host.dns.asked.length, 2);
  });

  for (const [what, stepMs] of [
    ["back", -3_600_000],
    ["forward", 3_600_000],
  ] as const) {
    it(`knows what is from before though the clock is set ${what} afterwards`, () => {
      let stepped = 0;
      const host = connected({ wallMs: () => Date.now() + stepped });
      const other = connected();
      share(other, { ...FOUND, ttlSeconds: 7200 }, { type: "TXT", name: "old.example" });
      tick(1000);
      host.cache.forget();
      stepped = stepMs;
      share(host, { ...FOUND, ttlSeconds: 7200 });
      const asked = host.dns.asked.length;
      ask(host, { type: "TXT", name: "old.example" });
      tick(30);
      assert.equal(host.dns.asked.length, asked + 1, "what is old");
      ask(host);
      tick(30);
      assert.equal(host.dns.asked.length, asked + 1, "what is new");
    });
  }

  it("keeps long TTLs for a day", () => {
    share(connected(), { ...FOUND, ttlSeconds: 2 ** 31 - 1 });
    assert.equal([...engine.kept.values()][0]?.ttlMs, 86_400_000);
  });
});

function flip(value: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(value);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

describe("SharedCache beside DNS", () => {
  withFakeTime();

  /** What the engine does, what DNS does, and what comes of it; times in milliseconds. */
  const TABLE: readonly (readonly [
    what: string,
    engine: FakeEngine["behaviour"],
    dnsAfterMs: number | undefined,
    dnsAnswer: Answer,
    expected:
      | {
          readonly from: "engine" | "dns";
          readonly afterMs: number;
          readonly isDnsAsked: boolean;
          readonly isDnsCancelled?: boolean;
        }
      | undefined,
  ])[] = [
    ["answers at once", {}, 20, FOUND, { from: "engine", afterMs: 1, isDnsAsked: false }],
    ["answers after 2 ms", { afterMs: 2 }, 20, FOUND, { from: "engine", afterMs: 2, isDnsAsked: false }],
    [
      "answers after 8 ms, DNS later",
      { afterMs: 8 },
      20,
      FOUND,
      { from: "engine", afterMs: 8, isDnsAsked: true, isDnsCancelled: true },
    ],
    [
      "answers after 8 ms, DNS before",
      { afterMs: 8 },
      2,
      FOUND,
      { from: "dns", afterMs: 5, isDnsAsked: true },
    ],
    [
      "answers after 8 ms, DNS fails before",
      { afterMs: 8 },
      2,
      SERVFAIL,
      { from: "engine", afterMs: 8, isDnsAsked: true },
    ],
    ["is silent", { isSilent: true }, 20, FOUND, { from: "dns", afterMs: 23, isDnsAsked: true }],
    ["is silent, DNS fails", { isSilent: true }, 2, SERVFAIL, { from: "dns", afterMs: 20, isDnsAsked: true }],
    ["is silent, DNS too", { isSilent: true }, undefined, FOUND, undefined],
    [
      "answers after 25 ms, DNS later",
      { afterMs: 25 },
      30,
      FOUND,
      { from: "dns", afterMs: 33, isDnsAsked: true },
    ],
    [
      "fails at once",
      { error: replyError("LOADING") },
      5,
      FOUND,
      { from: "dns", afterMs: 6, isDnsAsked: true },
    ],
    [
      "fails after 8 ms",
      { afterMs: 8, error: connectError("x") },
      5,
      FOUND,
      { from: "dns", afterMs: 8, isDnsAsked: true },
    ],
  ];
  for (const [what, behaviour, dnsAfterMs, dnsAnswer, expected] of TABLE) {
    it(`serves where the engine ${what}`, () => {
      const host = connected();
      share(host, { ...FOUND, records: ["engine"] });
      host.dns.asked.length = 0;
      engine.behaviour = behaviour;
      const fromDns = dnsAnswer === FOUND ? ({ ...FOUND, records: ["dns"] } satisfies Answer) : dnsAnswer;
      host.dns.answer = dnsAfterMs === undefined ? undefined : { answer: fromDns, afterMs: dnsAfterMs };
      const answers = ask(host);
      tick(100);
      assert.equal(host.dns.asked.length, expected?.isDnsAsked === false ? 0 : 1);
      assert.equal(answers.length, expected === undefined ? 0 : 1);
      const [given] = answers;
      if (given === undefined || expected === undefined) return;
      assert.deepEqual(
        given.answer,
        expected.from === "dns" ? fromDns : { ...given.answer, records: ["engine"] },
      );
      assert.equal(given.afterMs, expected.afterMs);
      assert.equal(host.dns.cancelled.length, expected.isDnsCancelled === true ? 1 : 0);
    });
  }

  it("answers nobody who has cancelled, and takes the question along", () => {
    const host = connected();
    let count = 0;
    const early = host.source.ask(QUESTION, () => count++);
    assert.ok("cancel" in early);
    early.cancel();
    engine.behaviour = { isSilent: true };
    const late = host.source.ask({ type: "A", name: "a.example" }, () => count++);
    tick(5);
    assert.ok("cancel" in late);
    late.cancel();
    tick(100);
    assert.equal(count, 0);
    assert.equal(host.dns.asked.length, 1);
    assert.equal(host.dns.cancelled.length, 1);
  });

  it("asks neither for a name that DNS cannot carry", () => {
    const host = connected();
    ask(host, { type: "TXT", name: ".." });
    assert.deepEqual(engine.calls, []);
  });

  it("does not make many questions wait for a silent engine", () => {
    const host = connected();
    engine.behaviour = { isSilent: true };
    host.dns.answer = { answer: FOUND, afterMs: 30 };
    const answers = Array.from({ length: 5000 }, (_, i) => ask(host, { type: "TXT", name: `n${i}.example` }));
    const gets = engine.calls.length;
    assert.ok(gets <= 2000, `${gets} questions to the engine at once`);
    tick(60);
    assert.ok(answers.every((list) => list.length === 1));
    assert.equal(host.cache.counters().up, false);
  });
});

describe("the circuit of SharedCache", () => {
  withFakeTime();

  it("serves from DNS before the engine has answered, and says when it does", () => {
    const host = hostOf(engine);
    host.dns.answer = { answer: FOUND, afterMs: 5 };
    engine.behaviour = { afterMs: 10 };
    host.cache.start();
    const answers = ask(host);
    tick(9);
    assert.equal(answers.length, 1);
    assert.deepEqual(host.told, []);
    tick(30);
    assert.deepEqual(host.told, ["SharedCache redis://cache answers"]);
  });

  it("opens after five errors in a row, and not where an answer comes between", () => {
    const host = connected();
    host.dns.answer = { answer: SERVFAIL, afterMs: 0 };
    for (const isError of [true, true, true, true, false, true, true, true, true]) {
      engine.behaviour = isError ? { error: replyError("ERR") } : {};
      ask(host, { type: "TXT", name: "a.example" });
      tick(2);
    }
    assert.equal(host.cache.counters().up, true);
    engine.behaviour = { error: replyError("ERR of the engine") };
    ask(host);
    tick(2);
    assert.equal(host.cache.counters().up, false);
    assert.deepEqual(host.told.slice(1), [
      "SharedCache redis://cache is out of use: ERR of the engine; until it is back, only DNS is asked",
    ]);
  });

  it("leaves the engine alone while it is open, then probes once: 5 s, doubled up to 5 minutes", () => {
    const host = connected();
    broken(host);
    engine.calls.length = 0;
    ask(host);
    const pauses: number[] = [];
    let sinceMs = 0;
    const before = engine.opens;
    for (let opens = before; pauses.length < 8; ) {
      mock.timers.tick(100);
      sinceMs += 100;
      if (engine.opens === opens) continue;
      opens = engine.opens;
      pauses.push(Math.round(sinceMs / 1000));
      sinceMs = 0;
    }
    assert.deepEqual(pauses, [5, 10, 20, 40, 80, 160, 300, 300]);
    assert.equal(engine.calls.filter((call) => call.startsWith("get")).length, 0);
    assert.equal(host.told.length, 2, "told once");
  });

  it("pauses longer each time for an engine that answers its probes and nothing else, until it serves again", () => {
    const host = connected();
    const opened: number[] = [];
    const failsAgain = (): void => {
      broken(host);
      engine.behaviour = {};
      const fromMs = Date.now();
      while (!host.cache.counters().up) tick(100);
      opened.push(Math.round((Date.now() - fromMs) / 1000));
    };
    for (let nth = 0; nth < 4; nth++) failsAgain();
    assert.deepEqual(opened, [5, 10, 20, 40]);
    tick(61_000);
    failsAgain();
    assert.equal(opened.at(-1), 5);
  });

  it("says that the engine takes nothing, once, and when it does again", () => {
    const host = connected();
    engine.behaviour = { writeError: replyError("READONLY You can't write against a read only replica.") };
    for (let nth = 0; nth < 20; nth++) share(host, FOUND, { type: "TXT", name: `n${nth}.example` });
    assert.equal(host.cache.counters().up, true);
    assert.deepEqual(host.told.slice(1), [
      "SharedCache redis://cache takes no answers of this host: READONLY You can't write against a read only replica.",
    ]);
    engine.behaviour = {};
    for (let nth = 0; nth < 20; nth++) share(host, FOUND, { type: "TXT", name: `m${nth}.example` });
    assert.deepEqual(host.told.slice(2), ["SharedCache redis://cache takes answers again"]);
  });

  it("is read on where it refuses many writes at once", () => {
    const host = connected();
    share(host, FOUND, { type: "TXT", name: "kept.example" });
    engine.behaviour = { writeError: replyError("OOM command not allowed when used memory > 'maxmemory'.") };
    for (let nth = 0; nth < 20; nth++) ask(host, { type: "TXT", name: `n${nth}.example` });
    tick(30);
    assert.equal(host.cache.counters().errors.reply, 20);
    assert.equal(host.cache.counters().up, true);
    const asked = host.dns.asked.length;
    ask(host, { type: "TXT", name: "kept.example" });
    tick(30);
    assert.equal(host.dns.asked.length, asked);
    assert.deepEqual(host.told.slice(1), [
      "SharedCache redis://cache takes no answers of this host: OOM command not allowed when used memory > 'maxmemory'.",
    ]);
  });

  it("closes when a probe is answered, and says so", () => {
    const host = connected();
    broken(host);
    engine.behaviour = {};
    tick(5010);
    assert.equal(host.cache.counters().up, true);
    assert.equal(host.told.at(-1), "SharedCache redis://cache answers");
    share(host);
    assert.equal(engine.kept.size, 1);
  });

  it("stays open for an engine that answers, but too late, and tells it once", () => {
    const host = hostOf(engine);
    engine.behaviour = { afterMs: 25 };
    host.dns.answer = { answer: FOUND, afterMs: 1 };
    host.cache.start();
    for (let second = 0; second < 40; second++) {
      tick(1000);
      ask(host, { type: "TXT", name: `n${second}.example` });
    }
    assert.deepEqual(host.told, [
      "SharedCache redis://cache is out of use: no answer in time; until it is back, only DNS is asked",
    ]);
    assert.equal(engine.opens, 4, "after 0, 5, 15 and 35 s");
    engine.behaviour = { afterMs: 10 };
    tick(60_000);
    assert.equal(host.told.at(-1), "SharedCache redis://cache answers");
  });

  it("gives up a probe that gets no answer", () => {
    const host = hostOf(engine);
    engine.behaviour = { isSilent: true };
    host.cache.start();
    tick(3001);
    assert.deepEqual(host.told, [
      "SharedCache redis://cache is out of use: no answer in time; until it is back, only DNS is asked",
    ]);
    assert.equal(host.cache.counters().errors.timeout, 1);
  });

  it("counts errors by kind", () => {
    const host = connected();
    host.dns.answer = { answer: SERVFAIL, afterMs: 0 };
    for (const behaviour of [{ error: replyError("x") }, { error: connectError("x") }, { isSilent: true }]) {
      engine.behaviour = behaviour;
      ask(host);
      tick(30);
    }
    const { dropped, other, ...counted } = host.cache.counters().errors;
    assert.deepEqual(
      { counted, dropped, other },
      { counted: { reply: 1, connect: 1, timeout: 1 }, dropped: 0, other: 0 },
    );
  });

  it("sends 64 writes at once, keeps 1,000, and counts the rest as dropped", () => {
    const host = connected();
    host.dns.answer = { answer: FOUND, afterMs: 0 };
    engine.behaviour = { ignoresWrites: true };
    for (let i = 0; i < 1200; i++) ask(host, { type: "TXT", name: `n${i}.example` });
    tick(100);
    assert.equal(engine.calls.filter((call) => call.startsWith("set")).length, 64);
    assert.equal(host.cache.counters().errors.dropped, 1200 - 1064);
    tick(1000);
    assert.equal(host.cache.counters().up, false, "five writes without an answer are errors in a row");
  });

  it("is quiet after its end", () => {
    const host = connected();
    host.cache.close();
    engine.calls.length = 0;
    host.dns.answer = { answer: FOUND, afterMs: 1 };
    const answers = ask(host);
    tick(100_000);
    assert.deepEqual(engine.calls, []);
    assert.equal(answers.length, 1);
  });
});
