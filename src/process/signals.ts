/**
 * Signals from the first statement of a program to its end. This file imports nothing, so that a program can have
 * it run before all its other modules: what comes between is remembered.
 */

/** The signals that a daemon answers. */
const ANSWERED = ["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1", "SIGUSR2"] as const;
type Answered = (typeof ANSWERED)[number];

/** By Node's own rule a signal that arrives before a script can listen to it opens the debugger a moment later. */
const DEBUGGER_CHECKS_MS = [0, 100, 1000] as const;

/** The signals that have come and nobody has answered yet. */
let waiting: Answered[] = [];
let answer = (signal: Answered): void => {
  // Asked twice to stop before it can: no more waiting.
  if (isStop(signal) && heldStop() !== undefined) endBy(signal);
  waiting.push(signal);
};
const listener = (signal: NodeJS.Signals): void => {
  answer(signal as Answered);
};

/** Remembers every signal until {@link listenToSignals} or {@link endOnSignals} says what it means. */
export function holdSignals(): void {
  for (const signal of ANSWERED) {
    if (!process.listeners(signal).includes(listener)) process.on(signal, listener);
  }
  keepDebuggerClosed();
}

/** Keeps SIGUSR1 from opening Node's debugger, and closes one that is open because it came earlier. */
export function keepDebuggerClosed(): void {
  if (process.listenerCount("SIGUSR1") === 0) process.on("SIGUSR1", () => undefined);
  // One that the operator has asked for is his.
  if (/--inspect/.test([...process.execArgv, process.env["NODE_OPTIONS"] ?? ""].join(" "))) return;
  closeDebugger();
  for (const ms of DEBUGGER_CHECKS_MS) setTimeout(closeDebugger, ms).unref();
}

function closeDebugger(): void {
  // Not imported: it takes longer than the rest of this file.
  const inspector = process.getBuiltinModule("node:inspector");
  if (inspector.url() !== undefined) inspector.close();
}

/** Lets SIGTERM, SIGINT and SIGHUP end a command, as they would without {@link holdSignals}. */
export function endOnSignals(): void {
  answerWith((signal) => {
    if (signal !== "SIGUSR1" && signal !== "SIGUSR2") endBy(signal);
  });
}

/** What a shell shows for a program that a signal ended: 128 and its number. */
export const SIGNAL_EXIT = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** Ends the process as the signal would have. */
function endBy(signal: keyof typeof SIGNAL_EXIT): void {
  process.off(signal, listener);
  process.kill(process.pid, signal);
  // The first process of a container does not die of it.
  process.exit(SIGNAL_EXIT[signal]);
}

type Stop = "SIGTERM" | "SIGINT";

function isStop(signal: Answered): signal is Stop {
  return signal === "SIGTERM" || signal === "SIGINT";
}

/** The SIGTERM or SIGINT that has come while signals were held. */
function heldStop(): Stop | undefined {
  return waiting.find(isStop);
}

/** Calls back at SIGTERM and SIGINT, also for one that has come; other signals stay held. Returns what ends that. */
export function interceptStops(stop: (signal: Stop) => void): () => void {
  const former = answer;
  answer = (signal) => {
    if (isStop(signal)) stop(signal);
    else former(signal);
  };
  const come = heldStop();
  if (come !== undefined) stop(come);
  return () => {
    answer = former;
  };
}

/** What signals ask of a daemon. */
export interface SignalHandlers {
  /** SIGTERM, SIGINT. */
  readonly stop: (signal: string) => void;
  /** The same once more: end at once. */
  readonly stopNow: (signal: string) => void;
  /** SIGHUP. */
  readonly reload: () => void;
  /** SIGUSR1. */
  readonly report: () => void;
  /** SIGUSR2. */
  readonly flush: () => void;
}

/** Begins to answer signals, those first that have come already. */
export function listenToSignals(handlers: SignalHandlers): void {
  holdSignals();
  let stopping = false;
  answerWith((signal) => {
    switch (signal) {
      case "SIGTERM":
      case "SIGINT":
        if (stopping) {
          handlers.stopNow(signal);
        } else {
          stopping = true;
          handlers.stop(signal);
        }
        break;
      case "SIGHUP":
        handlers.reload();
        break;
      case "SIGUSR1":
        handlers.report();
        break;
      case "SIGUSR2":
        handlers.flush();
        break;
    }
  });
}

function answerWith(next: (signal: Answered) => void): void {
  answer = next;
  const come = new Set(waiting);
  waiting = [];
  come.forEach(next);
}
