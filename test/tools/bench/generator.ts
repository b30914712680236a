/**
 * The load generator's process: takes one job at a time over the IPC channel, plays it, sends back what it saw.
 * It is a process of its own so that neither filter nor bench share its core's time unseen.
 */
import { zipf } from "./mixed/workload.ts";
import { chance } from "./mixed/zone.ts";
import type { MessageShape, Mta } from "./packets.ts";
import { type MessageCost, Session, type SessionPlan, type Target } from "./session.ts";
import { type Distribution, distribution } from "./statistics.ts";

const SEED = 20;
/** Goes on from run to run: what has been drawn before would be in memory. */
let drawn = 0;

/** A run of messages against one milter. */
export interface Job {
  readonly target: Target;
  readonly mta: Mta;
  readonly shape: MessageShape;
  readonly connections: number;
  readonly messagesPerConnection: number;
  /** `{n}` is replaced by the number of the message, modulo `senders`, plus `firstSender`. */
  readonly sender: string;
  readonly firstSender: number;
  readonly senders: number;
  /** Draws the number below `senders` by Zipf instead. */
  readonly zipf?: boolean;
  /** The run ends after so many messages, or after so many seconds, whichever is first. */
  readonly messages: number;
  readonly seconds: number;
}

/** What a run came to. Waits are the MTA's, in milliseconds. */
export interface JobResult {
  readonly messages: number;
  readonly seconds: number;
  readonly messagesPerSecond: number;
  readonly waitMs: Distribution;
  readonly mailMs: Distribution;
  readonly endOfMessageMs: Distribution;
  readonly verdicts: Record<string, number>;
  readonly waitsPerMessage: number;
  readonly packetsPerMessage: number;
  readonly editsPerMessage: number;
  readonly errors: Record<string, number>;
  readonly generatorCpuSeconds: number;
}

/** Plays a job to its end. */
export function play(job: Job): Promise<JobResult> {
  return new Promise((resolve) => {
    const waits: number[] = [];
    const mails: number[] = [];
    const ends: number[] = [];
    const verdicts: Record<string, number> = {};
    const errors: Record<string, number> = {};
    let [begun, open, waitCount, packetCount, editCount] = [0, 0, 0, 0, 0];
    const cpu = process.cpuUsage();
    const startMs = performance.now();
    const endMs = startMs + job.seconds * 1000;

    const nextSender = (): string | undefined => {
      if (begun >= job.messages || performance.now() >= endMs) return undefined;
      const message = begun++;
      const n = job.zipf === true ? zipf(job.senders, chance(SEED, drawn++)) : message % job.senders;
      return job.sender.replaceAll("{n}", String(job.firstSender + n));
    };
    const onMessage = (cost: MessageCost): void => {
      waits.push(cost.totalMs);
      mails.push(cost.mailMs);
      if (cost.endOfMessageMs > 0) ends.push(cost.endOfMessageMs);
      verdicts[cost.verdict] = (verdicts[cost.verdict] ?? 0) + 1;
      waitCount += cost.waits;
      packetCount += cost.packets;
      editCount += cost.edits;
    };
    const finish = (): void => {
      const seconds = (performance.now() - startMs) / 1000;
      const used = process.cpuUsage(cpu);
      const count = Math.max(waits.length, 1);
      resolve({
        messages: waits.length,
        seconds,
        messagesPerSecond: waits.length / seconds,
        waitMs: distribution(waits),
        mailMs: distribution(mails),
        endOfMessageMs: distribution(ends),
        verdicts,
        waitsPerMessage: waitCount / count,
        packetsPerMessage: packetCount / count,
        editsPerMessage: editCount / count,
        errors,
        generatorCpuSeconds: (used.user + used.system) / 1e6,
      });
    };
    const connect = (): boolean => {
      const sender = nextSender();
      if (sender === undefined) return false;
      open++;
      new Session(plan, sender);
      return true;
    };
    const plan: SessionPlan = {
      target: job.target,
      mta: job.mta,
      shape: job.shape,
      messagesPerConnection: job.messagesPerConnection,
      nextSender,
      onMessage,
      onEnd: (error) => {
        open--;
        if (error !== undefined) errors[error] = (errors[error] ?? 0) + 1;
        if (!connect() && open === 0) finish();
      },
    };
    for (let i = 0; i < job.connections; i++) if (!connect()) break;
    if (open === 0) finish();
  });
}

process.on("message", (job: Job) => {
  void play(job).then((result) => process.send?.(result));
});
process.on("disconnect", () => {
  process.exit(0);
});
