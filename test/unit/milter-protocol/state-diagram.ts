/** The states of a session as a Mermaid diagram, drawn from the table of transitions: ARCHITECTURE.md shows it. */
import { type SessionState, TRANSITIONS } from "../../../src/milter-protocol/state.ts";

/** What may come at any time is said in words, not drawn. */
const ANY_TIME = new Set(["macros", "unknown", "quit"]);

export function stateDiagram(): string {
  const lines = ["stateDiagram-v2", "    [*] --> start"];
  for (const [state, row] of Object.entries(TRANSITIONS)) {
    const byTarget = new Map<SessionState, string[]>();
    for (const [command, target] of Object.entries(row)) {
      if (ANY_TIME.has(command)) continue;
      byTarget.set(target, [...(byTarget.get(target) ?? []), command]);
    }
    for (const [target, commands] of byTarget) {
      lines.push(`    ${state} --> ${target}: ${commands.join(", ")}`);
    }
  }
  return lines.join("\n");
}
