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
      .some((one) => /timed out|ETIMEDOUT/i.test((one as Error | undefined)?.message ?? ""));
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
