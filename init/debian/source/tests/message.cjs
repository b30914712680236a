#!/usr/bin/env node
// Plays a message that fails and one that passes through the installed daemon, as an MTA does. No DNS is asked: the
// records are in the configuration. SMF_SPF names another program than the installed one.
const assert = require("node:assert/strict");
const { spawn } = require("node:child_process");
const { mkdtempSync, existsSync, rmSync, writeFileSync, chmodSync } = require("node:fs");
const { connect } = require("node:net");
const { tmpdir } = require("node:os");
const { join } = require("node:path");

const program = process.env.SMF_SPF ?? "/usr/sbin/smf-spf";
const user = process.env.SMF_SPF_USER ?? "smfs";
const directory = mkdtempSync(join(tmpdir(), "smf-spf-"));
const socketPath = join(directory, "run", "socket");
chmodSync(directory, 0o755);
const configuration = join(directory, "smf-spf.conf");
writeFileSync(
  configuration,
  [
    `User ${user}`,
    `Socket unix:${socketPath}`,
    `PidFile ${join(directory, "run", "pid")}`,
    "Syslog none",
    "Nameserver 127.0.0.1:9",
    "OverrideRecord fail.example v=spf1 -all",
    "OverrideRecord pass.example v=spf1 ip4:192.0.2.1 -all",
    "",
  ].join("\n"),
);

const packet = (command, data = "") => {
  const body = Buffer.isBuffer(data) ? data : Buffer.from(data, "latin1");
  const head = Buffer.alloc(5);
  head.writeUInt32BE(body.length + 1);
  head.write(command, 4, "latin1");
  return Buffer.concat([head, body]);
};

/** The answers to packets sent one after the other, each as its letter and text. */
class Session {
  constructor(socket) {
    this.socket = socket;
    this.buffer = Buffer.alloc(0);
    this.waiting = [];
    socket.on("data", (chunk) => {
      this.buffer = Buffer.concat([this.buffer, chunk]);
      while (this.buffer.length >= 5 && this.buffer.length >= 4 + this.buffer.readUInt32BE()) {
        const end = 4 + this.buffer.readUInt32BE();
        const answer = this.buffer.toString("latin1", 4, end);
        this.buffer = this.buffer.subarray(end);
        this.waiting.shift()?.(answer);
      }
    });
  }

  ask(...args) {
    const answer = new Promise((resolve) => this.waiting.push(resolve));
    this.socket.write(packet(...args));
    return answer;
  }
}

async function answerTo(sender) {
  const socket = connect(socketPath);
  await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  const session = new Session(socket);
  const offer = Buffer.alloc(12);
  offer.writeUInt32BE(2, 0);
  offer.writeUInt32BE(0x3f, 4);
  // No command may be left out, so each is answered.
  offer.writeUInt32BE(0, 8);
  await session.ask("O", offer);
  await session.ask("C", "mail.pass.example\x004\x00\x19192.0.2.1\0");
  await session.ask("H", "mail.pass.example\0");
  const answer = await session.ask("M", `<${sender}>\0`);
  socket.destroy();
  return answer;
}

async function main() {
  const daemon = spawn(process.execPath, [program, "-f", "-c", configuration], { stdio: ["ignore", "inherit", "inherit"] });
  try {
    for (let i = 0; i < 200 && !existsSync(socketPath); i++) await new Promise((done) => setTimeout(done, 50));
    assert.match(await answerTo("someone@fail.example"), /^y550 5\.7\.23 /);
    assert.match(await answerTo("someone@pass.example"), /^[ca]/);
    console.log("a message that fails was refused, one that passes was accepted");
  } finally {
    daemon.kill("SIGTERM");
    await new Promise((done) => daemon.once("exit", done));
    rmSync(directory, { recursive: true, force: true });
  }
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
