/** How Node makes the socket of a connection. */
import { Socket } from "node:net";

/** V8 remembers up to four shapes at a place before it gives up. */
const SHAPES = 8;
/** V8 begins to remember when a function has run some times. */
const ROUNDS = 20;
/** The first V8 that needs no help; Node 22 has 12.4, Node 20 has 11.3. */
const MENDED_V8 = 12;

/**
 * Has the sockets of all connections share their hidden classes. Node's constructor copies its options by
 * `{ ...options }`, and as long as these look alike, V8 11 gives every copy a hidden class of its own, which then
 * is learnt anew at every look at the copy: 5 us and 1.5 KB of the old part of the heap for each connection. When
 * V8 has seen many shapes at that place, it goes the general way there, on which classes are shared.
 *
 * To be called once, before the first connection. The sockets made here are never opened. Later versions of V8 are
 * left alone: they copy alike options quickest.
 */
export function shareSocketShapes(): void {
  if (Number.parseInt(process.versions.v8, 10) >= MENDED_V8) return;
  const shapes = Array.from({ length: SHAPES }, (_, shape) =>
    Object.fromEntries(Array.from({ length: shape + 1 }, (_option, index) => [`option${index}`, index])),
  );
  for (let round = 0; round < ROUNDS; round++) for (const shape of shapes) new Socket(shape);
}
