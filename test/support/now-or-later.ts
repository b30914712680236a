import type { Pending } from "spf-check";

/** Calls what answers now or later: `done` gets the answer in both cases. The returned function cancels. */
export function nowOrLater<T extends object>(
  call: (done: (value: T) => void) => T | Pending,
  done: (value: T) => void,
): () => void {
  const answer = call(done);
  if ("cancel" in answer) {
    return () => {
      answer.cancel();
    };
  }
  done(answer);
  return () => undefined;
}

/** The same as a promise. */
export function promised<T extends object>(call: (done: (value: T) => void) => T | Pending): Promise<T> {
  return new Promise((resolve) => {
    nowOrLater(call, resolve);
  });
}
