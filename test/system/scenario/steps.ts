import { isIP } from "node:net";
import { type ExpectedReply, expectedReply } from "./expectation.ts";
import type { ScenarioLine } from "./lines.ts";

/** What is done in a session, and the reply that must come; undefined: one that is not a refusal. */
export interface Step {
  readonly line: number;
  readonly action: Action;
  /** Sent together with the step before, whose reply is not waited for (RFC 2920). */
  readonly pipelined: boolean;
  readonly expected: ExpectedReply | undefined;
}

export type Action =
  /** A new connection from that address; the greeting is the reply. */
  | { readonly kind: "connect"; readonly address: string }
  /** An SMTP command, as it is. */
  | { readonly kind: "command"; readonly text: string }
  /** DATA and the message; the reply to the final dot, or to DATA where that is refused. */
  | { readonly kind: "data"; readonly lines: readonly string[] }
  /** DATA and a message whose final dot never comes: the client goes. */
  | { readonly kind: "unfinished"; readonly lines: readonly string[] }
  | { readonly kind: "starttls"; readonly certificate: boolean }
  /** SMTP AUTH of the account that there is. */
  | { readonly kind: "auth" }
  /** The connection is dropped without QUIT. */
  | { readonly kind: "disconnect" };

const OWN_WORDS: Readonly<Record<string, Action>> = {
  starttls: { kind: "starttls", certificate: false },
  "starttls with certificate": { kind: "starttls", certificate: true },
  auth: { kind: "auth" },
  disconnect: { kind: "disconnect" },
  DATA: { kind: "data", lines: [] },
  "DATA unfinished": { kind: "unfinished", lines: [] },
};

/** What can be sent ahead of the reply to what is before it. */
const PIPELINED = /^(?:MAIL|RCPT|RSET|NOOP|DATA$)/;

/**
 * Reads a session: SMTP commands begin with a capital letter; `connect`, `starttls`, `auth`, `disconnect` are the
 * client's own doings; `<` lines are the expected reply, `|` lines after DATA the message, `+` comes before what
 * is pipelined.
 */
export function readSteps(
  lines: readonly ScenarioLine[],
  fault: (line: number, reason: string) => Error,
): Step[] {
  const drafts: { step: Omit<Step, "expected">; message: string[]; replies: ScenarioLine[] }[] = [];
  for (const { number, text } of lines) {
    const draft = drafts.at(-1);
    if (text.startsWith("<")) {
      if (draft === undefined) throw fault(number, "a reply before the first command");
      draft.replies.push({ number, text: text.slice(1).trimStart() });
    } else if (text === "|" || text.startsWith("| ")) {
      if (draft === undefined || !hasMessage(draft.step.action))
        throw fault(number, "a line of a message without DATA");
      draft.message.push(text.slice(2));
    } else {
      const pipelined = text.startsWith("+ ");
      const command = pipelined ? text.slice(2) : text;
      if (pipelined && (draft === undefined || !PIPELINED.test(command)))
        throw fault(number, `${command} cannot be sent together with what is before it`);
      const action = readAction(command, number, fault);
      drafts.push({ step: { line: number, action, pipelined }, message: [], replies: [] });
    }
  }
  return drafts.map(({ step, message, replies }) => ({
    ...step,
    action: hasMessage(step.action) ? { ...step.action, lines: message } : step.action,
    expected: replies.length === 0 ? undefined : expectedReply(replies, fault),
  }));
}

function hasMessage(action: Action): action is Extract<Action, { lines: readonly string[] }> {
  return action.kind === "data" || action.kind === "unfinished";
}

function readAction(text: string, line: number, fault: (line: number, reason: string) => Error): Action {
  const address = /^connect (\S+)$/.exec(text)?.[1];
  if (address !== undefined) {
    if (isIP(address) === 0) throw fault(line, `${address} is no address`);
    return { kind: "connect", address };
  }
  const own = OWN_WORDS[text];
  if (own !== undefined) return own;
  if (/^[A-Z]/.test(text)) return { kind: "command", text };
  throw fault(line, `${text} is no command`);
}
