import {
  type IpAddress,
  isAscii,
  type OctetString,
  toALabels,
  unmapIpv4,
  withoutFinalDot,
} from "../address/index.ts";
import type { Evaluating } from "./evaluating.ts";
import { type MacroValues, readsMacro } from "./expand-macros.ts";
import type { CheckHostInput } from "./input.ts";
import type { Answer, Question, RecordType } from "./lookup.ts";
import type { SenderMacro } from "./outcome.ts";
import type { MacroString } from "./record.ts";

/** What all parts of one call of check_host() share: the arguments, made ready, and what has been read. */
export class Session {
  readonly input: CheckHostInput;
  /** The client; an IPv4-mapped address is an IPv4 address (RFC 7208 section 5). */
  readonly ip: IpAddress;
  readonly localPart: OctetString;
  readonly senderDomain: OctetString;
  readonly macrosRead = new Set<SenderMacro>();
  /** The smallest TTL of the answers so far, in seconds. */
  ttlSeconds = Number.POSITIVE_INFINITY;

  constructor(input: CheckHostInput) {
    this.input = input;
    this.ip = unmapIpv4(input.ip);
    const { localPart, senderDomain } = senderParts(input.sender);
    this.localPart = localPart;
    this.senderDomain = senderDomain;
  }

  /** The record type that holds addresses of the client's family. */
  get addressType(): "A" | "AAAA" {
    return this.ip.family === 4 ? "A" : "AAAA";
  }

  /** What macros stand for while the record of `domain` is read. */
  macroValues(domain: OctetString, validatedName: OctetString): MacroValues {
    const { input, ip, localPart, senderDomain } = this;
    const { helo, receiver, nowSeconds } = input;
    return { ip, domain, localPart, senderDomain, helo, receiver, nowSeconds, validatedName };
  }

  /** Notes which of the sender's macros a string reads: they widen a cache key. */
  noteMacros(string: MacroString): void {
    for (const part of string.parts) {
      if (part.kind === "macro" && isSenderMacro(part.letter)) this.macrosRead.add(part.letter);
    }
  }

  /** Whether a string reads a local part that no name can hold: its term does not match (RFC 8616 section 4). */
  isUnmatchable(string: MacroString): boolean {
    return !isAscii(this.localPart) && readsMacro(string, "sl");
  }

  /** Asks one question. Nothing is counted; the TTL of the answer bounds the life of the outcome. */
  *ask<T extends RecordType>(question: Question<T>): Evaluating<Answer<T>> {
    const answer = yield { kind: "ask", question };
    if (answer === undefined) return { status: "fault", problem: "no answer was given" };
    // A fault that ptr and exp put up with still shapes the outcome, and may be over the next moment.
    this.ttlSeconds = answer.status === "fault" ? 0 : Math.min(this.ttlSeconds, answer.ttlSeconds);
    // The driver answers the question it was asked, so the records are of its type.
    return answer as Answer<T>;
  }
}

/** The parts of `local@domain`; without a local part it is "postmaster" (RFC 7208 section 4.3). */
export function senderParts(sender: OctetString): Pick<MacroValues, "localPart" | "senderDomain"> {
  const at = sender.lastIndexOf("@");
  const domain = sender.slice(at + 1);
  return {
    localPart: at > 0 ? sender.slice(0, at) : "postmaster",
    senderDomain: withoutFinalDot(toALabels(domain) ?? domain),
  };
}

function isSenderMacro(letter: string): letter is SenderMacro {
  return letter === "s" || letter === "l" || letter === "o" || letter === "h";
}
