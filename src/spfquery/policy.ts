/** `--policy`: one message played through the daemon's own filter, with the settings of an smf-spf.conf. */
import { type EndOfMessageResponse, LATER, type Macros, type Response } from "milter-protocol";
import type { CheckHostInput, Outcome } from "spf-check";
import { octetsOfText } from "../address/index.ts";
import type { Settings } from "../config/index.ts";
import { type ActionEvent, createFilter, type FilterEvent, type ResultEvent } from "../filter/index.ts";
import type { Json } from "./json-report.ts";
import { wrap } from "./layout.ts";
import type { Query } from "./query.ts";
import type { MessageField } from "./values.ts";

/** What the command line says about the message besides what is checked. */
export interface PolicyQuestion {
  readonly query: Query;
  /** Recipients without angle brackets; `postmaster` where none is given. */
  readonly recipients: readonly string[];
  /** The name under which the sender has logged in. */
  readonly authenticated: string | undefined;
  /** The host name that the MTA has verified. */
  readonly ptr: string | undefined;
  /** The header of the message, where one was given. */
  readonly fields: readonly MessageField[];
}

/** What the daemon would do. */
export interface PolicyAnswer {
  /** At which stage the message, or its last recipient, is refused; undefined where it is delivered. */
  readonly stage: "MAIL" | "RCPT" | "end of message" | undefined;
  /** `550 5.7.23 …`, the lines of the refusal. */
  readonly reply: readonly string[];
  readonly results: readonly ResultEvent[];
  readonly actions: readonly ActionEvent[];
}

/** What the filter needs of the outside. */
export interface PolicyPorts {
  readonly settings: Settings;
  readonly hostname: string;
  readonly nowMs: () => number;
  readonly nowSeconds: number;
  /** Runs check_host(). */
  readonly evaluate: (input: CheckHostInput, deadlineMs: number) => Promise<Outcome>;
}

/** An MTA of version 6 that offers all there is, as Sendmail and Postfix do. */
const OFFER = { version: 6, actions: 0x1ff, protocol: 0x1fffff };

/** Plays the message and tells what would come of it. */
export async function answerPolicy(question: PolicyQuestion, ports: PolicyPorts): Promise<PolicyAnswer> {
  const { query, fields } = question;
  const events: FilterEvent[] = [];
  let resume: (answer: Response | EndOfMessageResponse) => void = () => undefined;
  const filter = createFilter(filterPorts(ports, events), (answer) => {
    resume(answer);
  });
  const settled = async (
    ask: () => Response | EndOfMessageResponse | typeof LATER,
  ): Promise<Response | EndOfMessageResponse> => {
    const later = new Promise<Response | EndOfMessageResponse>((resolve) => {
      resume = resolve;
    });
    const answer = ask();
    return answer === LATER ? later : answer;
  };
  const macros = macrosOf(question, ports.hostname);
  const answerWith = (stage: PolicyAnswer["stage"], response: Response): PolicyAnswer => ({
    stage,
    reply: replyLines(response),
    results: events.filter((event) => event.event === "result"),
    actions: events.filter((event) => event.event === "action"),
  });

  filter.negotiate(OFFER);
  const { ip } = query;
  filter.connect(
    {
      hostname: question.ptr ?? `[${ip.text}]`,
      family: ip.family === 4 ? "inet" : "inet6",
      port: 25,
      address: ip.text,
    },
    macros,
  );
  filter.helo(query.helo, macros);
  const atMail = responseOf(await settled(() => filter.mail(`<${query.sender}>`, [], macros)));
  if (atMail.kind !== "continue") return answerWith(isRefusal(atMail) ? "MAIL" : undefined, atMail);
  const recipients = question.recipients.length > 0 ? question.recipients : ["postmaster"];
  let refusal: Response | undefined;
  let isAnyAccepted = false;
  for (const recipient of recipients) {
    const response = responseOf(await settled(() => filter.rcpt(`<${octetsOfText(recipient)}>`, [], macros)));
    if (isRefusal(response)) refusal = response;
    else isAnyAccepted = true;
  }
  if (!isAnyAccepted && refusal !== undefined) return answerWith("RCPT", refusal);
  for (const { name, value } of fields) await settled(() => filter.header(name, value));
  const atEnd = responseOf(await settled(() => filter.endOfMessage(macros)));
  filter.close();
  return answerWith(isRefusal(atEnd) ? "end of message" : undefined, atEnd);
}

function filterPorts(
  { settings, hostname, nowMs, nowSeconds, evaluate }: PolicyPorts,
  events: FilterEvent[],
): Parameters<typeof createFilter>[0] {
  return {
    settings,
    hostname,
    nowMs,
    transport: "unix",
    report: (event) => {
      events.push(event);
    },
    evaluator: {
      evaluate: (request, done) => {
        let isCancelled = false;
        const beganMs = nowMs();
        const { localPolicy, prefetch: hints } = settings;
        const input = { ...request, nowSeconds, limits: settings, localPolicy, hints, trace: false };
        void evaluate(input, request.deadlineMs).then((outcome) => {
          if (!isCancelled) done({ outcome, cached: false, elapsedMs: nowMs() - beganMs });
        });
        return {
          cancel: () => {
            isCancelled = true;
          },
        };
      },
    },
  };
}

function macrosOf({ authenticated }: PolicyQuestion, hostname: string): Macros {
  const values: Record<string, string | undefined> = { j: hostname, "{auth_authen}": authenticated };
  return { get: (name) => values[name] };
}

const responseOf = (answer: Response | EndOfMessageResponse): Response =>
  "edits" in answer ? answer.response : answer;

function isRefusal({ kind }: Response): boolean {
  return kind === "reply" || kind === "reject" || kind === "tempfail";
}

function replyLines(response: Response): string[] {
  if (response.kind !== "reply") return [];
  const { code, enhanced, lines } = response;
  return lines.map((line, i) => `${code}${i === lines.length - 1 ? " " : "-"}${enhanced} ${line}`);
}

/** The answer as lines for a person, at most `width` columns but for the words of a reply. */
export function policyLines(answer: PolicyAnswer, width: number): string[] {
  const lines = answer.actions.flatMap((action) => {
    const what = action.reportOnly ? `would be ${action.action}` : action.action;
    const place = action.location ?? "default";
    const rule =
      action.rule === undefined
        ? ""
        : action.reason.startsWith(action.rule)
          ? ` (${place})`
          : `, ${action.rule} (${place})`;
    const to = action.recipients.length === 0 ? "" : `, to ${action.recipients.join(" ")}`;
    return wrap(`${what}: ${action.reason}${rule}${to}`, width - 2).map((line, i) =>
      i === 0 ? line : `  ${line}`,
    );
  });
  if (answer.stage !== undefined) lines.push(`refused at ${answer.stage}:`);
  else lines.push("the message is delivered");
  return [...lines, ...answer.reply.map((line) => `  ${line}`)];
}

/** The answer as one JSON object. */
export function policyJson(answer: PolicyAnswer): { readonly [key: string]: Json } {
  return {
    stage: answer.stage ?? null,
    reply: answer.reply,
    actions: answer.actions.map((action) => ({
      action: action.action,
      report_only: action.reportOnly,
      reason: action.reason,
      rule: action.rule ?? null,
      line: action.location ?? null,
      to: action.recipients,
    })),
  };
}
