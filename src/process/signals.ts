/** What signals ask for. */
export interface SignalHandlers {
  /** SIGTERM, SIGINT. */
  readonly stop: (signal: string) => void;
  /** The same once more: end at once. */
  readonly stopNow: (signal: string) => void;
  /** SIGHUP. */
  readonly reload: () => void;
  /** SIGUSR1. */
  readonly report: () => void;
}

/** Begins to listen to signals. SIGUSR1 no longer starts Node's debugger then. */
export function listenToSignals(handlers: SignalHandlers): void {
  let stopping = false;
  const stop = (signal: string): void => {
    if (stopping) {
      handlers.stopNow(signal);
    } else {
      stopping = true;
      handlers.stop(signal);
    }
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  process.on("SIGHUP", handlers.reload);
  process.on("SIGUSR1", handlers.report);
}
