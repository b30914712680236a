import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { after, afterEach, before, describe, it } from "node:test";
import { command, MODERN_OFFER } from "../../support/mta-codec.ts";
import { MtaPlayer, openSocket } from "../../support/mta-player.ts";
import { type Nameserver, type ReceivedQuestion, startNameserver } from "../../support/nameserver/index.ts";
import { Installed, lives, until } from "../smf-spf/installed.ts";

const LONG_RECORD = `v=spf1 -all x=${"a".repeat(50_000)}`;

/** The character-strings of a text, each of so many octets at most. */
function characterStrings(text: string, octets: number): Buffer {
  const strings: Buffer[] = [];
  for (let at = 0; at < text.length; at += octets) {
    const piece = Buffer.from(text.slice(at, at + octets));
    strings.push(Buffer.of(piece.length), piece);
  }
  return Buffer.concat(strings);
}

/** An answer with these records in one datagram, made by hand: there are to be thousands. */
function answerWith({ id, questionSection }: ReceivedQuestion, type: number, ...records: Buffer[]): Buffer {
  const head = Buffer.from([0, 0, 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0]);
  head.writeUInt16BE(id, 0);
  head.writeUInt16BE(records.length, 6);
  const written = records.flatMap((data) => {
    const record = Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 14, 16, 0, 0]);
    record.writeUInt16BE(data.length, 10);
    return [record, data];
  });
  return Buffer.concat([head, questionSection, ...written]);
}

const TYPE = { MX: 15, TXT: 16 } as const;
const NINE = Array.from({ length: 9 }, (_, i) => i);
/** A name of as many labels as there can be. */
const DEEP_NAME = Buffer.concat([...Array.from({ length: 125 }, () => Buffer.from("\x01a")), Buffer.of(0)]);

/** What a hostile zone fills a cache with: by the last label but one of its names. */
const HOSTILE: Readonly<Record<string, (question: ReceivedQuestion) => Buffer>> = {
  long: (question) => answerWith(question, TYPE.TXT, characterStrings(LONG_RECORD, 255)),
  // The directives after the include are asked for early, and then not needed.
  deep: (question) =>
    question.type === "MX"
      ? answerWith(question, TYPE.MX, ...NINE.map((i) => Buffer.concat([Buffer.of(0, i), DEEP_NAME])))
      : answerWith(question, TYPE.TXT, early(question, "mx")),
  pieces: (question) =>
    question.name.startsWith("early")
      ? answerWith(question, TYPE.TXT, characterStrings("x".repeat(15_000), 1))
      : answerWith(question, TYPE.TXT, early(question, "include")),
  explained: (question) =>
    answerWith(
      question,
      TYPE.TXT,
      characterStrings(
        question.name.startsWith("why") ? "x".repeat(60_000) : `v=spf1 exp=why.${question.name} -all`,
        255,
      ),
    ),
};

function early({ name }: ReceivedQuestion, mechanism: string): Buffer {
  const terms = NINE.map((i) => `${mechanism}:early${i}.${name}`).join(" ");
  return characterStrings(`v=spf1 include:late.pass.test ${terms} -all`, 255);
}

/** Whether a process has the full disk open. */
function holdsFull(pid: number): boolean {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).some((fd) => {
    try {
      return readlinkSync(`${folder}/${fd}`) === "/dev/full";
    } catch {
      return false;
    }
  });
}

describe("the daemon, when something fails", () => {
  let installed: Installed;
  let nameserver: Nameserver;

  before(async () => {
    installed = new Installed();
    nameserver = await startNameserver(
      {
        "*.pass.test": [{ TXT: "v=spf1 ip4:192.0.2.0/24 -all" }],
        "*.fail.test": [{ TXT: "v=spf1 -all" }],
        "*.slow.test": ["TIMEOUT"],
        "late.pass.test": [{ TXT: "v=spf1 +all", ttl: 0 }],
      },
      {
        intercept: (question) => {
          const [zone = ""] = question.name.split(".").slice(-2);
          const answer = HOSTILE[zone]?.(question);
          return answer === undefined ? "normal" : [answer];
        },
        delayMs: ({ name }) => (name === "late.pass.test" ? 20 : 0),
      },
    );
  });

  afterEach(() => installed.killAll());

  after(async () => {
    await installed.close();
    await nameserver.close();
  });

  async function start(lines: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Promise<ChildProcess> {
    rmSync(installed.log, { force: true });
    installed.configure(`Nameserver 127.0.0.1:${nameserver.port}`, ...lines);
    return installed.start([], env);
  }

  const recipients = ["<b@c.test>"];
  async function servesRightly(mta: MtaPlayer, name: string): Promise<void> {
    const fail = await mta.message({ from: `<a@${name}.fail.test>`, recipients });
    assert.match(fail.verdict.kind === "reply" ? fail.verdict.text : fail.verdict.kind, /^550.5\.7\.23/);
    const pass = await mta.message({ from: `<a@${name}.pass.test>`, recipients });
    assert.ok(pass.edits.some((edit) => edit.kind === "insertHeader" && edit.value.includes("spf=pass")));
  }

  const STAGES: readonly [stage: string, play: (mta: MtaPlayer) => unknown][] = [
    ["between messages", () => undefined],
    ["while a verdict is outstanding", (mta) => mta.mail("<a@x.slow.test>").catch(() => undefined)],
    ["after MAIL", (mta) => mta.mail("<a@x.pass.test>")],
    [
      "in the header",
      async (mta) => {
        await mta.mail("<a@x.pass.test>");
        await mta.header("Subject", "x");
      },
    ],
    ["after a refusal", (mta) => mta.mail("<a@x.fail.test>")],
  ];

  it("starts again after kill -9 at any stage, over what is left, and gives right verdicts", async () => {
    for (const [stage, play] of STAGES) {
      const child = await start();
      const mta = await installed.mta();
      const played = play(mta);
      if (stage !== "while a verdict is outstanding") await played;
      child.kill("SIGKILL");
      await until("the end", () => !lives(child.pid ?? 0));
      await played;
      mta.hangUp();
      await start();
      const next = await installed.mta();
      await servesRightly(next, "again");
      next.quit();
      await installed.killAll();
    }
  });

  it("serves on while its log is on a full disk", async () => {
    const daemon = await start();
    installed.configure(`Nameserver 127.0.0.1:${nameserver.port}`);
    const configuration = readFileSync(installed.config, "latin1").replace(installed.log, "/dev/full");
    writeFileSync(installed.config, configuration);
    daemon.kill("SIGHUP");
    await until("the full disk in use", () => holdsFull(daemon.pid ?? 0));
    const mta = await installed.mta();
    for (let i = 0; i < 200; i++) await servesRightly(mta, `full${i}`);
    mta.quit();
  });

  // Each is more than the heap could hold.
  for (const [zone, what, messages] of [
    ["long", "long records", 125],
    ["deep", "names of many labels", 125],
    // The name server takes its time to make these, and each would hold on to half a megabyte.
    ["pieces", "texts in many pieces", 10],
    ["explained", "long explanations", 125],
  ] as const) {
    it(`stays within a small heap, whatever a hostile zone fills its caches with: ${what}`, async () => {
      const child = await start(["LogLevel notice"], { NODE_OPTIONS: "--max-old-space-size=48" });
      const mtas = await Promise.all(Array.from({ length: 16 }, () => installed.mta()));
      await Promise.all(
        mtas.map(async (mta, at) => {
          for (let i = 0; i < messages; i++) {
            await mta.message({ from: `<a@n${i}.c${at}.${zone}.test>`, recipients });
          }
          mta.quit();
        }),
      );
      assert.equal(lives(child.pid ?? 0), true);
      const mta = await installed.mta();
      await servesRightly(mta, "heap");
      mta.quit();
    });
  }

  it("stays within a small heap, whatever clients are called whose verdicts are in use", async () => {
    const child = await start(["LogLevel notice"], { NODE_OPTIONS: "--max-old-space-size=48" });
    // Together twice what the heap could hold.
    for (let i = 100; i < 200; i++) {
      const mta = new MtaPlayer(await openSocket(installed.socket));
      await mta.connect({ hostname: "h".repeat(1_000_000), address: `198.100.100.${i}` });
      for (let times = 0; times < 4; times++) await mta.mail("<a@in-use.fail.test>");
      mta.quit();
    }
    assert.equal(lives(child.pid ?? 0), true);
    const mta = await installed.mta();
    await servesRightly(mta, "called");
    mta.quit();
  });

  it("stays within a small heap, whatever parameters come with recipients that are kept", async () => {
    const child = await start(["LogLevel notice", "WhitelistTo friend@c.test"], {
      NODE_OPTIONS: "--max-old-space-size=48",
    });
    const mta = await installed.mta();
    await mta.mail("<somebody@crowd.pass.test>");
    const parameters = [`X=${"p".repeat(1_000_000)}`];
    // Together twice what the heap could hold.
    for (let i = 0; i < 100; i++) await mta.rcpt(`<recipient${i}@c.test>`, parameters);
    assert.equal(lives(child.pid ?? 0), true);
    mta.quit();
    const next = await installed.mta();
    await servesRightly(next, "parameters");
    next.quit();
  });

  it("stays within a small heap, whatever a crowd leaves unfinished at the socket", async () => {
    // Exempt recipients have to be known, so all of them are kept.
    const child = await start(["LogLevel notice", "WhitelistTo friend@c.test"], {
      NODE_OPTIONS: "--max-old-space-size=48",
    });
    const envelope = Buffer.concat([
      command.negotiate(MODERN_OFFER),
      command.connect({ hostname: "h.test", family: "inet", port: 25, address: "192.0.2.1" }),
      command.helo("h.test"),
      command.mail("<a@crowd.pass.test>"),
      ...Array.from({ length: 9_000 }, (_, i) => command.rcpt(`<${"r".repeat(60)}${i}@c.test>`)),
    ]);
    // Together five times what the heap could hold.
    const crowd = Array.from({ length: 40 }, () => {
      const socket = createConnection(installed.socket);
      socket.on("error", () => undefined);
      socket.write(envelope);
      return socket.resume();
    });
    await until("some deferred", () =>
      installed
        .logLines()
        .some((line) => line.startsWith("messages deferred with 452 4.3.1 because of what they held")),
    );
    await until("an end", () => crowd.every(({ writableLength }) => writableLength === 0));
    assert.equal(lives(child.pid ?? 0), true);
    const mta = await installed.mta();
    await servesRightly(mta, "crowd");
    mta.quit();
    for (const socket of crowd) socket.destroy();
  });

  it("serves again after a lack of descriptors, over DNS too", async () => {
    installed.configure(`Nameserver 127.0.0.1:${nameserver.port}`, "DNSTimeout 1s", "DNSTries 1");
    rmSync(installed.log, { force: true });
    installed.spawn(
      ["-c", 'ulimit -n 48 && exec "$@"', "sh", installed.program, "-f", "-c", installed.config],
      { program: "/bin/sh", stdio: "ignore" },
    );
    await until("the daemon", () => installed.logLines().some((line) => line.includes("started")));
    const patient = await installed.mta();
    let gone = 0;
    const crowd = Array.from({ length: 100 }, () => {
      const socket = createConnection(installed.socket);
      socket.on("error", () => undefined);
      socket.on("close", () => gone++);
      return socket.resume();
    });
    await until("the lack", () => gone >= 100 - 48);
    // A socket for a question may or may not be had now: a temperror is right too, and nothing else.
    const { verdict, edits } = await patient.message({ from: "<a@crowd.fail.test>", recipients });
    const told = edits.flatMap((edit) => (edit.kind === "insertHeader" ? [edit.value] : [])).join();
    assert.ok(verdict.kind === "reply" || /spf=temperror/.test(told), told);
    for (const socket of crowd) socket.destroy();
    await until("the end of the crowd", () => gone === 100);
    // The daemon hears of it a moment later.
    let tries = 0;
    await until("a right verdict", async () => {
      const again = await patient.message({ from: `<a@after${tries++}.fail.test>`, recipients });
      return again.verdict.kind === "reply";
    });
    await servesRightly(patient, "after");
    patient.quit();
  });
});
