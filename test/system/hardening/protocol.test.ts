import assert from "node:assert/strict";
import { createConnection, type Socket } from "node:net";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { command, MODERN_OFFER, packet } from "../../support/mta-codec.ts";
import { MtaPlayer, openSocket } from "../../support/mta-player.ts";
import { type Nameserver, startNameserver } from "../../support/nameserver/index.ts";
import { Installed, lives, until } from "../smf-spf/installed.ts";

const LIMIT = 1_048_576;
const CONNECT = command.connect({ hostname: "mail.test", family: "inet", port: 25, address: "192.0.2.9" });
const START = [command.negotiate(MODERN_OFFER), CONNECT, command.helo("mail.test")];
const MAIL = [...START, command.mail("<a@pass.test>")];

/** Four octets of length, and what follows them. */
function announced(length: number, rest = ""): Buffer {
  const bytes = Buffer.alloc(4 + rest.length);
  bytes.writeUInt32BE(length, 0);
  bytes.write(rest, 4, "latin1");
  return bytes;
}

/** What an attacker at the socket sends, and the code of the error that closes the connection. */
const BROKEN: readonly [what: string, bytes: readonly Buffer[], code: string][] = [
  ["a packet of length 0", [announced(0)], "packet-empty"],
  ["a packet of length 0 inside a session", [...START, announced(0)], "packet-empty"],
  ["a packet of length 1 that is none", [announced(1, "\0")], "command-unknown"],
  ["one octet over the limit", [announced(LIMIT + 1)], "packet-too-long"],
  ["2\u00b3\u00b2-1 octets", [announced(0xffffffff)], "packet-too-long"],
  ["2\u00b3\u00b9 octets", [...START, announced(0x80000000)], "packet-too-long"],
  ["SMTP", [Buffer.from("EHLO mail.test\r\n")], "packet-too-long"],
  ["TLS", [Buffer.from("1603010200010001fc0303", "hex")], "packet-too-long"],
  ["a command before the negotiation", [CONNECT], "negotiation-missing"],
  ["a truncated negotiation", [packet(0x4f, "\0\0\0\x06")], "negotiation-malformed"],
  ["version 1", [command.negotiate({ ...MODERN_OFFER, version: 1 })], "version-unsupported"],
  ["HELO without a client", [START[0]!, command.helo("mail.test")], "command-out-of-order"],
  ["MAIL without a client", [START[0]!, command.mail("<a@pass.test>")], "command-out-of-order"],
  ["CONNECT twice", [...START, CONNECT], "command-out-of-order"],
  ["RCPT without MAIL", [...START, command.rcpt("<b@c.test>")], "command-out-of-order"],
  ["a header before MAIL", [...START, packet(0x4c, "Subject\0x\0")], "command-out-of-order"],
  ["end of message before MAIL", [...START, packet(0x45)], "command-out-of-order"],
  ["a negotiation in the middle", [...MAIL, START[0]!], "command-out-of-order"],
  ["a response letter as a command", [...START, packet(0x79, "550 no\0")], "command-unknown"],
  ["HELO without NUL", [START[0]!, CONNECT, packet(0x48, "mail.test")], "string-unterminated"],
  ["HELO without anything", [START[0]!, CONNECT, packet(0x48)], "argument-missing"],
  ["MAIL without NUL", [...START, packet(0x4d, "<a@pass.test>")], "string-unterminated"],
  ["MAIL without anything", [...START, packet(0x4d)], "argument-missing"],
  ["RCPT with 1,000 parameters", [...MAIL, packet(0x52, "<b@c.test>\0".repeat(1001))], "arguments-too-many"],
  ["a header without a value", [...MAIL, packet(0x4c, "Subject\0")], "argument-missing"],
  ["a header without NUL", [...MAIL, packet(0x4c, "Subject\0x")], "string-unterminated"],
  ["CONNECT without NUL", [START[0]!, packet(0x43, "mail.test")], "string-unterminated"],
  ["CONNECT of no family", [START[0]!, packet(0x43, "mail.test\0")], "connect-malformed"],
  ["CONNECT of an unknown family", [START[0]!, packet(0x43, "mail.test\0X\0\x19x\0")], "connect-malformed"],
  ["CONNECT cut off before its port", [START[0]!, packet(0x43, "mail.test\x004\0")], "connect-malformed"],
  ["an address without NUL", [START[0]!, packet(0x43, "m\x004\0\x19192.0.2.1")], "string-unterminated"],
  ["macros of no stage", [START[0]!, packet(0x44)], "macros-malformed"],
  ["macros without NUL", [START[0]!, packet(0x44, "Cj\0mx")], "string-unterminated"],
  ["macros of 70,000 octets", [START[0]!, packet(0x44, `C${"j\0x\0".repeat(17_500)}`)], "macros-too-long"],
];

describe("the daemon and whoever reaches its socket", () => {
  let installed: Installed;
  let nameserver: Nameserver;
  let pid = 0;

  before(async () => {
    installed = new Installed();
    nameserver = await startNameserver({
      "pass.test": [{ TXT: "v=spf1 ip4:192.0.2.0/24 -all" }],
      "fail.test": [{ TXT: "v=spf1 -all" }],
      "slow.test": ["TIMEOUT"],
    });
    installed.configure(
      `Nameserver 127.0.0.1:${nameserver.port}`,
      "MaxConnections 50",
      "Quarantine on",
      "LookupTime 2s",
      "LogFormat detailed",
    );
    pid = (await installed.start()).pid ?? 0;
  });

  after(async () => {
    await installed.close();
    await nameserver.close();
  });

  /** Both verdicts, right and quick: nobody else has come to harm. */
  async function servesOthers(mta: MtaPlayer): Promise<void> {
    const recipients = ["<b@c.test>"];
    assert.equal((await mta.message({ from: "<a@fail.test>", recipients })).verdict.kind, "reply");
    assert.equal((await mta.message({ from: "<a@pass.test>", recipients })).verdict.kind, "continue");
  }

  const errorsLogged = (): string[] => installed.logLines().filter((line) => line.includes(" closed: "));

  /** Sends octets and waits for the other side to close. */
  async function sendUntilClosed(bytes: Buffer): Promise<void> {
    const socket = createConnection(installed.socket);
    socket.on("error", () => undefined);
    socket.resume();
    socket.write(bytes);
    await until("the end of the connection", () => socket.closed);
  }

  it("closes that connection alone, with one line that names the error, for every broken packet", async () => {
    const bystander = await installed.mta();
    for (const [what, bytes, code] of BROKEN) {
      const before = errorsLogged().length;
      await sendUntilClosed(Buffer.concat(bytes));
      await until(`the line about ${what}`, () => errorsLogged().length > before);
      const lines = errorsLogged().slice(before);
      assert.equal(lines.length, 1, what);
      assert.match(lines[0] ?? "", new RegExp(`\\(${code}\\)$`), what);
    }
    await servesOthers(bystander);
    bystander.quit();
    assert.equal(lives(pid), true);
  });

  it("ends quietly with whoever hangs up in the middle of a packet or a message", async () => {
    const before = errorsLogged().length;
    const whole = Buffer.concat([...MAIL, command.rcpt("<b@c.test>"), packet(0x4c, "Subject\0x\0")]);
    const ends = Array.from({ length: whole.length }, (_, end) => end);
    for (let at = 0; at < ends.length; at += 20) {
      await Promise.all(
        ends.slice(at, at + 20).map(async (end) => {
          const wire = await openSocket(installed.socket);
          wire.write(whole.subarray(0, end));
          await delay(1);
          wire.close();
        }),
      );
    }
    const mta = await installed.mta();
    await servesOthers(mta);
    mta.quit();
    assert.equal(errorsLogged().length, before);
  });

  it("serves a session that comes one octet at a time", async () => {
    const socket = createConnection({ path: installed.socket });
    let received = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => (received = Buffer.concat([received, chunk])));
    const session = Buffer.concat([
      ...START,
      command.mail("<a@fail.test>"),
      packet(0x41),
      command.mail("<a@pass.test>"),
      packet(0x45),
      packet(0x51),
    ]);
    for (const octet of session) {
      socket.write(Buffer.of(octet));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until("the end of the connection", () => socket.closed);
    assert.match(received.toString("latin1"), /y550 5\.7\.23 .*Authentication-Results\0.*spf=pass/s);
  });

  it("takes ten thousand macros, a header of a megabyte and ten thousand recipients", async () => {
    const mta = await installed.mta();
    const macros = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`{m${i}}`, ""]));
    const { verdict, edits } = await mta.message({
      from: "<a@pass.test>",
      recipients: Array.from({ length: 10_000 }, (_, i) => `<u${i}@c.test>`),
      headers: [
        ["Subject", "x".repeat(LIMIT - 20)],
        ["Authentication-Results", `mx.example.test; spf=pass ${"(".repeat(LIMIT - 60)}`],
      ],
      macros: { mail: macros },
    });
    assert.equal(verdict.kind, "continue");
    assert.ok(edits.some((edit) => edit.kind === "changeHeader" && edit.name === "Authentication-Results"));
    await servesOthers(mta);
    mta.quit();
  });

  it("reads on where peers read nothing, say nothing or wait, and lets them go", async () => {
    const idle: Socket[] = [];
    for (let i = 0; i < 30; i++) {
      const socket = createConnection(installed.socket);
      socket.on("error", () => undefined);
      idle.push(socket.pause());
      if (i % 3 === 0) continue;
      // Commands that are answered, by the thousand, and nobody reads the answers.
      socket.write(Buffer.concat(START));
      const flood = i % 3 === 1 ? packet(0x55, "XYZ\0") : command.mail("<a@slow.test>");
      socket.write(Buffer.concat(Array.from({ length: 20_000 }, () => flood)));
    }
    await delay(100);
    const mta = await installed.mta();
    await servesOthers(mta);
    mta.quit();
    for (const socket of idle) socket.destroy();
  });

  it("closes those over MaxConnections at once, says so once, and serves the others", async () => {
    const bystander = await installed.mta();
    const connections = 5_000;
    let ended = 0;
    const sockets: Socket[] = [];
    for (let i = 0; i < connections; i++) {
      const socket = createConnection(installed.socket);
      // A full backlog refuses at once, as it does an MTA.
      socket.on("error", () => undefined);
      socket.on("close", () => ended++);
      socket.resume();
      sockets.push(socket);
    }
    await until("most are closed", () => ended >= connections - 50);
    await servesOthers(bystander);
    bystander.quit();
    for (const socket of sockets) socket.destroy();
    await until("all are closed", () => ended === connections);
    const mta = await installed.mta();
    await servesOthers(mta);
    mta.quit();
    const told = installed.logLines().filter((line) => line.includes("MaxConnections is 50"));
    assert.equal(told.length, 1, told.join("\n"));
    assert.equal(lives(pid), true);
  });

  it("has had no error of its own in all of this", () => {
    assert.deepEqual(
      installed.logLines().filter((line) => /^(error |unexpected |reload)|internal error/.test(line)),
      [],
    );
  });
});
