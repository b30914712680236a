import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { connect as netConnect, Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import {
  ACCEPT,
  CONTINUE,
  LATER,
  type MilterHandler,
  type MilterSession,
  type Response,
} from "milter-protocol";
import {
  MilterServer,
  type ServerEvent,
  type ServerOptions,
  type Transport,
} from "../../../src/server/index.ts";
import { until } from "../../support/child-process.ts";
import { command, MODERN_OFFER, packet } from "../../support/mta-codec.ts";
import { MtaPlayer, openSocket } from "../../support/mta-player.ts";
import { RecordingHandler, type Script } from "../../support/recording-handler.ts";

const CLIENT = { hostname: "mail.a.test", address: "192.0.2.1" };
const MESSAGE = { from: "<a@a.test>", recipients: ["<b@c.test>"] };

/** A server on a socket of its own, with everything it told. */
class Rig {
  readonly folder = mkdtempSync(join(tmpdir(), "milter-server-"));
  readonly path = join(this.folder, "s");
  readonly events: ServerEvent[] = [];
  readonly handlers: RecordingHandler[] = [];
  readonly resumes: MilterSession["resume"][] = [];
  readonly transports: Transport[] = [];
  readonly server: MilterServer;

  constructor(script: Script = {}, options: Partial<ServerOptions> = {}) {
    this.server = new MilterServer({
      maxConnections: 100,
      idleTimeoutMs: 60_000,
      heldOctetsMax: 1 << 28,
      createHandler: (transport, resume): MilterHandler => {
        const handler = new RecordingHandler(script);
        this.handlers.push(handler);
        this.resumes.push(resume);
        this.transports.push(transport);
        return handler;
      },
      onEvent: (event) => {
        this.events.push(event);
      },
      ...options,
    });
  }

  async start(): Promise<this> {
    await this.server.listen({ path: this.path });
    return this;
  }

  async player(): Promise<MtaPlayer> {
    return new MtaPlayer(await openSocket(this.path));
  }

  raw(): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const socket = netConnect(this.path, () => {
        resolve(socket);
      });
      socket.once("error", reject);
    });
  }

  async stop(): Promise<void> {
    await this.server.drain(0);
    rmSync(this.folder, { recursive: true });
  }
}

const rigs: Rig[] = [];
async function rig(script: Script = {}, options: Partial<ServerOptions> = {}): Promise<Rig> {
  const made = new Rig(script, options);
  rigs.push(made);
  return made.start();
}

const closed = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    socket.on("error", () => {});
    socket.on("close", () => {
      resolve();
    });
    socket.resume();
  });

describe("MilterServer", () => {
  afterEach(async () => {
    for (const one of rigs.splice(0)) await one.stop();
  });

  it("serves messages over a Unix socket and closes after QUIT", async () => {
    const one = await rig();
    const { server, handlers, transports } = one;
    const mta = await one.player();
    await mta.connect(CLIENT);
    await mta.helo("mail.a.test");
    assert.equal((await mta.message(MESSAGE)).stage, "endOfMessage");
    assert.equal((await mta.message(MESSAGE)).stage, "endOfMessage");
    mta.quit();
    await until("closed", () => server.statistics().open === 0);
    assert.equal(handlers[0]?.calls.at(-1), "close");
    assert.deepEqual(transports, ["unix"]);
    assert.equal(server.statistics().accepted, 1);
  });

  it("serves over an IP socket and says so", async () => {
    const one = new Rig();
    rigs.push(one);
    await one.server.listen({ host: "127.0.0.1", port: 0 });
    const { port = 0 } = one.server;
    assert.ok(port > 0);
    const mta = new MtaPlayer(await openSocket({ host: "127.0.0.1", port }));
    await mta.connect(CLIENT);
    assert.deepEqual(one.transports, ["inet"]);
    mta.send(packet(0x5a));
    assert.equal(await mta.receive(), undefined);
    assert.equal(one.events[0]?.event, "protocol-error");
    assert.match(one.events[0].peer, /^127\.0\.0\.1:\d+$/);
  });

  it("rejects listen with the system's error", async () => {
    const one = await rig();
    const other = new Rig();
    rigs.push(other);
    await assert.rejects(other.server.listen({ path: one.path }), { code: "EADDRINUSE" });
    await assert.rejects(other.server.listen({ path: join(one.folder, "absent", "s") }), {
      syscall: "listen",
    });
    await other.server.listen({ path: join(other.folder, "s") });
    assert.equal((await (await other.player()).connect(CLIENT)).kind, "continue");
  });

  it("closes a connection that breaks the protocol, tells it, and harms no other", async () => {
    const one = await rig();
    const { server, events } = one;
    const good = await one.player();
    await good.connect(CLIENT);
    const bad = await one.player();
    bad.send(Buffer.from("GET / HTTP/1.0\r\n\r\n"));
    assert.equal(await bad.receive(), undefined);
    assert.equal((await good.message(MESSAGE)).stage, "endOfMessage");
    const [event, ...more] = events;
    assert.ok(event?.event === "protocol-error");
    assert.equal(event.error.code, "packet-too-long");
    assert.equal(event.peer, "unix");
    assert.deepEqual(more, []);
    assert.equal(server.statistics().protocolErrors, 1);
  });

  it("delivers what was said before a protocol error", async () => {
    const one = await rig();
    const mta = await one.player();
    mta.send(Buffer.concat([command.negotiate(MODERN_OFFER), packet(0x5a)]));
    assert.equal((await mta.receive())?.kind, "negotiation");
    assert.equal(await mta.receive(), undefined);
  });

  it("tells of a handler that throws and goes on", async () => {
    const one = await rig({
      mail: () => {
        throw new Error("boom");
      },
    });
    const mta = await one.player();
    await mta.connect(CLIENT);
    assert.equal((await mta.message(MESSAGE)).verdict.kind, "tempfail");
    assert.equal((await mta.message(MESSAGE)).verdict.kind, "tempfail");
    assert.deepEqual(
      one.events.map(({ event }) => event),
      ["handler-error", "handler-error"],
    );
    assert.equal(one.server.statistics().handlerErrors, 2);
  });

  it("survives a factory that throws", async () => {
    const one = await rig(
      {},
      {
        createHandler: () => {
          throw new Error("no handler");
        },
      },
    );
    const socket = await one.raw();
    await closed(socket);
    assert.equal(one.events[0]?.event, "handler-error");
    assert.equal(one.server.statistics().open, 0);
  });

  it("sends an answer that comes later", async () => {
    const one = await rig({ mail: () => LATER });
    const mta = await one.player();
    await mta.connect(CLIENT);
    const verdict = mta.mail("<a@a.test>");
    await until("asked", () => one.handlers[0]?.calls.at(-1)?.startsWith("mail") === true);
    assert.equal(one.server.statistics().busy, 1);
    one.resumes[0]?.(ACCEPT);
    assert.equal((await verdict).kind, "accept");
  });

  it("tells the handler at once when the MTA goes away in the middle of an evaluation", async () => {
    const one = await rig({ mail: () => LATER });
    const mta = await one.player();
    await mta.connect(CLIENT);
    void mta.mail("<a@a.test>").catch(() => {});
    await until("asked", () => one.handlers[0]?.calls.at(-1)?.startsWith("mail") === true);
    mta.hangUp();
    await until("closed", () => one.handlers[0]?.calls.at(-1) === "close");
    one.resumes[0]?.(CONTINUE);
    assert.deepEqual(one.events, []);
  });

  it("takes the end of the MTA's side for the end", async () => {
    const one = await rig();
    const socket = await one.raw();
    const gone = closed(socket);
    socket.end(command.negotiate(MODERN_OFFER));
    await gone;
    await until("closed", () => one.server.statistics().open === 0);
    assert.equal(one.handlers[0]?.calls.at(-1), "close");
  });

  it("reads what comes one octet at a time", async () => {
    const one = await rig();
    const socket = await one.raw();
    const stream = Buffer.concat([
      command.negotiate(MODERN_OFFER),
      command.connect({ hostname: "h", family: "inet", port: 1, address: "192.0.2.1" }),
      command.quit(),
    ]);
    const gone = closed(socket);
    for (const octet of stream) {
      if (!socket.destroyed) socket.write(Buffer.from([octet]));
      await new Promise(setImmediate);
    }
    await gone;
    assert.deepEqual(one.handlers[0]?.calls.slice(1), ["connect h inet 1 192.0.2.1", "close"]);
  });
});

describe("MilterServer, limits", () => {
  afterEach(async () => {
    for (const one of rigs.splice(0)) await one.stop();
  });

  it("closes the connection over the maximum at once and tells it once an interval with the count", async () => {
    const one = await rig({}, { maxConnections: 2, reportIntervalMs: 3000 });
    const first = await one.player();
    await first.connect(CLIENT);
    const second = await one.player();
    await second.connect(CLIENT);
    for (let i = 0; i < 5; i++) await closed(await one.raw());
    await until("counted", () => one.server.statistics().refused === 5);
    assert.deepEqual(one.events, [{ event: "connection-refused", count: 1, maxConnections: 2 }]);
    await until("told again", () => one.events.length === 2);
    assert.deepEqual(one.events[1], { event: "connection-refused", count: 4, maxConnections: 2 });
    assert.equal((await first.message(MESSAGE)).stage, "endOfMessage");
    second.quit();
    await until("room", () => one.server.statistics().open === 1);
    assert.equal((await (await one.player()).connect(CLIENT)).kind, "continue");
  });

  it("takes a new maximum at once", async () => {
    const one = await rig({}, { maxConnections: 1 });
    const first = await one.player();
    await first.connect(CLIENT);
    one.server.setLimits({ maxConnections: 2, idleTimeoutMs: 60_000 });
    assert.equal((await (await one.player()).connect(CLIENT)).kind, "continue");
    one.server.setLimits({ maxConnections: 1, idleTimeoutMs: 60_000 });
    await closed(await one.raw());
    assert.equal(one.server.statistics().open, 2);
  });

  it("closes silent connections, but not one that waits for us", async () => {
    const one = await rig({ mail: () => LATER }, { idleTimeoutMs: 1000 });
    const waiting = await one.player();
    await waiting.connect(CLIENT);
    const verdict = waiting.mail("<a@a.test>");
    const silent = await one.raw();
    await closed(silent);
    assert.equal(one.server.statistics().idleClosed, 1);
    await sleep(1500);
    assert.equal(one.server.statistics().open, 1);
    one.resumes[0]?.(ACCEPT);
    assert.equal((await verdict).kind, "accept");
    await until("silent too", () => one.server.statistics().open === 0);
  });

  it("closes who holds more than a share when all hold too much, and nobody else", async () => {
    const one = await rig({}, { heldOctetsMax: 400_000, reportIntervalMs: 60_000 });
    const ordinary = await one.player();
    await ordinary.connect(CLIENT);
    // The length of a packet of 900,000 octets, and a tenth of it.
    const half = Buffer.concat([Buffer.from("000dbba04c", "hex"), Buffer.alloc(90_000, "x")]);
    const hogs = await Promise.all(Array.from({ length: 12 }, () => one.raw()));
    let gone = 0;
    for (const hog of hogs) {
      hog.on("error", () => undefined);
      hog.on("close", () => gone++);
      hog.write(Buffer.concat([command.negotiate(MODERN_OFFER), half]));
      hog.resume();
    }
    await until("hogs closed", () => one.server.statistics().overBudget >= 8);
    assert.equal((await ordinary.message(MESSAGE)).stage, "endOfMessage");
    assert.deepEqual(one.events, [{ event: "memory-budget", count: 1, octetsMax: 400_000 }]);
    for (const hog of hogs) hog.destroy();
    await until("all gone", () => one.server.statistics().open === 1);
    assert.equal(gone, 12);
    // What they held is free again: among so many, one that holds more than its share stays.
    const { overBudget } = one.server.statistics();
    const others = await Promise.all(Array.from({ length: 5 }, () => one.raw()));
    const late = await one.raw();
    late.on("error", () => undefined).resume();
    await new Promise((resolve) =>
      late.write(Buffer.concat([command.negotiate(MODERN_OFFER), half]), resolve),
    );
    await until("all there", () => one.server.statistics().open === 7);
    for (let i = 0; i < 10; i++) await ordinary.message(MESSAGE);
    assert.equal(one.server.statistics().overBudget, overBudget);
    for (const socket of [...others, late]) socket.destroy();
  });

  it("defers a message that holds more than a share, and keeps its connection", async () => {
    const one = await rig({}, { heldOctetsMax: 400_000, reportIntervalMs: 60_000 });
    const mta = await one.player();
    await mta.connect(CLIENT);
    const recipients = Array.from({ length: 1000 }, (_, at) => `<r${at}@c.test>`);
    const { verdict } = await mta.message({ from: "<a@a.test>", recipients });
    assert.deepEqual([verdict.kind, "code" in verdict && verdict.code], ["reply", "452"]);
    assert.equal((await mta.message(MESSAGE)).verdict.kind, "continue");
    assert.deepEqual(one.events, [{ event: "messages-deferred", count: 1, octetsMax: 400_000 }]);
    const { deferred, overBudget, open } = one.server.statistics();
    assert.deepEqual([deferred, overBudget, open], [1, 0, 1]);
  });

  it("takes a new idle time at once", async () => {
    const one = await rig();
    const silent = await one.raw();
    one.server.setLimits({ maxConnections: 100, idleTimeoutMs: 40 });
    await closed(silent);
    assert.equal(one.server.statistics().idleClosed, 1);
  });

  it("stops reading from an MTA that does not read, and goes on when it does", async () => {
    const reply: Response = { kind: "reply", code: "550", enhanced: "5.7.1", lines: ["x".repeat(450)] };
    const one = await rig({ rcpt: () => reply });
    const socket = await one.raw();
    socket.pause();
    const rcpts = 20_000;
    socket.write(
      Buffer.concat([
        command.negotiate(MODERN_OFFER),
        command.connect({ hostname: "h", family: "unknown", port: 0, address: "" }),
        command.mail("<>"),
        ...Array.from({ length: rcpts }, () => command.rcpt("<b@c.test>")),
      ]),
    );
    const seen = (): number => one.handlers[0]?.calls.length ?? 0;
    await until("begun", () => seen() > 3);
    // With nobody reading, the handler is asked no further than the buffers go.
    let before = -1;
    while (before !== seen()) {
      before = seen();
      await sleep(50);
    }
    assert.ok(before < rcpts, `${before} asked`);
    let received = 0;
    socket.on("data", (chunk: Buffer) => {
      received += chunk.length;
    });
    socket.resume();
    await until("all asked", () => seen() === rcpts + 3);
    await until("all answered", () => received > rcpts * 460);
    socket.destroy();
  });

  it("pauses an MTA that runs ahead of an outstanding answer", async () => {
    const one = await rig({ mail: () => LATER });
    const socket = await one.raw();
    socket.write(
      Buffer.concat([
        command.negotiate(MODERN_OFFER),
        command.connect({ hostname: "h", family: "unknown", port: 0, address: "" }),
        command.mail("<>"),
      ]),
    );
    const body = command.body(Buffer.alloc(60_000));
    for (let i = 0; i < 100; i++) socket.write(body);
    await until("asked", () => one.handlers[0]?.calls.at(-1) === "mail <>");
    await sleep(50);
    // Six megabytes are held back by the socket, not taken in and not an error.
    assert.deepEqual(one.events, []);
    assert.ok(socket.writableLength > 1_000_000);
    one.resumes[0]?.(CONTINUE);
    await until("taken", () => socket.writableLength === 0);
    socket.destroy();
  });

  it("survives errors of accept, and tells them at once and then as a sum", async (t) => {
    const listens = t.mock.method(Server.prototype, "listen");
    const one = await rig({}, { reportIntervalMs: 100 });
    const listener = listens.mock.calls[0]?.this as Server | undefined;
    const error = Object.assign(new Error("accept EMFILE"), { code: "EMFILE" });
    for (let i = 0; i < 3; i++) listener?.emit("error", error);
    assert.deepEqual(one.events, [{ event: "accept-error", count: 1, code: "EMFILE" }]);
    await until("told again", () => one.events.length === 2);
    assert.deepEqual(one.events[1], { event: "accept-error", count: 2, code: "EMFILE" });
    assert.equal((await (await one.player()).connect(CLIENT)).kind, "continue");
  });

  it("stands a burst of 1,000 connects", async () => {
    const one = await rig({}, { maxConnections: 50 });
    const sockets: Socket[] = [];
    for (let i = 0; i < 1000; i++) {
      const socket = netConnect(one.path);
      socket.on("error", () => {});
      sockets.push(socket);
    }
    await until("all dealt with", () => {
      const { accepted, refused } = one.server.statistics();
      return accepted + refused === 1000;
    });
    assert.equal(one.server.statistics().open, 50);
    for (const socket of sockets) socket.destroy();
    await until("gone", () => one.server.statistics().open === 0);
    const mta = await one.player();
    assert.equal((await mta.connect(CLIENT)).kind, "continue");
  });
});

describe("MilterServer, drain", () => {
  afterEach(async () => {
    for (const one of rigs.splice(0)) await one.stop();
  });

  it("closes idle connections, lets a message in hand finish, and takes no other", async () => {
    const one = await rig({ endOfMessage: () => ({ edits: [], response: ACCEPT }) });
    const idle = await one.player();
    await idle.connect(CLIENT);
    const busy = await one.player();
    await busy.connect(CLIENT);
    await busy.mail("<a@a.test>");
    const drained = one.server.drain(60_000);
    assert.equal(await idle.receive(), undefined);
    await assert.rejects(one.player());
    await busy.rcpt("<b@c.test>");
    assert.equal((await busy.endOfMessage()).verdict.kind, "accept");
    assert.equal(await busy.receive(), undefined);
    await drained;
    assert.equal(one.server.statistics().open, 0);
    assert.deepEqual(
      one.handlers.map(({ calls }) => calls.at(-1)),
      ["close", "close"],
    );
  });

  it("waits for an answer that comes later", async () => {
    const one = await rig({ mail: () => LATER });
    const mta = await one.player();
    await mta.connect(CLIENT);
    const verdict = mta.mail("<a@a.test>");
    await until("asked", () => one.handlers[0]?.calls.at(-1)?.startsWith("mail") === true);
    const drained = one.server.drain(60_000);
    one.resumes[0]?.(ACCEPT);
    assert.equal((await verdict).kind, "accept");
    await drained;
  });

  it("gives up when its time is over", async () => {
    const one = await rig({ mail: () => LATER });
    const mta = await one.player();
    await mta.connect(CLIENT);
    void mta.mail("<a@a.test>").catch(() => {});
    await until("asked", () => one.handlers[0]?.calls.at(-1)?.startsWith("mail") === true);
    await one.server.drain(50);
    assert.equal(one.server.statistics().open, 0);
    assert.equal(one.handlers[0]?.calls.at(-1), "close");
  });

  it("resolves at once where nothing is open, and again when asked again", async () => {
    const one = await rig();
    await one.server.drain(60_000);
    await one.server.drain(60_000);
  });
});
