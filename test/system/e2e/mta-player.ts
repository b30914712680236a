/** Plays scenarios to a real MTA with the shipped daemon behind it. */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Nameserver, startNameserver } from "../../support/nameserver/index.ts";
import { SmtpClient, SmtpConnectionLost, type SmtpReply } from "../../support/smtp-client.ts";
import type { Observation } from "../scenario/observation.ts";
import { type Player, playSteps, type SmtpPeer } from "../scenario/play.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { ScenarioDaemon } from "../scenario/scenario-daemon.ts";
import { TLS } from "./certificates.ts";
import { documentedLine } from "./documented-line.ts";
import { emptyMailboxes, readMailboxes } from "./mailbox.ts";
import type { Mta } from "./mta.ts";
import { MTA_IPV4, MTA_IPV6, NAMESERVER, RIG, run } from "./namespace.ts";
import { ACCOUNT } from "./sasl.ts";
import { Syslog } from "./syslog.ts";

/** The way for user postfix to the socket; Sendmail is root and needs none. */
const ACCESS: Record<Mta["name"], { settings: string; socketMode: number }> = {
  sendmail: { settings: "", socketMode: 0o600 },
  postfix: {
    settings: `${documentedLine("postfix.md", "SocketGroup ")}\n${documentedLine("postfix.md", "SocketMode ")}\n`,
    socketMode: 0o660,
  },
};

export const SOCKET = "/var/run/smfs/smf-spf.sock";
export const PID_FILE = "/var/run/smfs/smf-spf.pid";
const FOLDER = join(RIG, "smf-spf");

/** Name server, system log and MTA, for one MTA at a time. */
export class MtaPlayer implements Player {
  #mta: Mta;
  readonly nameserver: Nameserver;
  readonly syslog: Syslog;
  readonly daemon: ScenarioDaemon;

  private constructor(mta: Mta, nameserver: Nameserver, syslog: Syslog) {
    this.#mta = mta;
    this.nameserver = nameserver;
    this.syslog = syslog;
    this.daemon = new ScenarioDaemon(
      { folder: FOLDER, socket: SOCKET, pidFile: PID_FILE, ...ACCESS[mta.name] },
      {
        skip: () => {
          syslog.skip();
        },
        lines: () =>
          syslog.lines("smf-spf").map(({ severity, text }) => ({ level: severityName(severity), text })),
      },
    );
  }

  static async open(startMta: () => Promise<Mta>): Promise<MtaPlayer> {
    const nameserver = await startNameserver(
      {},
      { address: NAMESERVER, port: 53, ttlSeconds: 0, negativeTtlSeconds: 0 },
    );
    let syslog: Syslog | undefined;
    try {
      syslog = await Syslog.start();
      // The folder is the package's: smfs may remove its socket there, and Sendmail finds nothing unsafe.
      mkdirSync("/var/run/smfs", { recursive: true, mode: 0o755 });
      run("chown", "smfs:smfs", "/var/run/smfs");
      return new MtaPlayer(await startMta(), nameserver, syslog);
    } catch (error) {
      await syslog?.stop();
      await nameserver.close();
      throw error;
    }
  }

  get mta(): Mta {
    return this.#mta;
  }

  /** Stops the MTA and starts it again; the daemon is left alone. */
  async restartMta(startMta: () => Promise<Mta>): Promise<void> {
    await this.#mta.stop();
    this.#mta = await startMta();
  }

  async close(): Promise<void> {
    await this.mta.stop();
    await this.daemon.stop();
    await this.syslog.stop();
    await this.nameserver.close();
  }

  async play(scenario: Scenario): Promise<Observation> {
    this.nameserver.setZone(scenario.zone);
    await this.daemon.serve(scenario);
    emptyMailboxes();
    this.mta.forgetHeld();
    const exchanges = await playSteps(scenario.steps, new RealPeer(this.mta));
    return {
      exchanges,
      delivered: readMailboxes(),
      held: this.mta.held(),
      log: await this.daemon.mailLog(scenario),
      notes: this.syslog.lines(this.mta.name).map(({ severity, text }) => `${severity} ${text}`),
    };
  }
}

/** rsyslog's short names are not the daemon's. */
function severityName(severity: string): string {
  return { err: "error" }[severity] ?? severity;
}

/** One client of the real MTA. */
export class RealPeer implements SmtpPeer {
  readonly #mta: Mta;
  #client: SmtpClient | undefined;
  /** What goes out with the next write, and what has gone out ahead of its turn. */
  #along: readonly string[] = [];
  #sent: string[] = [];

  constructor(mta: Mta) {
    this.#mta = mta;
  }

  async connect(address: string): Promise<SmtpReply | undefined> {
    const host = address.includes(":") ? MTA_IPV6 : MTA_IPV4;
    const client = await SmtpClient.connect({ host, port: this.#mta.port, localAddress: address });
    this.#client = client;
    return this.#ask(() => client.reply());
  }

  async command(line: string): Promise<SmtpReply | undefined> {
    const reply = await this.#ask((client) => {
      if (this.#sent.shift() === undefined) client.write(`${line}\r\n${this.#takeAlong()}`);
      return client.reply();
    });
    return reply === undefined || this.#mta.name !== "sendmail" ? reply : withoutEcho(line, reply);
  }

  sendAlong(lines: readonly string[]): void {
    this.#along = lines;
  }

  /** The next message waits until this one is delivered: mailboxes keep the order. */
  async message(lines: readonly string[]): Promise<SmtpReply | undefined> {
    const reply = await this.#ask((client) => client.message(lines, this.#takeAlong()));
    await this.#mta.settled();
    return reply;
  }

  async unfinished(lines: readonly string[]): Promise<void> {
    await this.#client?.flush(lines.map((line) => `${line}\r\n`).join(""));
    await this.drop();
  }

  startTls(certificate: boolean): Promise<SmtpReply | undefined> {
    const files = certificate
      ? { cert: readFileSync(TLS.certificate("client")), key: readFileSync(TLS.key("client")) }
      : undefined;
    return this.#ask((client) => client.startTls(files));
  }

  authenticate(): Promise<SmtpReply | undefined> {
    return this.#ask((client) => client.authenticate(ACCOUNT.user, ACCOUNT.password));
  }

  drop(): Promise<void> {
    this.#client?.drop();
    this.#client = undefined;
    this.#along = [];
    this.#sent = [];
    return Promise.resolve();
  }

  #takeAlong(): string {
    this.#sent = [...this.#along];
    this.#along = [];
    return this.#sent.map((line) => `${line}\r\n`).join("");
  }

  async #ask(what: (client: SmtpClient) => Promise<SmtpReply>): Promise<SmtpReply | undefined> {
    const client = this.#client;
    if (client === undefined) return undefined;
    try {
      return await what(client);
    } catch (error) {
      if (error instanceof SmtpConnectionLost) return undefined;
      throw error;
    }
  }
}

/** Sendmail repeats the address before the words of a reply to MAIL and RCPT. */
function withoutEcho(command: string, { code, lines }: SmtpReply): SmtpReply {
  const path = /^(?:MAIL FROM|RCPT TO): ?(.*)$/is.exec(command)?.[1];
  const [first = "", ...others] = lines;
  const [, enhanced = "", words = ""] = /^(\d\.\d+\.\d+ |)(.*)$/s.exec(first) ?? [];
  const echo = words.indexOf("... ");
  if (path === undefined || echo < 0 || !path.startsWith(words.slice(0, echo))) return { code, lines };
  return { code, lines: [enhanced + words.slice(echo + 4), ...others] };
}
