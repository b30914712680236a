/** Plays the session of a scenario to an MTA, real or virtual, and tells what came of it. */
import assert from "node:assert/strict";
import type { SmtpReply } from "../../support/smtp-client.ts";
import { differences, type Exchange, type Observation, transcript } from "./observation.ts";
import type { Scenario } from "./scenario.ts";
import type { Action, Step } from "./steps.ts";

/** The server's side of SMTP connections, one at a time. A reply is undefined where the connection has ended. */
export interface SmtpPeer {
  /** Opens a connection; the greeting. */
  connect(address: string): Promise<SmtpReply | undefined>;
  command(line: string): Promise<SmtpReply | undefined>;
  /**
   * Has these lines sent in one write with the next command or message; {@link command} is called for each of them
   * all the same, and then gives the reply.
   */
  sendAlong(lines: readonly string[]): void;
  /** The message, after DATA was answered with 354. */
  message(lines: readonly string[]): Promise<SmtpReply | undefined>;
  /** Part of a message; then the connection ends without a word. */
  unfinished(lines: readonly string[]): Promise<void>;
  startTls(certificate: boolean): Promise<SmtpReply | undefined>;
  authenticate(): Promise<SmtpReply | undefined>;
  /** Ends the connection, if there is one, without a word. */
  drop(): Promise<void>;
}

/** Who can play scenarios. */
export interface Player {
  play(scenario: Scenario): Promise<Observation>;
}

/** Plays and compares. */
export async function check(player: Player, scenario: Scenario): Promise<void> {
  const observed = await player.play(scenario);
  const found = differences(scenario, observed);
  assert.ok(found.length === 0, `${scenario.name}\n  ${found.join("\n  ")}\n${transcript(observed)}`);
}

/** All steps in order; a refused one does not end the session. */
export async function playSteps(steps: readonly Step[], peer: SmtpPeer): Promise<Exchange[]> {
  const exchanges: Exchange[] = [];
  try {
    for (const [index, step] of steps.entries()) {
      const along = pipelinedBehind(steps, index);
      exchanges.push({ step, reply: await perform(step.action, along, peer) });
    }
  } finally {
    await peer.drop();
  }
  return exchanges;
}

/** The commands that go out together with this step. */
function pipelinedBehind(steps: readonly Step[], index: number): string[] {
  if (steps[index]?.pipelined === true && steps[index].action.kind !== "data") return [];
  const lines: string[] = [];
  for (const { action, pipelined } of steps.slice(index + 1)) {
    if (!pipelined) break;
    lines.push(action.kind === "command" ? action.text : "DATA");
    if (action.kind !== "command") break;
  }
  return lines;
}

async function perform(
  action: Action,
  along: readonly string[],
  peer: SmtpPeer,
): Promise<SmtpReply | undefined> {
  switch (action.kind) {
    case "connect":
      await peer.drop();
      return peer.connect(action.address);
    case "command":
      peer.sendAlong(along);
      return peer.command(action.text);
    case "data":
    case "unfinished": {
      const reply = await peer.command("DATA");
      if (reply?.code !== "354") return reply;
      if (action.kind === "unfinished") {
        await peer.unfinished(action.lines);
        return undefined;
      }
      peer.sendAlong(along);
      return peer.message(action.lines);
    }
    case "starttls":
      return peer.startTls(action.certificate);
    case "auth":
      return peer.authenticate();
    case "disconnect":
      await peer.drop();
      return undefined;
  }
}
