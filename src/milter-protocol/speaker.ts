import type { CommandKind } from "./command.ts";
import { encodeResponse } from "./encode-response.ts";
import { encodeEndOfMessage, type ReportPort } from "./end-of-message.ts";
import type { EndOfMessageResponse } from "./handler.ts";
import type { Negotiated } from "./negotiate.ts";
import { ReplyBatch } from "./reply-batch.ts";
import { CONTINUE, type Response, TEMPFAIL } from "./response.ts";

/**
 * What is said to the MTA: encoded as was negotiated, only where it waits, and gathered for one write. An answer
 * that cannot be encoded is reported, and said as a temporary failure.
 */
export class Speaker {
  readonly #ports: ReportPort;
  readonly #replies = new ReplyBatch();
  #terms: Negotiated | undefined;

  constructor(ports: ReportPort) {
    this.#ports = ports;
  }

  /** Octets that wait to be written. */
  get bytes(): number {
    return this.#replies.bytes;
  }

  /** What is to be written, or undefined; nothing is left afterwards. */
  take(): Buffer | undefined {
    return this.#replies.take();
  }

  /** Answers an offer; from now on these terms hold. */
  agree(terms: Negotiated): void {
    this.#terms = terms;
    this.#replies.add(terms.reply);
  }

  /**
   * Answers a command, unless the MTA does not wait there: then false. Discard means nothing for a connection and
   * waits for its first message.
   */
  answer(stage: CommandKind, response: Response): boolean {
    if (this.#terms?.unanswered.has(stage) === true) return false;
    const early = response.kind === "discard" && (stage === "connect" || stage === "helo");
    this.#replies.add(this.#encode(early ? CONTINUE : response));
    return true;
  }

  /** Answers end of message. */
  endMessage(answer: EndOfMessageResponse): void {
    let packets: Buffer;
    try {
      packets = encodeEndOfMessage(answer, this.#terms, this.#ports);
    } catch (error) {
      this.#ports.report(error);
      packets = encodeResponse(TEMPFAIL);
    }
    this.#replies.add(packets);
  }

  #encode(response: Response): Buffer {
    try {
      return encodeResponse(response, this.#terms?.replyLinesMax);
    } catch (error) {
      this.#ports.report(error);
      return encodeResponse(TEMPFAIL);
    }
  }
}
