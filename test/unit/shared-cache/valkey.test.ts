/** The client as it is used, against servers that misbehave on the wire. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { afterEach, describe, it } from "node:test";
import type { CacheEngine, EngineAddress, EngineError } from "../../../src/shared-cache/index.ts";
import { createEngine } from "../../../src/shared-cache/valkey.ts";

/** What a server does with a command; undefined: nothing. */
type Reaction = (command: readonly string[], socket: Socket) => string | undefined;

const toEnd: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of toEnd.splice(0).reverse()) await end();
});

/** A server that reads commands one by one; its port. */
async function serverOf(react: Reaction): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    let received = "";
    socket.on("data", (chunk: Buffer) => {
      received += chunk.toString("latin1");
      for (;;) {
        const [head, count = ""] = /^\*(\d+)\r\n/.exec(received) ?? [];
        if (head === undefined) return;
        let at = head.length;
        const words: string[] = [];
        for (let nth = 0; nth < Number(count); nth++) {
          const [line, length = ""] = /^\$(\d+)\r\n/.exec(received.slice(at)) ?? [];
          if (line === undefined) return;
          const start = at + line.length;
          words.push(received.slice(start, start + Number(length)));
          at = start + Number(length) + 2;
          if (received.length < at) return;
        }
        received = received.slice(at);
        const answer = react(words, socket);
        if (answer !== undefined) socket.write(answer, "latin1");
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  toEnd.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

function engineOf(parts: Partial<EngineAddress>): CacheEngine {
  const engine = createEngine({
    ...{ hosts: [], path: undefined, tls: false, username: undefined, password: undefined },
    ...{ db: 0, sentinel: undefined, caFile: undefined },
    ...parts,
  });
  toEnd.push(() => {
    engine.close();
  });
  return engine;
}

const hostsOf = (...ports: readonly number[]): EngineAddress["hosts"] =>
  ports.map((port) => ({ host: "127.0.0.1", port }));
const open = (engine: CacheEngine): Promise<EngineError | undefined> =>
  new Promise((resolve) => {
    engine.open(resolve);
  });
const get = (engine: CacheEngine, key: string): Promise<EngineError | string | undefined> =>
  new Promise((resolve) => {
    engine.get(key, (error, value) => {
      resolve(error ?? (value === undefined ? undefined : Buffer.from(value).toString("latin1")));
    });
  });

/**
 * Does it again where the client's own time of two seconds has run out, as it may on a busy machine: that is not what is
 * tested here.
 */
async function inTime<T>(act: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    const result = await act();
    const isLate = [result]
      .flat()
      .some((one) => /timed? ?out/i.test((one as Error | undefined)?.message ?? ""));
    if (!isLate || tries === 20) return result;
  }
}

/** Writes without end for as long as the other side takes it; how much that was. */
function stream(socket: Socket, head: string): () => number {
  let octets = 0;
  const more = Buffer.alloc(65_536, "x");
  socket.write(head);
  const go = (): void => {
    while (!socket.destroyed && octets < 200 * 1024 * 1024) {
      octets += more.length;
      if (socket.write(more)) continue;
      socket.once("drain", go);
      return;
    }
  };
  go();
  return () => octets;
}

describe("the client of SharedCache", () => {
  const endless: readonly (readonly [string, string])[] = [
    ["a value of 500 MB", "$500000000\r\n"],
    ["a line without an end", "+"],
    ["a list of values without an end", "*1000000\r\n$100000000\r\n"],
  ];
  for (const [what, head] of endless) {
    it(`ends a connection that brings ${what}`, async () => {
      let written = (): number => 0;
      const port = await serverOf(([command], socket) => {
        if (command === "get") written = stream(socket, head);
        return undefined;
      });
      const answer = await inTime(async () => {
        const engine = engineOf({ hosts: hostsOf(port) });
        return (await open(engine)) ?? get(engine, "key");
      });
      assert.deepEqual(answer, { kind: "connect", message: "an answer is too large" });
      assert.ok(written() < 32 * 1024 * 1024, `${written()} octets`);
    });
  }

  it("takes any number of answers of an ordinary size, also at once", async () => {
    const value = "v".repeat(16_000);
    const port = await serverOf(([command]) => (command === "get" ? `$16000\r\n${value}\r\n` : undefined));
    const engine = engineOf({ hosts: hostsOf(port) });
    assert.equal(await inTime(() => open(engine)), undefined);
    const answers = await inTime(() =>
      Promise.all(Array.from({ length: 1000 }, (_, nth) => get(engine, `key${nth}`))),
    );
    assert.ok(answers.every((answer) => answer === value));
  });

  for (const [what, answer] of [
    ["a number", ":1\r\n"],
    ["a list of numbers", `*40\r\n${":1\r\n".repeat(40)}`],
    ["a list of values", `*2\r\n$1\r\na\r\n*0\r\n`],
  ] as const) {
    it(`takes ${what} for no value`, async () => {
      const port = await serverOf(([command]) => (command === "get" ? answer : undefined));
      const engine = engineOf({ hosts: hostsOf(port) });
      assert.equal(await inTime(() => open(engine)), undefined);
      assert.deepEqual(await get(engine, "key"), {
        kind: "reply",
        message: "the answer to GET is not a value",
      });
    });
  }

  const misleading: readonly (readonly [string, string, string])[] = [
    ["a list that is longer than any", "*4294967296\r\n", "an answer is too large"],
    ["a list that is announced and does not come", "*20000\r\n", "an answer is too large"],
    ["lists in lists in lists", "*1\r\n".repeat(5000), "an answer is too large"],
    ["a second answer", "$-1\r\n$-1\r\n", "an answer came that nobody has asked for"],
    ["a second answer that is an error", "$-1\r\n-ERR so many\r\n", "ERR so many"],
    ["answers without an end", "+\r\n".repeat(1000), "an answer came that nobody has asked for"],
    ["a push", ">1\r\n+x\r\n", "what comes is no answer of an engine"],
    ["a length that is no number", "$x\r\n", "what comes is no answer of an engine"],
    ["a redirection to nowhere", "-MOVED\r\n", "what comes is no answer of an engine"],
  ];
  for (const [what, misled, message] of misleading) {
    it(`ends a connection that brings ${what}, and is the worse for nothing`, async () => {
      const port = await serverOf(([command]) => (command === "get" ? misled : undefined));
      const answer = await inTime(async () => {
        const engine = engineOf({ hosts: hostsOf(port) });
        return (await open(engine)) ?? get(engine, "key");
      });
      assert.deepEqual(answer, { kind: "connect", message });
    });
  }

  describe("of a cluster", () => {
    const range = (first: string, last: string, ...nodes: readonly string[]): string =>
      `*${2 + nodes.length}\r\n${first}\r\n${last}\r\n${nodes.join("")}`;
    const node = (port: number | string): string => `*2\r\n$9\r\n127.0.0.1\r\n:${port}\r\n`;
    /** A node that says so of the slots, and so of every key. */
    const clusterOf = async (
      slots: (port: number) => string,
      value = "$5\r\nvalue\r\n",
    ): Promise<CacheEngine> => {
      let port = 0;
      port = await serverOf(([command]) =>
        command === "cluster" ? slots(port) : command === "get" ? value : "+OK\r\n",
      );
      return engineOf({ hosts: hostsOf(port, port) });
    };
    const whole = (port: number): string => `*1\r\n${range(":0", ":16383", node(port))}`;

    it("asks the node that has the slot", async () => {
      const engine = await clusterOf(whole);
      assert.equal(await inTime(async () => (await open(engine)) ?? get(engine, "key")), "value");
    });

    const maps: readonly (readonly [string, (port: number) => string])[] = [
      ["nothing", () => "$-1\r\n"],
      ["a list of nothing", () => "*1\r\n$-1\r\n"],
      ["more slots than there are", (port) => `*1\r\n${range(":0", ":16384", node(port))}`],
      ["slots from the end to the start", (port) => `*1\r\n${range(":5", ":4", node(port))}`],
      ["the same slots again and again", (port) => `*2\r\n${range(":0", ":16383", node(port)).repeat(2)}`],
      ["slots that are words", (port) => `*1\r\n${range("$1\r\n0", "$5\r\n99999", node(port))}`],
      ["slots that nobody has", () => `*1\r\n${range(":0", ":16383")}`],
      ["a node without a port", () => `*1\r\n${range(":0", ":16383", "*1\r\n$1\r\nx\r\n")}`],
      ["a node with a port that is none", () => `*1\r\n${range(":0", ":16383", node(70_000))}`],
      [
        "many nodes for one slot",
        (port) => `*1\r\n${range(":0", ":0", ...Array<string>(33).fill(node(port)))}`,
      ],
      [
        "many nodes",
        () =>
          `*200\r\n${Array.from({ length: 200 }, (_, nth) => range(`:${nth}`, `:${nth}`, node(1000 + nth))).join("")}`,
      ],
    ];
    for (const [what, slots] of maps) {
      it(`takes no map of slots that has ${what}`, async () => {
        const engine = await clusterOf(slots);
        const message = "the answer to CLUSTER SLOTS is no map of slots";
        assert.deepEqual(await inTime(() => open(engine)), { kind: "connect", message });
      });
    }

    it("takes no map of slots without an end", async () => {
      let written = (): number => 0;
      const port = await serverOf(([command], socket) => {
        if (command === "cluster") written = stream(socket, "$500000000\r\n");
        return undefined;
      });
      const engine = engineOf({ hosts: hostsOf(port, port) });
      assert.equal((await open(engine))?.kind, "connect");
      assert.ok(written() < 32 * 1024 * 1024, `${written()} octets`);
    });

    for (const target of [
      "__proto__ 127.0.0.1:1",
      "length 127.0.0.1:1",
      "16384 127.0.0.1:1",
      "1 127.0.0.1:70000",
      "1 x",
      "1",
      "",
    ]) {
      it(`does not follow a redirection to ${target === "" ? "nowhere" : target}`, async () => {
        for (const word of ["MOVED", "ASK"]) {
          const engine = await clusterOf(whole, `-${`${word} ${target}`.trim()}\r\n`);
          assert.equal(await inTime(() => open(engine)), undefined);
          const answer = await get(engine, "key");
          assert.equal(typeof answer === "object" ? answer.kind : answer, "connect");
        }
        assert.equal(([] as unknown[])[0], undefined, "an empty list is still empty");
      });
    }

    it("does not follow redirections to ever more nodes", async () => {
      let connected = 0;
      const nodes = await Promise.all(
        Array.from({ length: 140 }, () =>
          serverOf(([command]) => {
            if (command === "asking") connected++;
            return command === "get" ? "$5\r\nvalue\r\n" : "+OK\r\n";
          }),
        ),
      );
      let port = 0;
      port = await serverOf(([command]) => {
        if (command === "cluster") return whole(port);
        return command === "get" ? `-ASK 1 127.0.0.1:${nodes[connected] ?? 1}\r\n` : "+OK\r\n";
      });
      const engine = engineOf({ hosts: hostsOf(port, port) });
      assert.equal(await inTime(() => open(engine)), undefined);
      let answer: EngineError | string | undefined = "value";
      for (let nth = 0; nth < nodes.length && answer === "value"; nth++) {
        answer = await inTime(() => get(engine, `key${nth}`));
      }
      assert.ok(connected >= 127 && connected < 140, `${connected} nodes`);
      assert.deepEqual(answer, { kind: "connect", message: "the cluster names more than 128 nodes" });
    });
  });

  it("does not use another database than the one that was chosen", async () => {
    const port = await serverOf(([command]) =>
      command === "select" ? "-ERR DB index is out of range\r\n" : "$5\r\nvalue\r\n",
    );
    const engine = engineOf({ hosts: hostsOf(port), db: 99 });
    assert.equal(await inTime(() => open(engine)), undefined);
    assert.deepEqual(await get(engine, "key"), { kind: "reply", message: "ERR DB index is out of range" });
  });

  it("finds the primary while one Sentinel is silent, whichever that is", async () => {
    const primary = await serverOf(([command]) => (command === "get" ? "$5\r\nvalue\r\n" : undefined));
    const silent = await serverOf(() => undefined);
    const sentinel = await serverOf(([command, word]) => {
      if (command !== "sentinel") return undefined;
      const port = String(primary);
      return word === "get-master-addr-by-name"
        ? `*2\r\n$9\r\n127.0.0.1\r\n$${port.length}\r\n${port}\r\n`
        : "*0\r\n";
    });
    for (const ports of [
      [silent, sentinel],
      [sentinel, silent],
    ]) {
      const engine = engineOf({ hosts: hostsOf(...ports), sentinel: "mymaster" });
      assert.equal(await inTime(() => open(engine)), undefined);
      assert.equal(await inTime(() => get(engine, "key")), "value");
    }
  });

  it("does not listen to a Sentinel without an end", async () => {
    let written = (): number => 0;
    const port = await serverOf((_words, socket) => {
      written = stream(socket, "*2\r\n$500000000\r\n");
      return undefined;
    });
    const engine = engineOf({ hosts: hostsOf(port), sentinel: "mymaster" });
    assert.equal((await open(engine))?.kind, "connect");
    assert.ok(written() < 32 * 1024 * 1024, `${written()} octets`);
  });

  it("begins with another host each time, so that silent ones do not take the whole time again", async () => {
    const asked: string[] = [];
    const sentinels = await Promise.all(
      ["first", "second", "third"].map((name) =>
        serverOf(([command]) => {
          if (command === "sentinel") asked.push(name);
          return "-ERR No such master with that name\r\n";
        }),
      ),
    );
    const engine = engineOf({ hosts: hostsOf(...sentinels), sentinel: "mymaster" });
    for (let nth = 0; nth < 4; nth++) assert.equal((await open(engine))?.kind, "connect");
    assert.deepEqual(
      asked.filter((_, nth) => nth % 3 === 0),
      ["first", "second", "third", "first"],
    );
  });
});
