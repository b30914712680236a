import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, describe, it } from "node:test";
import type { Answer, RecordType } from "spf-check";
import { Resolver } from "../../../src/dns/index.ts";
import { exitOf, until } from "../../support/child-process.ts";
import type { ReceivedQuestion } from "../../support/nameserver/index.ts";
import { ask, gist, Workbench } from "./support.ts";

const bench = new Workbench();
afterEach(() => bench.close());

const ttlOf = (answer: Answer): unknown => (answer.status === "fault" ? answer.problem : answer.ttlSeconds);
const SHORT_MS = 60;

describe("Resolver", () => {
  it("throws without a server, a time-out or a try", () => {
    const servers = [{ address: "127.0.0.1", port: 53 }];
    assert.throws(() => new Resolver({ servers: [], timeoutMs: 1, tries: 1 }), RangeError);
    assert.throws(() => new Resolver({ servers, timeoutMs: 0, tries: 1 }), RangeError);
    assert.throws(() => new Resolver({ servers, timeoutMs: 1, tries: 0 }), RangeError);
  });

  it("does not keep an idle process alive", async () => {
    const server = await bench.nameserver({ "example.test": [{ A: "192.0.2.1" }] });
    const index = join(import.meta.dirname, "../../../src/dns/index.ts");
    const script = `
      import { Resolver } from ${JSON.stringify(index)};
      const servers = [{ address: "127.0.0.1", port: ${server.port} }];
      new Resolver({ servers, timeoutMs: 600_000, tries: 1 })
        .ask({ name: "example.test", type: "A" }, (answer) => console.log(answer.status));`;
    const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    assert.equal(await exitOf(child, "close"), 0);
    assert.equal(output, "found\n");
  });
});

describe("ask", () => {
  it("finds records of every type", async () => {
    const { resolver } = await bench.pair({
      "example.test": [
        { TXT: "v=spf1 -all" },
        { A: "192.0.2.1" },
        { A: "192.0.2.2" },
        { AAAA: "2001:DB8:0::1" },
        { MX: [10, "mx.example.test"] },
        { MX: [0, ""] },
      ],
      "1.2.0.192.in-addr.arpa": [{ PTR: "Host.Example.test" }],
    });
    const cases: [string, RecordType, unknown][] = [
      ["example.test", "TXT", ["v=spf1 -all"]],
      ["EXAMPLE.test.", "A", ["192.0.2.1", "192.0.2.2"]],
      ["example.test", "AAAA", ["2001:db8::1"]],
      [
        "example.test",
        "MX",
        [
          { preference: 10, exchange: "mx.example.test" },
          { preference: 0, exchange: "" },
        ],
      ],
      ["1.2.0.192.in-addr.arpa", "PTR", ["Host.Example.test"]],
    ];
    for (const [name, type, expected] of cases)
      assert.deepEqual(gist(await ask(resolver, name, type)), expected);
  });

  it("joins the strings of a TXT record as octets", async () => {
    const { resolver } = await bench.pair({
      "example.test": [
        { TXT: ["v=spf1 ip4:192.0", ".2.0/24 -all"] },
        { TXT: [""] },
        { TXT: ["\xff", "", "\0\xe4"] },
      ],
    });
    assert.deepEqual(gist(await ask(resolver, "example.test")), [
      "v=spf1 ip4:192.0.2.0/24 -all",
      "",
      "\xff\0\xe4",
    ]);
  });

  it("asks names that macros make", async () => {
    const { resolver } = await bench.pair({ "a:b/c d@e\\f.test": [{ A: "127.0.0.2" }] });
    assert.deepEqual(gist(await ask(resolver, "A:b/c d@e\\f.test", "A")), ["127.0.0.2"]);
  });

  it("takes a TXT record of 60,000 octets over TCP", async () => {
    const { server, resolver } = await bench.pair({ "big.test": [{ TXT: "x".repeat(60_000) }] });
    assert.deepEqual(gist(await ask(resolver, "big.test")), ["x".repeat(60_000)]);
    assert.deepEqual([server.questions.udp, server.questions.tcp], [1, 1]);
    assert.equal(resolver.counters().questionsSentTcp, 1);
  });

  it("offers 1232 octets over UDP", async () => {
    const { server, resolver } = await bench.pair({ "mid.test": [{ TXT: "x".repeat(1000) }] });
    assert.deepEqual(gist(await ask(resolver, "mid.test")), ["x".repeat(1000)]);
    assert.equal(server.questions.tcp, 0);
  });

  it("tells a name that does not exist from one without such records", async () => {
    const { resolver } = await bench.pair({ "example.test": [{ A: "192.0.2.1" }] });
    assert.equal(gist(await ask(resolver, "example.test")), "nodata");
    assert.equal(gist(await ask(resolver, "missing.test")), "nxdomain");
  });

  for (const name of [
    "",
    ".",
    "a..test",
    ".test",
    `${"x".repeat(64)}.test`,
    `${"x.".repeat(125)}test`,
    "\xe4.test",
    "a\n.test",
  ]) {
    it(`answers nxdomain at once, sending nothing, for ${JSON.stringify(name.slice(0, 20))}`, async () => {
      const { server, resolver } = await bench.pair({ "*.test": [{ A: "192.0.2.1" }] });
      const answer = resolver.ask({ name, type: "A" }, () => assert.fail());
      assert.deepEqual(answer, { status: "nxdomain", ttlSeconds: Infinity });
      assert.equal(resolver.counters().questionsSent, 0);
      assert.equal(server.questions.total, 0);
    });
  }

  it("keeps asking names of the largest size", async () => {
    const name = `${"x".repeat(63)}.${"y".repeat(63)}.${"z".repeat(63)}.${"w".repeat(61)}`;
    const { resolver } = await bench.pair({ [name]: [{ A: "192.0.2.1" }] });
    assert.deepEqual(gist(await ask(resolver, name, "A")), ["192.0.2.1"]);
  });
});

describe("ask, life of answers", () => {
  it("gives the smallest TTL of the records and of the aliases before them", async () => {
    const { resolver } = await bench.pair({
      "example.test": [
        { A: "192.0.2.1", ttl: 500 },
        { A: "192.0.2.2", ttl: 40 },
      ],
      "alias.test": [{ CNAME: "example.test", ttl: 30 }],
      "zero.test": [{ A: "192.0.2.1", ttl: 0x80000000 }],
      "half.test": [{ CNAME: "missing.test", ttl: 20 }],
    });
    assert.equal(ttlOf(await ask(resolver, "example.test", "A")), 40);
    assert.equal(ttlOf(await ask(resolver, "alias.test", "A")), 30);
    assert.equal(ttlOf(await ask(resolver, "zero.test", "A")), 0);
    assert.deepEqual(await ask(resolver, "half.test", "A"), { status: "nxdomain", ttlSeconds: 20 });
  });

  for (const [negativeTtlSeconds, expected] of [
    [120, 120],
    [86_400, 10_800],
    [0xffffffff, 0],
    [undefined, 0],
  ] as const) {
    it(`gives a negative answer ${expected} s where its SOA says ${negativeTtlSeconds}`, async () => {
      const { resolver } = await bench.pair({ "a.test": [{ A: "192.0.2.1" }] }, { negativeTtlSeconds });
      assert.deepEqual(await ask(resolver, "a.test"), { status: "nodata", ttlSeconds: expected });
      assert.deepEqual(await ask(resolver, "b.test"), { status: "nxdomain", ttlSeconds: expected });
    });
  }
});

describe("ask, aliases", () => {
  it("looks up the target that a server has left out", async () => {
    const { server, resolver } = await bench.pair(
      { "real.test": [{ A: "192.0.2.1", ttl: 900 }] },
      {
        ttlSeconds: 50,
        intercept: (question) =>
          question.name === "alias.test" ? [aliasOnly(question, "real.test")] : "normal",
      },
    );
    const answer = await ask(resolver, "alias.test", "A");
    assert.deepEqual(gist(answer), ["192.0.2.1"]);
    assert.equal(ttlOf(answer), 7);
    assert.equal(server.questions.total, 2);
  });

  it("ends a chain without end after a few questions", async () => {
    let hops = 0;
    const { server, resolver } = await bench.pair(
      {},
      { intercept: (question) => [aliasOnly(question, `hop${++hops}.test`)] },
    );
    assert.equal(gist(await ask(resolver, "alias.test", "A")), "fault: endless CNAME chain");
    assert.equal(server.questions.total, 5);
  });

  it("ends a loop", async () => {
    const { server, resolver } = await bench.pair({
      "a.test": [{ CNAME: "b.test" }],
      "b.test": [{ CNAME: "a.test" }],
    });
    assert.equal(gist(await ask(resolver, "a.test", "A")), "fault: endless CNAME chain");
    assert.equal(server.questions.total, 1);
  });

  it("takes no record of another owner", async () => {
    const { resolver } = await bench.pair(
      {
        "example.test": [{ A: "192.0.2.1" }],
        "alias.test": [{ CNAME: "example.test" }],
      },
      {
        intercept: (question) => {
          const reply = question.normalReply()!;
          // The owner of the first record: another first letter.
          reply[12 + question.questionSection.length + 1] = 0x7a;
          return [reply];
        },
      },
    );
    assert.equal(gist(await ask(resolver, "example.test", "A")), "nodata");
    assert.equal(gist(await ask(resolver, "alias.test", "A")), "nodata");
  });
});

/** An answer of one CNAME, TTL 7, and nothing about its target. */
function aliasOnly(question: ReceivedQuestion, target: string): Buffer {
  const labels = target
    .split(".")
    .map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]));
  const rdata = Buffer.concat([...labels, Buffer.from([0])]);
  const header = Buffer.from([question.id >> 8, question.id & 0xff, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
  const record = Buffer.from([0xc0, 0x0c, 0, 5, 0, 1, 0, 0, 0, 7, 0, rdata.length]);
  return Buffer.concat([header, question.questionSection, record, rdata]);
}

describe("ask, servers and tries", () => {
  for (const rcode of ["SERVFAIL", "REFUSED", "FORMERR", "NOTIMP"] as const) {
    it(`asks the next server where one answers ${rcode}, and is a fault where all do`, async () => {
      const bad = await bench.nameserver({ "example.test": [rcode] });
      const good = await bench.nameserver({ "example.test": [{ A: "192.0.2.1" }] });
      assert.deepEqual(gist(await ask(bench.resolver([bad, good], { tries: 2 }), "example.test", "A")), [
        "192.0.2.1",
      ]);
      bad.resetCounts();
      const answer = await ask(bench.resolver([bad], { tries: 3 }), "example.test", "A");
      assert.equal(gist(answer), `fault: DNS answer ${rcode}`);
      // Without EDNS0 once more where the server may not know it, and never again in a later round.
      assert.equal(bad.questions.total, rcode === "FORMERR" || rcode === "NOTIMP" ? 2 : 1);
    });
  }

  it("asks again without EDNS0 where a server does not know it", async () => {
    const { resolver } = await bench.pair(
      { "example.test": [{ A: "192.0.2.1" }] },
      {
        intercept: (question) =>
          question.udpSize === undefined
            ? "normal"
            : [Buffer.from([question.id >> 8, question.id & 0xff, 0x80, 1, 0, 0, 0, 0, 0, 0, 0, 0])],
      },
    );
    assert.deepEqual(gist(await ask(resolver, "example.test", "A")), ["192.0.2.1"]);
  });

  it("goes past a silent server, and asks it last for a while", async () => {
    const silent = await bench.nameserver({}, { intercept: () => "drop" });
    const good = await bench.nameserver({ "*.test": [{ A: "192.0.2.1" }] });
    const resolver = bench.resolver([silent, good], { timeoutMs: 2000 });
    for (const name of ["a.test", "b.test", "c.test"]) {
      assert.deepEqual(gist(await ask(resolver, name, "A")), ["192.0.2.1"]);
    }
    assert.equal(silent.questions.of("a.test") + silent.questions.of("b.test"), 1);
    assert.equal(resolver.counters().timeouts, 1);
  });

  it("goes past a closed port without waiting", async () => {
    const gone = await bench.nameserver({});
    const good = await bench.nameserver({ "*.test": [{ A: "192.0.2.1" }] });
    await gone.close();
    const resolver = bench.resolver([gone, good], { timeoutMs: 600_000 });
    assert.deepEqual(gist(await ask(resolver, "a.test", "A")), ["192.0.2.1"]);
    const alone = bench.resolver([gone], { timeoutMs: 600_000, tries: 2 });
    assert.match(String(gist(await ask(alone, "a.test", "A"))), /^fault: name server unreachable/);
  });

  it("asks for a silent name as often as tries say", async () => {
    const { server, resolver } = await bench.pair(
      {},
      { intercept: ({ name }) => (name === "a.test" ? "drop" : "normal") },
      { timeoutMs: SHORT_MS, tries: 3 },
    );
    assert.equal(gist(await ask(resolver, "a.test")), "fault: no name server answered in time");
    assert.equal(server.questions.of("a.test"), 3);
    assert.deepEqual(
      [resolver.counters().timeouts, resolver.counters().faults, resolver.counters().outstanding],
      [3, 1, 0],
    );
  });

  it("takes a late answer to an earlier try", async () => {
    const { resolver } = await bench.pair(
      { "a.test": [{ TXT: "late" }] },
      {
        delayMs: (question) => (question.count === 1 ? 5 * SHORT_MS : 0),
        intercept: (question) => (question.count === 1 ? "normal" : "drop"),
      },
      { timeoutMs: 4 * SHORT_MS, tries: 50 },
    );
    assert.deepEqual(gist(await ask(resolver, "a.test")), ["late"]);
  });

  it("survives servers that flap", async () => {
    let up = true;
    const flapping = { intercept: () => (up ? ("normal" as const) : ("drop" as const)) };
    const zone = { "*.test": [{ TXT: "here" }] };
    const first = await bench.nameserver(zone, flapping);
    const second = await bench.nameserver(zone, { intercept: () => (up ? "drop" : "normal") });
    const resolver = bench.resolver([first, second], { timeoutMs: 500, tries: 2 });
    for (let i = 0; i < 4; i++) {
      up = !up;
      assert.deepEqual(gist(await ask(resolver, `n${i}.test`)), ["here"]);
    }
  });
});

describe("a name server that is silent", () => {
  const zone = { "*.test": [{ TXT: "here" }] };

  it("is down once it leaves a probe unanswered: lookups fail at once until it answers one", async () => {
    let silent = true;
    const told: string[] = [];
    const { server, resolver } = await bench.pair(
      zone,
      { intercept: () => (silent ? "drop" : "normal") },
      { timeoutMs: 300, tries: 100, onServer: (_server, state) => told.push(state) },
    );
    const first = await ask(resolver, "a.test");
    assert.deepEqual(first, { status: "fault", problem: "no name server answers", cause: "timeout" });
    assert.deepEqual(told, ["down"]);
    const asked = server.questions.of("a.test");
    const second = resolver.ask({ name: "b.test", type: "TXT" }, () => assert.fail());
    assert.deepEqual(second, first, "at once");
    assert.equal(server.questions.of("a.test") + server.questions.of("b.test"), asked);
    assert.ok(resolver.health().every(({ isDown }) => isDown));
    silent = false;
    await until("what is told", () => told.length > 1);
    assert.deepEqual(told, ["down", "up"]);
    assert.deepEqual(gist(await ask(resolver, "c.test")), ["here"]);
  });

  it("ends what is under way on it, which goes on with another", async () => {
    const silent = await bench.nameserver(zone, { intercept: () => "drop" });
    const good = await bench.nameserver(zone);
    const resolver = bench.resolver([silent, good], { timeoutMs: 1500, tries: 1 });
    const answers = ["a.test", "b.test"].map((name) => ask(resolver, name));
    for (const answer of answers) assert.deepEqual(gist(await answer), ["here"]);
    await until("the server to be down", () => resolver.health()[0]?.isDown === true);
    assert.deepEqual(gist(await ask(resolver, "c.test")), ["here"]);
    assert.equal(silent.questions.of("c.test"), 0);
  });

  it("is not down for any number of silent names, which are an outsider's to make", async () => {
    const told: string[] = [];
    const { server, resolver } = await bench.pair(
      zone,
      { intercept: ({ name }) => (name.endsWith("silent.test") ? "drop" : "normal") },
      // The probe has as long as a try, and is answered on a busy machine too.
      { timeoutMs: 1000, tries: 2, onServer: (_server, state) => told.push(state) },
    );
    const silent = Array.from({ length: 50 }, (_, i) => ask(resolver, `n${i}.silent.test`));
    for (const answer of silent) {
      assert.equal(gist(await answer), "fault: no name server answered in time");
    }
    assert.deepEqual([told, gist(await ask(resolver, "a.test"))], [[], ["here"]]);
    assert.ok(server.questions.of(".", "NS") <= 20, "probes are few");
  });

  it("is asked without EDNS0 at the last try, and at once after it has left only such probes unanswered", async () => {
    const told: string[] = [];
    const { server, resolver } = await bench.pair(
      zone,
      { intercept: ({ udpSize }) => (udpSize === undefined ? "normal" : "drop") },
      { timeoutMs: 1000, tries: 2, onServer: (_server, state) => told.push(state) },
    );
    assert.deepEqual(gist(await ask(resolver, "a.test")), ["here"]);
    assert.equal(server.questions.of("a.test"), 2);
    await until("what is told", () => told.length > 0);
    assert.deepEqual(told, ["without EDNS0"]);
    assert.deepEqual(gist(await ask(resolver, "b.test")), ["here"]);
    assert.equal(server.questions.of("b.test"), 1);
  });
});

describe("a list of name servers that changes", () => {
  it("is taken up, and what is asked of a server that is gone goes on with the others", async () => {
    const silent = await bench.nameserver({}, { intercept: () => "drop" });
    const good = await bench.nameserver({ "*.test": [{ TXT: "here" }] });
    let servers: readonly { address: string; port: number }[] = [silent];
    const told: (readonly { port: number }[])[] = [];
    const resolver = bench.resolver(
      { current: () => servers },
      { timeoutMs: 600_000, tries: 2, onServers: (list) => told.push(list) },
    );
    const first = ask(resolver, "a.test");
    servers = [good];
    assert.deepEqual(gist(await ask(resolver, "b.test")), ["here"]);
    assert.equal(gist(await first), "fault: no name server answers");
    assert.deepEqual(told, [[good]]);
  });
});

describe("ask, bounds", () => {
  it("refuses questions past the bound", async () => {
    const { server, resolver } = await bench.pair({ "*.test": [{ TXT: "x" }] }, {}, { outstandingMax: 2 });
    const answers = Array.from({ length: 3 }, (_, i) => ask(resolver, `n${i}.test`));
    assert.equal(gist(await answers[2]!), "fault: too many DNS lookups at once");
    for (const answer of answers.slice(0, 2)) assert.deepEqual(gist(await answer), ["x"]);
    assert.deepEqual([server.questions.total, resolver.counters().outstanding], [2, 0]);
  });

  it("does not answer what was cancelled, and lets another one go", async () => {
    const { resolver } = await bench.pair(
      { "b.test": [{ TXT: "b" }] },
      { intercept: (question) => (question.name === "a.test" ? "drop" : "normal") },
      { outstandingMax: 1 },
    );
    const called: string[] = [];
    const pending = resolver.ask({ name: "a.test", type: "TXT" }, () => called.push("a"));
    assert.ok("cancel" in pending);
    pending.cancel();
    pending.cancel();
    const answer = ask(resolver, "b.test");
    assert.deepEqual(gist(await answer), ["b"]);
    assert.deepEqual(called, []);
  });

  it("ends everything as a fault when closed", async () => {
    const { resolver } = await bench.pair({}, { intercept: () => "drop" });
    const answers = [ask(resolver, "a.test"), ask(resolver, "b.test")];
    resolver.close();
    for (const answer of await Promise.all(answers)) {
      assert.equal(gist(answer), "fault: DNS lookups were stopped");
    }
    assert.equal(gist(await ask(resolver, "c.test")), "fault: DNS lookups were stopped");
  });

  it("sends from many ports with many ids", async () => {
    const ports = new Set<number>();
    const ids = new Set<number>();
    const { resolver } = await bench.pair(
      { "*.test": [{ TXT: "x" }] },
      {
        intercept: (question) => {
          ports.add(question.peer.port);
          ids.add(question.id);
          return "normal";
        },
      },
    );
    for (let i = 0; i < 400; i++) await ask(resolver, `n${i}.test`);
    // By chance fewer than once in a million runs.
    assert.ok(ports.size >= 8, `${ports.size} ports`);
    assert.ok(ids.size >= 380, `${ids.size} ids`);
  });

  /** The kernel chooses ports at random, and among a hundred of them one or two may be the same as an earlier one. */
  function assertGivenUp(perPort: ReadonlyMap<number, number>): void {
    const counts = [...perPort.values()];
    assert.ok(counts.filter((count) => count > 100).length <= 2, counts.join());
    assert.ok(Math.max(...counts) <= 200, counts.join());
  }

  it("gives up a port after a hundred questions", async () => {
    const perPort = new Map<number, number>();
    const { resolver } = await bench.pair(
      { "*.test": [{ TXT: "x" }] },
      {
        intercept: (question) => {
          perPort.set(question.peer.port, (perPort.get(question.peer.port) ?? 0) + 1);
          return "normal";
        },
      },
    );
    for (let i = 0; i < 2000; i += 50) {
      await Promise.all(Array.from({ length: 50 }, (_, j) => ask(resolver, `n${i + j}.test`)));
    }
    assertGivenUp(perPort);
    assert.ok(perPort.size >= 20);
  });

  it("gives up a port after a hundred questions that nobody answers, and spends no descriptors on them", async () => {
    const perPort = new Map<number, number>();
    const { resolver } = await bench.pair(
      {},
      {
        intercept: (question) => {
          perPort.set(question.peer.port, (perPort.get(question.peer.port) ?? 0) + 1);
          return "drop";
        },
      },
      { outstandingMax: 10_000 },
    );
    const open = (): number => process.getActiveResourcesInfo().filter((name) => /udp/i.test(name)).length;
    let openMax = 0;
    for (let i = 0; i < 6000; i += 50) {
      for (let j = 0; j < 50; j++) void ask(resolver, `n${i + j}.test`);
      await new Promise(setImmediate);
      openMax = Math.max(openMax, open());
    }
    await until(
      "two thousand questions",
      () => [...perPort.values()].reduce((sum, count) => sum + count, 0) > 2000,
    );
    assertGivenUp(perPort);
    assert.ok(openMax < 60, `${openMax} sockets`);
  });
});

describe("ask, forged answers", () => {
  it("ignores what comes from another port", async () => {
    const { resolver } = await bench.pair(
      { "a.test": [{ TXT: "true" }] },
      {
        delayMs: 100,
        intercept: () => "normal",
      },
    );
    const forger = createSocket("udp4");
    bench.closing(() => forger.close());
    // A server that, instead of answering, tells the forger all it needs.
    const spy = await bench.nameserver(
      { "a.test": [{ TXT: "forged" }] },
      {
        intercept: (question) => {
          const reply = question.normalReply();
          if (reply !== undefined) forger.send(reply, question.peer.port, question.peer.address);
          return "drop";
        },
      },
    );
    const spied = bench.resolver([spy], { timeoutMs: 5 * SHORT_MS });
    assert.equal(gist(await ask(spied, "a.test")), "fault: no name server answered in time");
    assert.equal(spied.counters().foreign, 0);
    assert.deepEqual(gist(await ask(resolver, "a.test")), ["true"]);
  });

  const mutations: Record<string, (reply: Buffer, question: ReceivedQuestion) => Buffer> = {
    "another id": (reply) => writeU16(reply, 0, reply.readUInt16BE(0) ^ 1),
    "another name": (reply) => writeU8(reply, 13, 0x7a),
    "another type": (reply, { questionSection }) => writeU8(reply, 12 + questionSection.length - 3, 1),
    "another class": (reply, { questionSection }) => writeU8(reply, 12 + questionSection.length - 1, 3),
    "a query": (reply) => writeU8(reply, 2, (reply[2] ?? 0) & 0x7f),
    "another opcode": (reply) => writeU8(reply, 2, (reply[2] ?? 0) | 0x28),
    "no question": (reply) => writeU16(reply, 4, 0),
    "two questions": (reply) => writeU16(reply, 4, 2),
    "a header cut short": (reply) => reply.subarray(0, 11),
    "a question cut short": (reply) => reply.subarray(0, 20),
    "one octet": (reply) => reply.subarray(0, 1),
    "no octet": () => Buffer.alloc(0),
  };
  for (const [what, mutate] of Object.entries(mutations)) {
    it(`waits on where the answer has ${what}`, async () => {
      const { resolver } = await bench.pair(
        { "a.test": [{ TXT: "true" }] },
        {
          intercept: (question) => [mutate(question.normalReply()!, question), question.normalReply()!],
        },
      );
      assert.deepEqual(gist(await ask(resolver, "a.test")), ["true"]);
    });
  }

  it("takes an answer that repeats the name in other case, once however often it comes", async () => {
    const { resolver } = await bench.pair(
      { "a.test": [{ TXT: "true" }] },
      {
        intercept: (question) => {
          const reply = writeU8(question.normalReply()!, 13, 0x41);
          return [reply, reply, reply];
        },
      },
    );
    let calls = 0;
    resolver.ask({ name: "a.test", type: "TXT" }, () => calls++);
    await until("the answer", () => calls > 0);
    assert.deepEqual(gist(await ask(resolver, "a.test")), ["true"]);
    assert.equal(calls, 1);
  });

  it("tells a name that does not exist by its RCODE, whatever records come with it", async () => {
    const { resolver } = await bench.pair(
      { "a.test": [{ TXT: "x" }] },
      {
        intercept: (question) => [writeU8(question.normalReply()!, 3, 0x83)],
      },
    );
    assert.equal(gist(await ask(resolver, "a.test")), "nxdomain");
  });
});

describe("ask, TCP", () => {
  const zone = { "big.test": [{ TXT: "x".repeat(2000) }] };
  const overTcp =
    (
      act: (
        question: ReceivedQuestion,
      ) => ReturnType<NonNullable<Parameters<typeof bench.nameserver>[1]>["intercept"] & {}>,
    ) =>
    (question: ReceivedQuestion): ReturnType<typeof act> =>
      question.transport === "udp" ? "normal" : act(question);
  const framed = (message: Buffer): Buffer =>
    Buffer.concat([writeU16(Buffer.alloc(2), 0, message.length), message]);

  it("is a fault in time where the server stalls", async () => {
    const { resolver } = await bench.pair(zone, { intercept: overTcp(() => "drop") }, { timeoutMs: 200 });
    assert.equal(gist(await ask(resolver, "big.test")), "fault: no name server answered in time");
  });

  it("is a fault where the server stalls inside the answer", async () => {
    const { resolver } = await bench.pair(
      zone,
      { intercept: overTcp((question) => ({ raw: framed(question.normalReply()!).subarray(0, 1000) })) },
      { timeoutMs: 200 },
    );
    assert.equal(gist(await ask(resolver, "big.test")), "fault: no name server answered in time");
  });

  const broken: Record<
    string,
    [(question: ReceivedQuestion) => ReturnType<ReturnType<typeof overTcp>>, RegExp]
  > = {
    "closes at once": [() => "close", /TCP/],
    "closes inside the length": [() => ({ raw: Buffer.from([9]), close: true }), /closed the TCP connection/],
    "closes inside the answer": [
      (question) => ({ raw: framed(question.normalReply()!).subarray(0, 500), close: true }),
      /closed the TCP connection/,
    ],
    "answers with another id": [
      (question) => [writeU16(question.normalReply()!, 0, question.id ^ 1)],
      /does not match the question/,
    ],
    "answers another question": [
      (question) => [writeU8(question.normalReply()!, 13, 0x7a)],
      /does not match the question/,
    ],
    "sends an empty message": [() => ({ raw: Buffer.from([0, 0]) }), /does not match the question/],
    "truncates there too": [(question) => [writeU8(question.normalReply()!, 2, 0x83)], /truncated/],
  };
  for (const [what, [act, problem]] of Object.entries(broken)) {
    it(`is a fault where the server ${what}`, async () => {
      const { resolver } = await bench.pair(zone, { intercept: overTcp(act) });
      assert.match(String(gist(await ask(resolver, "big.test"))), problem);
      assert.equal(resolver.counters().outstanding, 0);
    });
  }

  it("asks another server where one fails over TCP", async () => {
    const bad = await bench.nameserver(zone, { intercept: overTcp(() => "close") });
    const good = await bench.nameserver(zone);
    assert.deepEqual(gist(await ask(bench.resolver([bad, good]), "big.test")), ["x".repeat(2000)]);
  });

  it("closes a connection on which another answer has come before it asks again", async () => {
    const udp = createSocket("udp4");
    const bound = once(udp, "listening");
    udp.bind(0, "127.0.0.1");
    await bound;
    const { port } = udp.address();
    const tcp = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", (data) => {
        const message = Buffer.from(data.subarray(2));
        message[2] = 0x80;
        message[13] = (message[13] ?? 0) ^ 1;
        socket.write(Buffer.concat([writeU16(Buffer.alloc(2), 0, message.length), message]));
      });
      socket.on("close", () => events.push("closed"));
    });
    await new Promise<void>((resolve) => tcp.listen(port, "127.0.0.1", resolve));
    const events: string[] = [];
    let asked = 0;
    udp.on("message", (query, { port: from, address }) => {
      const answer = Buffer.from(query);
      answer[2] = 0x80;
      // First it is truncated; then there is no such name.
      if (++asked === 1) writeU8(answer, 2, 0x82);
      else writeU8(answer, 3, 3);
      const send = (): void => {
        events.push("answered");
        udp.send(answer, from, address);
      };
      if (asked === 1) send();
      else setTimeout(send, 100);
    });
    const resolver = new Resolver({ servers: [{ address: "127.0.0.1", port }], timeoutMs: 5000, tries: 2 });
    const answer = await ask(resolver, "example.test");
    assert.equal(answer.status, "nxdomain");
    assert.deepEqual(events, ["answered", "closed", "answered"]);
    resolver.close();
    udp.close();
    tcp.close();
  });

  it("tells what waited too long for a connection from a server that is silent", async () => {
    const { resolver } = await bench.pair(
      { "*.test": [{ TXT: "x".repeat(2000) }] },
      { intercept: overTcp(() => "drop") },
      { timeoutMs: 3000 },
    );
    const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => ask(resolver, `n${i}.test`)));
    const causes = answers.map((answer) => answer.status === "fault" && answer.cause);
    assert.equal(causes.filter((cause) => cause === "timeout").length, 64);
    assert.equal(causes.filter((cause) => cause === "overload").length, 36);
  });

  const silentOverTcp = (question: ReceivedQuestion): "drop" | "normal" =>
    question.transport === "tcp" && question.name.includes("silent") ? "drop" : "normal";

  for (const [what, names] of [
    ["one domain", (i: number) => `n${i}.silent.test`],
    ["one network of clients", (i: number) => `silent${i}.2.0.192.in-addr.arpa`],
  ] as const) {
    it(`has connections left where ${what} takes as many as there are`, async () => {
      const big = [{ TXT: "x".repeat(2000) }];
      const { resolver } = await bench.pair(
        { "*.silent.test": big, "*.2.0.192.in-addr.arpa": big, "big.other.test": big },
        { intercept: silentOverTcp },
        { timeoutMs: 60_000 },
      );
      let silent = 100;
      for (let i = 0; i < 100; i++) void ask(resolver, names(i)).then(() => silent--);
      assert.equal((await ask(resolver, "big.other.test")).status, "found");
      assert.equal(silent, 100);
    });
  }

  it("gives up for others what has waited for long where many domains take all connections", async () => {
    const { server, resolver } = await bench.pair(
      { "*.test": [{ TXT: "x".repeat(2000) }] },
      { intercept: silentOverTcp },
      { timeoutMs: 8000, tries: 1 },
    );
    const causes: unknown[] = [];
    for (let i = 0; i < 64; i++) {
      void ask(resolver, `n.silent${i}.test`).then((answer) =>
        causes.push(answer.status === "fault" && answer.cause),
      );
    }
    await until("all connections", () => server.questions.tcp === 64);
    const others = await Promise.all(Array.from({ length: 20 }, (_, i) => ask(resolver, `n.other${i}.test`)));
    assert.deepEqual(
      others.map(({ status }) => status),
      others.map(() => "found"),
    );
    assert.deepEqual(new Set(causes), new Set(["overload"]));
  });

  it("lets the domains below one suffix take turns", async () => {
    const { server, resolver } = await bench.pair(
      {
        "*.silent.suffix.test": [{ TXT: "x".repeat(2000) }],
        "other.suffix.test": [{ TXT: "x".repeat(2000) }],
      },
      { intercept: silentOverTcp },
      { timeoutMs: 8000, tries: 1 },
    );
    for (let i = 0; i < 100; i++) void ask(resolver, `n${i}.silent.suffix.test`);
    await until("all questions", () => server.questions.udp === 100 && server.questions.tcp === 8);
    assert.equal((await ask(resolver, "other.suffix.test")).status, "found");
  });

  it("serves more questions than it opens connections", async () => {
    const { server, resolver } = await bench.pair({ "*.test": [{ TXT: "x".repeat(2000) }] }, { delayMs: 5 });
    const answers = await Promise.all(Array.from({ length: 150 }, (_, i) => ask(resolver, `n${i}.test`)));
    assert.ok(answers.every(({ status }) => status === "found"));
    assert.equal(server.questions.tcp, 150);
    // 64, and some that the server has not yet seen end.
    assert.ok(server.connectionsMax > 1 && server.connectionsMax < 75, String(server.connectionsMax));
  });
});

function writeU8(bytes: Buffer, offset: number, value: number): Buffer {
  bytes.writeUInt8(value, offset);
  return bytes;
}

function writeU16(bytes: Buffer, offset: number, value: number): Buffer {
  bytes.writeUInt16BE(value, offset);
  return bytes;
}
