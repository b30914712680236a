import type { Action } from "../filter/index.ts";
import type { ActionLine, ResultLine, Sender } from "./log-line.ts";

/** Something that was done to a message, or would have been. */
export interface ActionTaken {
  readonly action: Action;
  readonly reportOnly: boolean;
  readonly reason: string;
  readonly rule: string | undefined;
  readonly line: string | undefined;
}

/** All that the log says of one message. */
export interface LoggedMessage extends Sender {
  readonly timeMs: number;
  readonly process: string;
  /** The verdict on the sender (on the HELO name where the sender is null). */
  verdict: ResultLine | undefined;
  /** The verdict on the HELO name besides it (CheckHelo). */
  heloVerdict: ResultLine | undefined;
  /** What was done. Where it was done for some recipients and only reported for others, it was done. */
  actions: ActionTaken[];
}

interface OpenMessage extends LoggedMessage {
  readonly key: string;
  closed: boolean;
  lastMs: number;
  queue: string | undefined;
  /** Recipients that action lines have named. */
  to: string[];
}

/** How many messages wait for further lines, and how long. */
const OPEN_MAX = 10_000;
const OPEN_MS = 15 * 60_000;
/** And of those how many that look alike: a line costs no more than these. */
const ALIKE_MAX = 32;
const RECIPIENTS_MAX = 100;
/** Values of this length together may be cut off in another line. */
const LONG_OCTETS = 60;
const LONG_CLIENTS_MAX = 1_000;
const CUT = "...";
const NO_ACTIONS: ActionTaken[] = [];
const NO_RECIPIENTS: string[] = [];
const NO_MESSAGES: readonly OpenMessage[] = [];

/**
 * Joins the lines of one message: those of one process, client, HELO name and sender that come within some
 * minutes; of several such messages the queue id and the recipients decide.
 */
export class MessageJoiner {
  readonly #done: (message: LoggedMessage) => void;
  readonly #checkHelo: boolean;
  readonly #open = new Map<string, OpenMessage[]>();
  /** Of each client the last messages with long values, which a line of JSON may have cut off. */
  readonly #long = new Map<string, OpenMessage[]>();
  /** In the order in which they began, from `#oldest` on. */
  #queue: (OpenMessage | undefined)[] = [];
  #oldest = 0;

  /**
   * @param done is given each message once its lines are joined
   * @param checkHelo whether a message may have two results that look alike (classic and 2.5 name no identity)
   */
  constructor(done: (message: LoggedMessage) => void, checkHelo: boolean) {
    this.#done = done;
    this.#checkHelo = checkHelo;
  }

  result(line: ResultLine, timeMs: number, process: string): void {
    const key = keyOf(line, process);
    const messages = this.#messagesOf(key, timeMs);
    const last = messages.at(-1);
    if (last !== undefined && this.#isSecondResult(last, line, timeMs)) {
      if (last.verdict !== undefined && last.heloVerdict === undefined) last.heloVerdict = last.verdict;
      last.verdict = line;
      last.lastMs = timeMs;
      last.queue ??= line.queue;
      return;
    }
    const message = this.#begin(key, line, timeMs, process);
    if (line.identity === "helo" && line.from !== "") message.heloVerdict = line;
    else message.verdict = line;
    message.queue = line.queue;
  }

  action(line: ActionLine, timeMs: number, process: string): void {
    const key = keyOf(line, process);
    const messages = this.#messagesOf(key, timeMs);
    const message =
      matchFor(line, messages.length > 0 ? messages : this.#cutOff(line, process)) ??
      this.#begin(key, line, timeMs, process);
    message.lastMs = timeMs;
    message.queue ??= line.queue;
    if (line.to.length > 0) {
      if (message.to.length === 0) message.to = [];
      if (message.to.length < RECIPIENTS_MAX) message.to.push(...line.to);
    }
    addAction(message, line);
  }

  /** No more lines come. */
  end(): void {
    while (this.#oldest < this.#queue.length) this.#closeOldest();
  }

  /** The messages whose values those of the line may be the beginnings of. */
  #cutOff(line: ActionLine, process: string): readonly OpenMessage[] {
    if (!isCut(line.helo) && !isCut(line.from)) return NO_MESSAGES;
    const messages = this.#long.get(`${process} ${line.ip}`) ?? NO_MESSAGES;
    return messages.filter(
      (message) =>
        !message.closed && isSameCut(message.helo, line.helo) && isSameCut(message.from, line.from),
    );
  }

  #keepLong(message: OpenMessage): void {
    const client = `${message.process} ${message.ip}`;
    const messages = this.#long.get(client);
    if (messages === undefined) {
      if (this.#long.size >= LONG_CLIENTS_MAX) this.#long.clear();
      this.#long.set(client, [message]);
    } else {
      messages.push(message);
      if (messages.length > ALIKE_MAX) messages.shift();
    }
  }

  #isSecondResult(last: OpenMessage, line: ResultLine, timeMs: number): boolean {
    if (line.from === "" || line.identity === "helo") return false;
    if (last.actions.length > 0 && line.identity === undefined) return false;
    if (last.heloVerdict !== undefined && last.verdict === undefined) return line.identity === "mailfrom";
    return (
      this.#checkHelo &&
      line.identity === undefined &&
      last.verdict?.identity === undefined &&
      last.heloVerdict === undefined &&
      Math.abs(timeMs - last.timeMs) <= 30_000
    );
  }

  #begin(key: string, sender: Sender, timeMs: number, process: string): OpenMessage {
    const { ip, ptr, helo, from } = sender;
    const message: OpenMessage = {
      key,
      closed: false,
      timeMs,
      lastMs: timeMs,
      process,
      ip,
      ptr,
      helo,
      from,
      verdict: undefined,
      heloVerdict: undefined,
      actions: NO_ACTIONS,
      queue: undefined,
      to: NO_RECIPIENTS,
    };
    const messages = this.#open.get(key);
    if (messages === undefined) this.#open.set(key, [message]);
    else {
      messages.push(message);
      const first = messages[0];
      if (messages.length > ALIKE_MAX && first !== undefined) this.#close(first);
    }
    this.#queue.push(message);
    if (helo.length + from.length > LONG_OCTETS) this.#keepLong(message);
    return message;
  }

  /** The messages that lines with this key may belong to; what is too old is closed. */
  #messagesOf(key: string, timeMs: number): readonly OpenMessage[] {
    while (this.#queue.length - this.#oldest > OPEN_MAX) this.#closeOldest();
    for (;;) {
      const oldest = this.#queue[this.#oldest];
      if (oldest === undefined || (!oldest.closed && Math.abs(timeMs - oldest.lastMs) <= OPEN_MS)) break;
      this.#closeOldest();
    }
    return this.#open.get(key) ?? NO_MESSAGES;
  }

  #closeOldest(): void {
    const message = this.#queue[this.#oldest];
    this.#queue[this.#oldest++] = undefined;
    if (this.#oldest > OPEN_MAX) {
      this.#queue = this.#queue.slice(this.#oldest);
      this.#oldest = 0;
    }
    if (message?.closed === false) this.#close(message);
  }

  #close(message: OpenMessage): void {
    message.closed = true;
    const messages = this.#open.get(message.key);
    if (messages !== undefined) {
      if (messages.length <= 1) this.#open.delete(message.key);
      else messages.splice(messages.indexOf(message), 1);
    }
    this.#done(message);
  }
}

function keyOf({ ip, helo, from }: Sender, process: string): string {
  return `${process} ${ip} ${helo} ${from}`;
}

function isCut(value: string): boolean {
  return value.endsWith(CUT);
}

/** Whether two values are the same, as far as neither of them was cut off. */
function isSameCut(a: string, b: string): boolean {
  if (a === b) return true;
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  return isCut(short) && long.startsWith(short.slice(0, -CUT.length));
}

/** The message that an action was done to, or undefined where it is the only line of its message. */
function matchFor(line: ActionLine, messages: readonly OpenMessage[]): OpenMessage | undefined {
  if (line.queue !== undefined) {
    const known = messages.find(({ queue }) => queue === line.queue);
    if (known !== undefined) return known;
  }
  if (messages.length === 0 || standsAlone(line)) return undefined;
  const said = resultIn(line.reason);
  const free = messages.filter(
    (message) =>
      (message.queue === undefined || line.queue === undefined) &&
      (said === undefined || message.verdict === undefined || saysResult(message, said)) &&
      (line.to.length > 0 || !hasAction(message, line.action)),
  );
  return (
    free.findLast(({ actions }) => actions.length === 0) ??
    free.findLast(({ to }) => !line.to.some((recipient) => to.includes(recipient))) ??
    (line.to.length > 0 ? undefined : free.at(-1))
  );
}

/** Whether nothing is evaluated where this is done, so that there is no result line. */
function standsAlone({ action, reason }: ActionLine): boolean {
  if (action === "skipped") return !/^(?:WhitelistTo|TrustedForwarder|AcceptDKIM)\b/.test(reason);
  return action === "refused" && reason.startsWith("sender syntax");
}

function resultIn(reason: string): string | undefined {
  return /^SPF ([a-z]+)/.exec(reason)?.[1];
}

function saysResult({ verdict, heloVerdict }: OpenMessage, result: string): boolean {
  return verdict?.result === result || heloVerdict?.result === result;
}

function hasAction({ actions }: OpenMessage, action: Action): boolean {
  return actions.some((taken) => taken.action === action);
}

function addAction(message: OpenMessage, { action, reportOnly, reason, rule, line }: ActionLine): void {
  const known = message.actions.findIndex((taken) => taken.action === action);
  const taken = { action, reportOnly, reason, rule, line };
  if (known === -1) message.actions = [...message.actions, taken];
  else if (message.actions[known]?.reportOnly === true && !reportOnly) message.actions[known] = taken;
}

/** The options that refuse, by the result that is acted upon. */
const REFUSING: Readonly<Record<string, string>> = {
  fail: "RefuseFail",
  softfail: "RefuseSoftFail",
  neutral: "RefuseNeutral",
  none: "RefuseSPFNone",
  permerror: "RefusePermError",
  temperror: "AcceptTempError",
};

/**
 * The rule that led to something. Classic lines name it for what was skipped; for the rest it follows from the
 * words of the reason.
 */
export function ruleOf({ action, reason, rule }: ActionTaken, { from }: LoggedMessage): string | undefined {
  // "WhitelistIP 10.0.0.0/8" says more than "WhitelistIP".
  if (action === "skipped") return reason === "" ? rule : reason;
  if (rule !== undefined) return rule;
  switch (action) {
    case "tagged":
      return "TagSubject";
    case "quarantined":
    case "held":
      return "Quarantine";
    case "spared":
      return "AcceptDKIM";
    case "header removed":
      return "RemoveForgedHeaders";
    case "refused": {
      const [, published = "", ofHelo, acting] =
        /^SPF ([a-z]+)( of HELO)?(?:, (?:local policy|best guess) ([a-z]+))?/.exec(reason) ?? [];
      const option = REFUSING[acting ?? published];
      if (ofHelo === undefined || option === undefined) return option;
      if (option === "RefuseSPFNone") return "RefuseSPFNoneHelo";
      return option === "RefuseFail" && from !== "" ? "RefuseHeloFail" : option;
    }
  }
}
