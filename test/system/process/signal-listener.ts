/** Prints what signals ask for. For signals.test.ts. */
import { listenToSignals } from "../../../src/process/index.ts";

const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};
listenToSignals({
  stop: (signal) => {
    say(`stop ${signal}`);
  },
  stopNow: (signal) => {
    say(`stopNow ${signal}`);
    process.exit(3);
  },
  reload: () => {
    say("reload");
  },
  report: () => {
    say("report");
  },
  flush: () => {
    say("flush");
  },
});
setInterval(() => undefined, 60_000);
say("up");
