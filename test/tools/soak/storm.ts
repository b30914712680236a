/**
 * Many connections to one daemon for a time, with everything against it at once: a name server that flaps, reloads
 * ten times a second, attackers at the socket. Every verdict is compared with the one that is right.
 */

import { readFileSync } from "node:fs";
import { createConnection } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { MTA_CAPTURES, OWN_CAPTURES, readCaptures } from "../../support/captures.ts";
import { type MessageOutcome, MtaPlayer, openSocket } from "../../support/mta-player.ts";
import { startNameserver } from "../../support/nameserver/index.ts";
import { Installed, until } from "../../system/smf-spf/installed.ts";
import { mutate, Rng } from "../fuzz/rng.ts";
import { LogWatch } from "./log-watch.ts";
import { expectedResults, isFlapping, KINDS, type Kind, NAMES_PER_KIND, STORM_ZONE } from "./storm-zone.ts";

export interface StormOptions {
  readonly seed: number;
  readonly seconds: number;
  readonly connections: number;
  /** Connections that send mutated sessions all the time. */
  readonly attackers: number;
}

export interface StormReport {
  readonly messages: number;
  /** Verdicts by result. */
  readonly results: ReadonlyMap<string, number>;
  readonly wrong: readonly string[];
  readonly reloads: number;
  readonly attacks: number;
  /** Resident memory of the daemon in MiB, twelve times at equal distances; the last is at the end. */
  readonly memoryMiB: readonly number[];
  /** What the daemon has said of itself at the end. */
  readonly counters: readonly string[];
  /** Lines of the log that tell of a fault of the daemon. */
  readonly faults: readonly string[];
}

const RELOAD_MS = 100;
const WATCH_MS = 200;
const SAMPLES = 12;
/** An hour's log is half a gigabyte. */
const LOG_OCTETS_MAX = 32 * 1024 * 1024;
const SESSIONS = [...readCaptures(OWN_CAPTURES), ...readCaptures(MTA_CAPTURES)].map(({ mta }) =>
  Buffer.concat(mta),
);

export async function runStorm(options: StormOptions): Promise<StormReport> {
  const flapping = new Rng(options.seed ^ 0x5bd1e995);
  const nameserver = await startNameserver(STORM_ZONE, {
    negativeTtlSeconds: 1,
    intercept: (question) => (isFlapping(question) && flapping.once(3) ? "drop" : "normal"),
  });
  const installed = new Installed();
  try {
    return await new Storm(options, installed, nameserver.port).run();
  } finally {
    await installed.close();
    await nameserver.close();
  }
}

class Storm {
  readonly #options: StormOptions;
  readonly #installed: Installed;
  readonly #dnsPort: number;
  readonly #end: number;
  readonly #results = new Map<string, number>();
  readonly #wrong: string[] = [];
  #messages = 0;
  #reloads = 0;
  #attacks = 0;

  constructor(options: StormOptions, installed: Installed, dnsPort: number) {
    this.#options = options;
    this.#installed = installed;
    this.#dnsPort = dnsPort;
    this.#end = performance.now() + options.seconds * 1000;
  }

  async run(): Promise<StormReport> {
    const { seed, seconds, connections, attackers } = this.#options;
    this.#configure(0);
    const daemon = await this.#installed.start();
    const pid = daemon.pid ?? 0;
    const rngs = Array.from({ length: connections + attackers }, (_, i) => new Rng(seed + 7919 * (i + 1)));
    const memory: number[] = [];
    const log = new LogWatch({
      path: this.#installed.log,
      isFault: (line) => /^(error|unexpected)\b|old settings stay/.test(line),
      octetsMax: LOG_OCTETS_MAX,
      reopen: () => process.kill(pid, "SIGUSR1"),
    });
    const work = [
      ...rngs.slice(0, connections).map((rng) => this.#connection(rng)),
      ...rngs.slice(connections).map((rng) => this.#attacker(rng)),
      this.#reloader(pid),
      this.#watcher(log),
      this.#sampler(pid, (seconds * 1000) / SAMPLES, memory),
    ];
    await Promise.all(work);
    process.kill(pid, "SIGUSR1");
    await until("the counters", () => {
      log.poll();
      return log.lastLines.at(-1)?.startsWith("memory: ") === true;
    });
    log.close();
    return {
      messages: this.#messages,
      results: this.#results,
      wrong: this.#wrong,
      reloads: this.#reloads,
      attacks: this.#attacks,
      memoryMiB: memory,
      counters: log.lastLines.slice(-5),
      faults: log.faults,
    };
  }

  /** Settings that change nothing about a result: words, formats, and what makes a new engine. */
  #configure(turn: number): void {
    this.#installed.configure(
      `Nameserver 127.0.0.1:${this.#dnsPort}`,
      "DNSTimeout 2s",
      "DNSTries 2",
      "LookupTime 10s",
      "MaxConnections 500",
      "AddReceivedHeader off",
      "RefuseFail off",
      "LogLevel notice",
      `RejectReason turn ${turn % 2}`,
      `Prefetch ${turn % 8 < 4 ? "on" : "off"}`,
      `Tag [${turn % 3}]`,
    );
  }

  async #watcher(log: LogWatch): Promise<void> {
    while (!this.#isOver()) {
      await delay(WATCH_MS);
      log.poll();
    }
  }

  async #sampler(pid: number, everyMs: number, memory: number[]): Promise<void> {
    while (memory.length < SAMPLES) {
      await delay(everyMs);
      memory.push(residentMiB(pid));
    }
  }

  async #reloader(pid: number): Promise<void> {
    while (!this.#isOver()) {
      await delay(RELOAD_MS);
      this.#configure(++this.#reloads);
      process.kill(pid, "SIGHUP");
    }
  }

  #isOver(): boolean {
    return performance.now() >= this.#end;
  }

  /** An MTA that sends one message after another, breaks some off, and comes back. */
  async #connection(rng: Rng): Promise<void> {
    while (!this.#isOver()) {
      const lastOctet = rng.below(256);
      const style = rng.pick(["sendmail", "postfix"] as const);
      const mta = new MtaPlayer(await openSocket(this.#installed.socket), { style, timeoutMs: 60_000 });
      await mta.connect({ hostname: "mail.client.test", address: `192.0.2.${lastOctet}` });
      await mta.helo("mail.client.test");
      for (let n = 1 + rng.below(8); n > 0 && !this.#isOver(); n--) await this.#message(rng, mta, lastOctet);
      if (rng.once(4)) mta.hangUp();
      else mta.quit();
    }
  }

  async #message(rng: Rng, mta: MtaPlayer, lastOctet: number): Promise<void> {
    const kind = rng.once(20) ? rng.pick(KINDS) : rng.pick(KINDS.filter((k) => k !== "late"));
    const localPart = rng.pick(["good", "bad"]);
    const from = `${localPart}@n${rng.below(NAMES_PER_KIND)}.${kind}.test`;
    if (rng.once(10)) {
      await mta.mail(`<${from}>`);
      mta.abort();
      return;
    }
    const outcome = await mta.message({ from: `<${from}>`, recipients: ["<user@here.test>"] });
    this.#check(kind, localPart, lastOctet, from, outcome);
  }

  #check(kind: Kind, localPart: string, lastOctet: number, from: string, outcome: MessageOutcome): void {
    const fields = outcome.edits.flatMap((edit) =>
      edit.kind === "insertHeader" && edit.name === "Authentication-Results" ? [edit.value] : [],
    );
    const [, result = "nothing", sender] =
      /^mx\.example\.test; spf=([a-z]+)\s+smtp\.mailfrom=(\S+)$/.exec(fields.join(" | ")) ?? [];
    this.#messages++;
    this.#results.set(result, (this.#results.get(result) ?? 0) + 1);
    const right =
      expectedResults(kind, localPart, lastOctet).includes(result) &&
      sender === from &&
      outcome.verdict.kind === "continue" &&
      outcome.edits.some(({ kind: edit }) => edit === "changeHeader") ===
        (result === "softfail" || result === "fail");
    if (right) return;
    this.#wrong.push(`${from} at 192.0.2.${lastOctet}: ${outcome.verdict.kind} ${fields.join(" | ")}`);
  }

  /** Somebody at the socket who sends what is nearly a session. */
  async #attacker(rng: Rng): Promise<void> {
    while (!this.#isOver()) {
      const socket = createConnection(this.#installed.socket);
      const closed = new Promise((resolve) => socket.once("close", resolve));
      socket.on("error", () => undefined);
      if (!rng.once(5)) socket.resume();
      socket.end(mutate(rng, rng.pick(SESSIONS)));
      this.#attacks++;
      await Promise.race([closed, delay(50)]);
      socket.destroy();
    }
  }
}

function residentMiB(pid: number): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1];
  return Math.round(Number(kibibytes) / 1024);
}
