/**
 * Plays the mixed workload against one milter, as a process: messages come when they come, however long those before
 * them take. At most `connections` are open; a message that finds none free waits for one, and its wait counts from
 * when it came. How late the generator's own timer is does not count as a wait of the milter; it is reported separately.
 */
import type { Mta } from "../packets.ts";
import { type MessageCost, Session, type Target } from "../session.ts";
import { type Distribution, distribution } from "../statistics.ts";
import { type MixedMessage, messageAt, type Population } from "./workload.ts";

export interface MixedJob {
  readonly target: Target;
  readonly mta: Mta;
  readonly population: Population;
  readonly connections: number;
  /** Messages that come before this are sent and not counted. */
  readonly warmSeconds: number;
  readonly seconds: number;
  /** A message that took less than this has waited for no DNS answer. */
  readonly delayMs: number;
}

export interface MixedResult {
  readonly messages: number;
  /** All messages, those before the count too: what processor time and questions are divided by. */
  readonly allMessages: number;
  readonly waitMs: Distribution;
  /** Of messages whose domain's name servers answer. */
  readonly answeredMs: Distribution;
  readonly fromMemory: number;
  readonly wrong: number;
  /** Results that were not the expected ones, as `expected: got`, with their numbers. */
  readonly wrongResults: Record<string, number>;
  readonly errors: Record<string, number>;
  readonly lateP99Ms: number;
  /** Most connections open at once. */
  readonly mostOpen: number;
}

const RESULT = /^(?:Received-SPF\0 ?(\w+)|Authentication-Results\0[^\0]*\bspf=(\w+))/i;

function play(job: MixedJob): Promise<MixedResult> {
  return new Promise((resolve) => {
    const waits: number[] = [];
    const answered: number[] = [];
    const late: number[] = [];
    const wrongResults: Record<string, number> = {};
    const errors: Record<string, number> = {};
    const queue: MixedMessage[] = [];
    let [i, open, mostOpen, fromMemory, allMessages, wrong] = [0, 0, 0, 0, 0, 0];
    const endMs = (job.warmSeconds + job.seconds) * 1000;
    const startMs = performance.now();
    let next = messageAt(job.population, i++, 0);

    const count = (message: MixedMessage, totalMs: number, got: string): void => {
      allMessages++;
      if (got !== message.expected) {
        wrong++;
        const key = `${message.expected}: ${got}`;
        wrongResults[key] = (wrongResults[key] ?? 0) + 1;
      }
      if (message.atMs < job.warmSeconds * 1000) return;
      waits.push(totalMs);
      if (message.isAnswered) answered.push(totalMs);
      if (totalMs < job.delayMs) fromMemory++;
    };
    const begin = (message: MixedMessage, queuedMs: number): void => {
      let result: string | undefined;
      open++;
      mostOpen = Math.max(mostOpen, open);
      new Session(
        {
          target: job.target,
          mta: job.mta,
          shape: {
            clientIp: message.clientIp,
            clientName: "client.mix.test",
            helo: message.helo,
            recipient: "recipient@example.test",
            headers: 10,
            bodyOctets: 2048,
          },
          messagesPerConnection: 1,
          nextSender: () => undefined,
          onEdit: (text) => {
            const match = RESULT.exec(text);
            if (match !== null) result ??= (match[1] ?? match[2])?.toLowerCase();
          },
          onMessage: (cost: MessageCost) => {
            const refused = cost.verdict.startsWith("5") || cost.verdict === "reject";
            count(message, queuedMs + cost.totalMs, refused ? "fail" : (result ?? cost.verdict));
          },
          onEnd: (error) => {
            open--;
            if (error !== undefined) errors[error] = (errors[error] ?? 0) + 1;
            const waiting = queue.shift();
            if (waiting !== undefined) begin(waiting, performance.now() - startMs - waiting.atMs);
            else finishWhenDone();
          },
        },
        message.sender,
      );
    };
    const finishWhenDone = (): void => {
      if (next.atMs < endMs || open > 0 || queue.length > 0) return;
      resolve({
        messages: waits.length,
        allMessages,
        waitMs: distribution(waits),
        answeredMs: distribution(answered),
        fromMemory: fromMemory / Math.max(waits.length, 1),
        wrong,
        wrongResults,
        errors,
        lateP99Ms: distribution(late).p99,
        mostOpen,
      });
    };
    const arrive = (): void => {
      const nowMs = performance.now() - startMs;
      while (next.atMs <= nowMs && next.atMs < endMs) {
        late.push(nowMs - next.atMs);
        if (open < job.connections) begin(next, 0);
        else queue.push(next);
        next = messageAt(job.population, i++, next.atMs);
      }
      if (next.atMs < endMs) setTimeout(arrive, Math.max(0, next.atMs - nowMs));
      else finishWhenDone();
    };
    arrive();
  });
}

process.on("message", (job: MixedJob) => {
  void play(job).then((result) => process.send?.(result));
});
process.on("disconnect", () => {
  process.exit(0);
});
