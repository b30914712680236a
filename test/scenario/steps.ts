import { isIP } from "node:net";
import { type ExpectedReply, expectedReply } from "./expectation.ts";
import type { ScenarioLine } from "./lines.ts";

/** What is done in a session, and the reply that must come; undefined: one that is no refusal. */
export interface Step {
  readonly line: number;
  readonly action: Action;
  readonly expected: ExpectedReply | undefined;
}

export type Action =
  /** A new connection from that address; the greeting is the reply. */
  | { readonly kind: "connect"; readonly address: string }
  /** An SMTP command, as it is. */
  | { readonly kind: "command"; readonly text: string }
  /** DATA and the message; the reply to the final dot, or to DATA where that is refused. */
  | { readonly kind: "data"; readonly lines: readonly string[] }
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
};

/**
 * Reads a session: SMTP commands begin with a capital letter; `connect`, `starttls`, `auth`, `disconnect` are the
 * client's own doings; `<` lines are the expected reply, `|` lines after DATA the message.
 */
export function readSteps(
  lines: readonly ScenarioLine[],
  fault: (line: number, reason: string) => Error,
): Step[] {
  const drafts: { line: number; action: Action; message: string[]; replies: ScenarioLine[] }[] = [];
  for (const { number, text } of lines) {
    const draft = drafts.at(-1);
    if (text.startsWith("<")) {
      if (draft === undefined) throw fault(number, "a reply before the first command");
      draft.replies.push({ number, text: text.slice(1).trimStart() });
    } else if (text === "|" || text.startsWith("| ")) {
      if (draft?.action.kind !== "data") throw fault(number, "a line of a message without DATA");
      draft.message.push(text.slice(2));
    } else {
      drafts.push({ line: number, action: readAction(text, number, fault), message: [], replies: [] });
    }
  }
  return drafts.map(({ line, action, message, replies }) => ({
    line,
    action: action.kind === "data" ? { kind: "data", lines: message } : action,
    expected: replies.length === 0 ? undefined : expectedReply(replies, fault),
  }));
}

function readAction(text: string, line: number, fault: (line: number, reason: string) => Error): Action {
  const address = /^connect (\S+)$/.exec(text)?.[1];
  if (address !== undefined) {
    if (isIP(address) === 0) throw fault(line, `${address} is no address`);
    return { kind: "connect", address };
  }
  const own = OWN_WORDS[text];
  if (own !== undefined) return own;
  if (text === "DATA") return { kind: "data", lines: [] };
  if (/^[A-Z]/.test(text)) return { kind: "command", text };
  throw fault(line, `${text} is no command`);
}
