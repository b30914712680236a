/**
 * A reporter of node:test that is silent while all goes well. Asked to end by SIGTERM, it names the tests that have
 * not ended. Where all have, and something they left behind keeps the process alive, it says so and ends it.
 */
import type { TestEvent } from "node:test/reporters";

/** How long a process may live after its last test, in ms. */
const LINGER_MS = 10_000;

export default async function* running(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  /** The names of the tests that have not ended, each with those it is part of. */
  const open = new Map<string, string>();
  const path: string[] = [];
  let roots = 0;
  let linger: NodeJS.Timeout | undefined;
  process.once("SIGTERM", () => {
    for (const name of open.values()) process.stderr.write(`✖ not ended: ${name}\n`);
    process.exit(1);
  });
  for await (const { type, data } of events) {
    if (type === "test:enqueue" && data.nesting === 0) {
      roots++;
      clearTimeout(linger);
    }
    if (type === "test:dequeue") {
      path.length = data.nesting;
      path.push(data.name);
      open.set(`${data.nesting} ${data.name}`, path.join(" > "));
    }
    if (type === "test:complete") {
      open.delete(`${data.nesting} ${data.name}`);
      if (data.nesting === 0 && --roots === 0) {
        linger = setTimeout(() => {
          const kept = process.getActiveResourcesInfo().join(", ");
          process.stderr.write(`✖ the tests have ended, but not their process, which is kept by ${kept}\n`);
          process.exit(1);
        }, LINGER_MS).unref();
      }
    }
  }
  clearTimeout(linger);
  yield "";
}
