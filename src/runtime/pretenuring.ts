/** Where V8 puts new objects. */
import { setFlagsFromString } from "node:v8";

/**
 * Has V8 create every object in the young part of the heap. Left alone, it learns from the messages that wait for
 * DNS that what belongs to a message lives long, and from then on creates it in the old part, where a finished
 * message stays until that part is collected and keeps alive whatever it points to: its whole connection, through
 * several collections of the young part. They then take three times as long.
 *
 * To be called before the first message: code that is compiled already goes on as it was.
 */
export function disablePretenuring(): void {
  setFlagsFromString("--no-allocation-site-pretenuring");
}
