import type { Edit } from "milter-protocol";
import type { MessageOutcome } from "../../support/mta-player.ts";
import type { Scene } from "./scenes.ts";

/** An edit in one line of words, folded fields with their line breaks. */
export function editText(edit: Edit): string {
  switch (edit.kind) {
    case "insertHeader":
      return `insert ${edit.name}: ${edit.value.trimStart()}`;
    case "addHeader":
      return `add ${edit.name}: ${edit.value.trimStart()}`;
    case "changeHeader":
      return edit.value === "" ? `delete ${edit.name}` : `change ${edit.name}: ${edit.value.trimStart()}`;
    case "addRecipient":
      return `add recipient ${edit.path}`;
    case "deleteRecipient":
      return `delete recipient ${edit.path}`;
    case "quarantine":
      return `hold: ${edit.reason}`;
    case "changeSender":
    case "replaceBody":
      return edit.kind;
  }
}

/** What is not as the scene says it is. */
export function differences(
  expect: Scene["expect"],
  outcome: MessageOutcome,
  log: readonly string[],
): string[] {
  const faults: string[] = [];
  const { verdict, stage } = outcome;
  if (stage !== expect.stage) faults.push(`decided at ${stage}, not at ${expect.stage}`);
  const code = verdict.kind === "reply" ? verdict.code : undefined;
  if (code !== expect.code) faults.push(`answered ${code ?? verdict.kind}, not ${expect.code ?? "yes"}`);
  if (expect.code === undefined && verdict.kind !== "continue" && verdict.kind !== "accept") {
    faults.push(`the message was not taken: ${verdict.kind}`);
  }
  faults.push(...mismatches("edit", outcome.edits.map(editText), expect.edits));
  faults.push(...mismatches("log line", log, expect.log));
  return faults;
}

function mismatches(what: string, found: readonly string[], wanted: readonly RegExp[]): string[] {
  const faults: string[] = [];
  if (found.length !== wanted.length) faults.push(`${found.length} ${what}s where ${wanted.length} belong`);
  for (const [i, pattern] of wanted.entries()) {
    const text = found[i];
    if (text !== undefined && !pattern.test(text))
      faults.push(`${what} ${i + 1} is no ${String(pattern)}: ${text}`);
  }
  return faults;
}
