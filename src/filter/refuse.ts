import { CONTINUE, type Response } from "milter-protocol";
import type { OctetString } from "../address/index.ts";
import {
  type ActionSettings,
  type Cause,
  describeCause,
  firstLine,
  type Reply,
  refusal,
} from "../policy/index.ts";
import type { CheckedMail, Message } from "./message.ts";
import type { Surroundings } from "./surroundings.ts";

/** Refuses a message or one recipient of it for what was found; with ReportOnly it is only told. */
export function refuse(
  { receiver }: Surroundings,
  message: Message,
  mail: CheckedMail,
  refused: {
    readonly cause: Cause;
    readonly actions: ActionSettings;
    readonly recipients?: readonly OctetString[];
  },
): Response {
  const { cause, actions, recipients } = refused;
  const reply = refusal(actions, cause, { helo: mail.helo, ip: mail.client.evaluatedIp.text, receiver });
  return speak(message, describeCause(cause), reply, actions.reportOnly, recipients);
}

/** Tells of a refusal and gives the response for it. */
export function speak(
  message: Message,
  reason: string,
  reply: Reply,
  reportOnly: boolean,
  recipients: readonly OctetString[] = [],
): Response {
  message.journal.action({ action: "refused", reason, recipients, reply: firstLine(reply), reportOnly });
  return reportOnly ? CONTINUE : { kind: "reply", ...reply };
}
