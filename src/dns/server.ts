import { encodeProbe, isAnswerTo } from "./messages.ts";
import type { Nameserver } from "./nameservers.ts";
import { TcpChannel } from "./tcp.ts";
import { UdpChannel } from "./udp.ts";

/** A probe is answered within this, or a try's time-out where that is shorter; the next one comes after it. */
const PROBE_MS = 1000;
/** How long a server is asked without EDNS0 before it is tried again. */
const WITHOUT_EDNS_MS = 60_000;

/** What became of a name server. */
export type ServerState = "down" | "up" | "without EDNS0";

/** Told of each change. */
export type ServerListener = (server: Nameserver, state: ServerState) => void;

/**
 * One name server, the ways to it, and whether it answers. A try that nobody answers says nothing about the server:
 * a sender of mail has any number of silent names. So after one the server is asked for the name servers of the
 * root, which nobody outside has a hand in, with EDNS0 and without. If both stay unanswered, and nothing else has
 * come from it meanwhile, it is down; then it is probed once a second, and not asked anything else until it answers.
 */
export class Server {
  readonly nameserver: Nameserver;
  readonly udp: UdpChannel;
  readonly tcp: TcpChannel;
  readonly #probeMs: number;
  readonly #onState: ServerListener;
  /** Tries under way, to be given up where the server is down. */
  readonly #tries = new Set<() => void>();
  #probes: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;
  #isDown = false;
  #answerMs: number | undefined;
  #heardMs = -Infinity;
  #heardEdnsMs = -Infinity;
  #withoutEdnsUntilMs = -Infinity;

  constructor(nameserver: Nameserver, timeoutMs: number, onState: ServerListener) {
    this.nameserver = nameserver;
    this.udp = new UdpChannel(nameserver);
    this.tcp = new TcpChannel(nameserver, timeoutMs);
    this.#probeMs = Math.min(PROBE_MS, timeoutMs);
    this.#onState = onState;
  }

  get isDown(): boolean {
    return this.#isDown;
  }

  /** Whether it is being probed: others are asked first. */
  get isSuspect(): boolean {
    return this.#timer !== undefined;
  }

  /** Whether it is worth a question with EDNS0: some firewalls drop them. */
  get takesEdns(): boolean {
    return performance.now() >= this.#withoutEdnsUntilMs;
  }

  /** Calls `giveUp` when the server turns out to be down; the returned function ends that. */
  watch(giveUp: () => void): () => void {
    this.#tries.add(giveUp);
    return () => {
      this.#tries.delete(giveUp);
    };
  }

  /** How long its answers take at present, in milliseconds. */
  get answerMs(): number | undefined {
    return this.#answerMs;
  }

  /** It has answered, whatever it was. */
  answered(edns: boolean, tookMs: number): void {
    this.#answerMs = this.#answerMs === undefined ? tookMs : this.#answerMs * 0.9 + tookMs * 0.1;
    this.#heardMs = performance.now();
    if (edns) {
      this.#heardEdnsMs = this.#heardMs;
      this.#withoutEdnsUntilMs = -Infinity;
    }
    if (!this.#isDown) return;
    this.#isDown = false;
    this.#endProbe();
    this.#onState(this.nameserver, "up");
  }

  /** A try was not answered, or could not be sent. */
  suspect(): void {
    if (this.#timer === undefined) this.#probe();
  }

  /** Gives up what is under way and asks nothing more. */
  close(): void {
    this.#isDown = true;
    this.#endProbe();
    this.#giveUp();
    this.udp.close();
    this.tcp.close();
  }

  #probe(): void {
    const beganMs = performance.now();
    for (const edns of [true, false]) {
      const query = encodeProbe(edns);
      const cancel = this.udp.exchange(query.message, {
        name: query.question.name,
        message: (bytes) => {
          if (isAnswerTo(bytes, query)) this.answered(edns, performance.now() - beganMs);
        },
        // The next probe may find it back.
        error: () => undefined,
      });
      this.#probes.push(cancel);
    }
    this.#timer = setTimeout(() => {
      this.#endProbe();
      this.#judge(beganMs);
      if (this.#isDown) this.#probe();
    }, this.#probeMs).unref();
  }

  #judge(beganMs: number): void {
    if (this.#heardMs < beganMs) {
      if (this.#isDown) return;
      this.#isDown = true;
      this.#onState(this.nameserver, "down");
      this.#giveUp();
    } else if (this.#heardEdnsMs < beganMs) {
      this.#withoutEdnsUntilMs = performance.now() + WITHOUT_EDNS_MS;
      this.#onState(this.nameserver, "without EDNS0");
    }
  }

  #endProbe(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const cancel of this.#probes) cancel();
    this.#probes = [];
  }

  #giveUp(): void {
    for (const giveUp of [...this.#tries]) giveUp();
  }
}
