/** One connection of an MTA to a milter, from connect to QUIT. */
import net from "node:net";
import { ABORT, type MessageShape, type Mta, OPTNEG, QUIT } from "./packets.ts";
import { type Exchange, mail, type Script, scriptFor, type WaitsAt } from "./script.ts";

/** Where a milter listens. */
export type Target = { readonly path: string } | { readonly host: string; readonly port: number };

/** How a message ended. */
export type Verdict = "accept" | "reject" | "tempfail" | "discard" | `${number}`;

/**
 * What one message cost the MTA, in milliseconds of waiting: each from when the command that is answered is handed to
 * the kernel. The first of a connection carries its setup.
 */
export interface MessageCost {
  readonly verdict: Verdict;
  readonly totalMs: number;
  readonly mailMs: number;
  readonly endOfMessageMs: number;
  readonly waits: number;
  readonly packets: number;
  readonly edits: number;
}

/** What the sessions of a run share. */
export interface SessionPlan {
  readonly target: Target;
  readonly mta: Mta;
  readonly shape: MessageShape;
  readonly messagesPerConnection: number;
  /** The sender of the next message, or undefined when the run is over. */
  readonly nextSender: () => string | undefined;
  readonly onMessage: (cost: MessageCost) => void;
  /** An edit at end of message: for a field that is added, `NAME NUL VALUE NUL`. */
  readonly onEdit?: (text: string) => void;
  /** The connection is over; `error` where it did not end as it should. */
  readonly onEnd: (error: string | undefined) => void;
}

/** Every socket reads into this; what a packet leaves over is copied. */
const READ_BUFFER = Buffer.allocUnsafe(65536);

const scripts = new Map<string, Script>();

/** The script for a negotiation reply; all connections to one filter get the same reply. */
function cachedScript(reply: Buffer, plan: SessionPlan): Script {
  const key = `${plan.mta} ${JSON.stringify(plan.shape)} ${reply.toString("latin1")}`;
  let script = scripts.get(key);
  if (script === undefined) {
    // The mixed workload has a shape for every message.
    if (scripts.size >= 1000) scripts.clear();
    script = scriptFor(reply, plan.mta, plan.shape);
    scripts.set(key, script);
  }
  return script;
}

const FINAL: Readonly<Record<string, Verdict>> = { a: "accept", r: "reject", t: "tempfail", d: "discard" };
const EDITS = "hime+2-qb";

/** Plays one connection; starts at once. */
export class Session {
  readonly #plan: SessionPlan;
  readonly #socket: net.Socket;
  #script: Script | undefined;
  #rest: Buffer | undefined;
  #exchanges: readonly Exchange[] = [];
  #next = 0;
  readonly #unwritten: Buffer[] = [];
  #writing = false;
  #waitsAt: WaitsAt | "negotiation" | undefined = "negotiation";
  #sender: string | undefined;
  #messagesLeft: number;
  #inStart = true;
  #mailContinued = false;
  #over = false;
  #waitBegan: number;
  #totalMs = 0;
  #mailMs = 0;
  #waits = 0;
  #packets = 0;
  #edits = 0;

  constructor(plan: SessionPlan, sender: string) {
    this.#plan = plan;
    this.#sender = sender;
    this.#messagesLeft = plan.messagesPerConnection;
    this.#waitBegan = performance.now();
    const onread = {
      buffer: READ_BUFFER,
      callback: (size: number, buffer: Uint8Array): boolean => {
        this.#receive(buffer as Buffer, size);
        return true;
      },
    };
    this.#socket = net.connect({ ...plan.target, onread, noDelay: true });
    this.#socket.on("error", (error) => {
      this.#end(error.message);
    });
    this.#socket.on("close", () => {
      this.#end("the filter closed the connection");
    });
    this.#socket.write(OPTNEG);
  }

  #end(error: string | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#socket.destroy();
    this.#plan.onEnd(error);
  }

  #receive(buffer: Buffer, size: number): void {
    let bytes = buffer;
    let end = size;
    if (this.#rest !== undefined) {
      bytes = Buffer.concat([this.#rest, buffer.subarray(0, size)]);
      end = bytes.length;
      this.#rest = undefined;
    }
    let at = 0;
    while (end - at >= 5 && !this.#over) {
      const length = bytes.readUInt32BE(at);
      if (length < 1 || length > 1 << 20) {
        this.#end(`a reply of ${length} octets`);
        return;
      }
      if (end - at < 4 + length) break;
      this.#reply(String.fromCharCode(bytes[at + 4] ?? 0), bytes, at + 5, at + 4 + length);
      at += 4 + length;
    }
    if (at < end) this.#rest = Buffer.from(bytes.subarray(at, end));
  }

  #reply(letter: string, bytes: Buffer, from: number, to: number): void {
    if (letter === "p") return;
    if (this.#waitsAt === undefined) {
      this.#end(`an answer ${letter} that nobody waited for`);
      return;
    }
    if (this.#waitsAt === "endOfMessage" && EDITS.includes(letter)) {
      this.#edits++;
      // An inserted field has its place before it: four octets.
      this.#plan.onEdit?.(bytes.toString("latin1", letter === "i" ? from + 4 : from, to));
      return;
    }
    const waitedMs = performance.now() - this.#waitBegan;
    this.#totalMs += waitedMs;
    this.#waits++;
    const at = this.#waitsAt;
    this.#waitsAt = undefined;
    if (at === "mail") this.#mailMs = waitedMs;
    if (at === "negotiation") {
      if (letter !== "O") {
        this.#end(`${letter} in answer to the offer`);
        return;
      }
      this.#script = cachedScript(Buffer.from(bytes.subarray(from, to)), this.#plan);
      this.#exchanges = this.#script.start;
      this.#next = 0;
      this.#proceed();
      return;
    }
    if (letter === "c" && at !== "endOfMessage") {
      if (at === "mail") this.#mailContinued = true;
      this.#proceed();
    } else if (letter === "s" && at === "body") {
      this.#next = this.#exchanges.length - 1;
      this.#proceed();
    } else {
      const verdict: Verdict | undefined =
        letter === "y"
          ? (bytes.toString("latin1", from, from + 3) as `${number}`)
          : letter === "c"
            ? "accept"
            : FINAL[letter];
      if (verdict === undefined) this.#end(`an unknown answer ${letter}`);
      else this.#messageOver(verdict, at, at === "endOfMessage" ? waitedMs : 0);
    }
  }

  /** Sends what comes next, up to the next answer that is waited for. */
  #proceed(): void {
    const script = this.#script;
    if (script === undefined) return;
    for (;;) {
      const exchange = this.#exchanges[this.#next++];
      if (exchange !== undefined) {
        this.#send(exchange.packets, exchange.waitsAt);
        if (exchange.waitsAt !== undefined) return;
      } else if (this.#inStart) {
        this.#inStart = false;
        if (this.#beginMessage(script)) return;
      } else {
        return;
      }
    }
  }

  /** Sends MAIL; true where its answer is waited for. */
  #beginMessage(script: Script): boolean {
    this.#exchanges = script.rest;
    this.#next = 0;
    this.#mailContinued = !script.mailIsAnswered;
    if (!script.mailIsSent) return false;
    const packets = [...script.beforeMail, mail(this.#sender ?? "")];
    this.#send(packets, script.mailIsAnswered ? "mail" : undefined);
    return script.mailIsAnswered;
  }

  #send(packets: readonly Buffer[], waitsAt: WaitsAt | undefined): void {
    this.#waitsAt = waitsAt;
    this.#packets += packets.length;
    this.#waitBegan = performance.now();
    this.#write(packets);
  }

  /** Sendmail hands every packet to the kernel by itself; a stream would join those that queue up. */
  #write(packets: readonly Buffer[]): void {
    if (this.#plan.mta === "postfix") {
      this.#socket.write(packets.length === 1 ? packets[0]! : Buffer.concat(packets));
      return;
    }
    this.#unwritten.push(...packets);
    if (!this.#writing) this.#writeNext();
  }

  #writeNext(): void {
    const bytes = this.#unwritten.shift();
    this.#writing = bytes !== undefined && !this.#over;
    if (bytes === undefined || this.#over) return;
    // What comes before the command that is answered holds nobody up: the kernel takes it.
    if (this.#unwritten.length === 0) this.#waitBegan = performance.now();
    this.#socket.write(bytes, () => {
      this.#writeNext();
    });
  }

  #messageOver(verdict: Verdict, at: WaitsAt, endOfMessageMs: number): void {
    this.#plan.onMessage({
      verdict,
      totalMs: this.#totalMs,
      mailMs: this.#mailMs,
      endOfMessageMs,
      waits: this.#waits,
      packets: this.#packets,
      edits: this.#edits,
    });
    this.#totalMs = this.#mailMs = this.#waits = this.#packets = this.#edits = 0;
    const connectionIsDone = at === "connect" || at === "helo";
    const next = --this.#messagesLeft > 0 && !connectionIsDone ? this.#plan.nextSender() : undefined;
    const aborts =
      this.#plan.mta === "postfix" || (at !== "endOfMessage" && at !== "mail" && this.#mailContinued);
    if (next === undefined) {
      this.#socket.write(aborts ? Buffer.concat([ABORT, QUIT]) : QUIT);
      this.#over = true;
      this.#socket.destroySoon();
      this.#plan.onEnd(undefined);
      return;
    }
    if (aborts) this.#write([ABORT]);
    this.#sender = next;
    this.#waitBegan = performance.now();
    if (this.#script !== undefined && !this.#beginMessage(this.#script)) this.#proceed();
  }
}
