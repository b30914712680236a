import {
  CONTINUE,
  type ConnectCommand,
  type EndOfMessageAnswer,
  type HandlerAnswer,
  type Macros,
  type MilterHandler,
  type Needs,
  type Offer,
} from "milter-protocol";

/** Wants to see and answer everything, and may make every edit. */
export const ALL_NEEDS: Needs = {
  edits: new Set([
    "addHeader",
    "insertHeader",
    "changeHeader",
    "addRecipient",
    "deleteRecipient",
    "changeSender",
    "replaceBody",
    "quarantine",
  ]),
  wants: new Set(["connect", "helo", "rcpt", "data", "header", "endOfHeaders", "unknown", "body"]),
  answers: new Set(["connect", "helo", "rcpt", "data", "header", "endOfHeaders", "unknown", "body"]),
  rejectedRecipients: false,
  macros: {},
};

/** Answers by stage; a function is asked each time. What is absent is answered "continue". */
export interface Script {
  readonly needs?: Needs;
  readonly connect?: () => HandlerAnswer;
  readonly helo?: () => HandlerAnswer;
  readonly mail?: (macros: Macros) => HandlerAnswer;
  readonly rcpt?: (path: string) => HandlerAnswer;
  readonly header?: (name: string) => HandlerAnswer;
  readonly endOfMessage?: (macros: Macros) => EndOfMessageAnswer;
  readonly abort?: () => void;
  readonly close?: () => void;
}

/** Writes down every call as one line, and answers from a script. */
export class RecordingHandler implements MilterHandler {
  readonly calls: string[] = [];
  readonly #script: Script;

  constructor(script: Script = {}) {
    this.#script = script;
  }

  negotiate(offer: Offer): Needs {
    this.calls.push(
      `negotiate ${offer.version} ${offer.actions.toString(16)} ${offer.protocol.toString(16)}`,
    );
    return this.#script.needs ?? ALL_NEEDS;
  }

  connect({ hostname, family, port, address }: ConnectCommand): HandlerAnswer {
    this.calls.push(`connect ${hostname} ${family} ${port} ${address}`);
    return this.#script.connect?.() ?? CONTINUE;
  }

  helo(name: string): HandlerAnswer {
    this.calls.push(`helo ${name}`);
    return this.#script.helo?.() ?? CONTINUE;
  }

  mail(path: string, parameters: readonly string[], macros: Macros): HandlerAnswer {
    this.calls.push(["mail", path, ...parameters].join(" "));
    return this.#script.mail?.(macros) ?? CONTINUE;
  }

  rcpt(path: string, parameters: readonly string[]): HandlerAnswer {
    this.calls.push(["rcpt", path, ...parameters].join(" "));
    return this.#script.rcpt?.(path) ?? CONTINUE;
  }

  header(name: string, value: string): HandlerAnswer {
    this.calls.push(`header ${name}:${value}`);
    return this.#script.header?.(name) ?? CONTINUE;
  }

  endOfMessage(macros: Macros): EndOfMessageAnswer {
    this.calls.push("endOfMessage");
    return this.#script.endOfMessage?.(macros) ?? { edits: [], response: CONTINUE };
  }

  abort(): void {
    this.calls.push("abort");
    this.#script.abort?.();
  }

  newConnection(): void {
    this.calls.push("newConnection");
  }

  close(): void {
    this.calls.push("close");
    this.#script.close?.();
  }
}
