import type { Figures } from "../../../src/status/index.ts";

/** What a daemon at rest says of itself. */
export function figures(changes: Partial<Figures> = {}): Figures {
  const cache = { hits: 0, misses: 0, joined: 0, evictions: 0, renewals: 0, entries: 0 };
  return {
    reportOnly: false,
    refused: { permerror: false, temperror: false },
    configDigest: "0123456789abcdef",
    rules: [],
    caches: { verdicts: cache, answers: cache },
    dns: {
      questionsUdp: 0,
      questionsTcp: 0,
      timeouts: 0,
      faults: {},
      foreign: 0,
      answerSeconds: { bounds: [0.1, 1], counts: [0, 0, 0], sum: 0 },
    },
    dnsProblem: undefined,
    nameservers: [{ address: "127.0.0.1", port: 53, answerMs: undefined, down: false }],
    evaluations: { running: 0, waiting: 0, turnedAway: 0 },
    connections: {
      open: 0,
      busy: 0,
      accepted: 0,
      refused: 0,
      closed: { idle: 0, budget: 0, protocol: 0, handler: 0 },
    },
    logLinesLost: { syslog: 0, file: 0 },
    reload: { ok: true, timeMs: 1_700_000_000_000 },
    sharedCache: undefined,
    accepting: true,
    ...changes,
  };
}
