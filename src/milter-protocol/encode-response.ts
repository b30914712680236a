import {
  REPLY_LINES_MAX,
  SMFIR_ACCEPT,
  SMFIR_CONN_FAIL,
  SMFIR_CONTINUE,
  SMFIR_DISCARD,
  SMFIR_PROGRESS,
  SMFIR_REJECT,
  SMFIR_REPLYCODE,
  SMFIR_SHUTDOWN,
  SMFIR_SKIP,
  SMFIR_TEMPFAIL,
} from "./constants.ts";
import { replyText } from "./reply-text.ts";
import type { Response, Signal } from "./response.ts";

const bare = (letter: number): Buffer => Buffer.from([0, 0, 0, 1, letter]);

const BARE: Readonly<Record<Exclude<Response["kind"], "reply"> | Signal, Buffer>> = {
  continue: bare(SMFIR_CONTINUE),
  accept: bare(SMFIR_ACCEPT),
  reject: bare(SMFIR_REJECT),
  discard: bare(SMFIR_DISCARD),
  tempfail: bare(SMFIR_TEMPFAIL),
  skip: bare(SMFIR_SKIP),
  progress: bare(SMFIR_PROGRESS),
  shutdown: bare(SMFIR_SHUTDOWN),
  connectionFailure: bare(SMFIR_CONN_FAIL),
};

/**
 * The packet of a verdict. The bytes may be shared between calls: do not write to them.
 * Throws RangeError for a reply code that is not 4xx or 5xx.
 */
export function encodeResponse(response: Response, replyLinesMax: number = REPLY_LINES_MAX): Buffer {
  if (response.kind !== "reply") return BARE[response.kind];
  const text = replyText(response, replyLinesMax);
  const packet = Buffer.allocUnsafe(4 + 1 + text.length + 1);
  packet.writeUInt32BE(packet.length - 4, 0);
  packet[4] = SMFIR_REPLYCODE;
  packet.write(text, 5, "latin1");
  packet[packet.length - 1] = 0;
  return packet;
}

/** The packet of a signal; shared, do not write to it. */
export function encodeSignal(signal: Signal): Buffer {
  return BARE[signal];
}
