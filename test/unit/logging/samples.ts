import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { SPF_RESULTS } from "spf-check";
import type { ActionEvent, ResultEvent } from "../../../src/filter/index.ts";

export { until } from "../../support/child-process.ts";

/** The verdict of the contract's first log line. */
export function resultEvent(changes: Partial<ResultEvent> = {}): ResultEvent {
  return {
    event: "result",
    queueId: undefined,
    ip: "192.0.2.1",
    ptr: "spf.example.jp",
    helo: "spf.example.jp",
    from: "mikio@example.jp",
    result: "pass",
    cached: false,
    source: "dns",
    identity: "mailfrom",
    mechanism: "ip4:192.0.2.0/24",
    problem: undefined,
    failure: undefined,
    lookups: 1,
    voids: 0,
    elapsedMs: 12.4,
    local: undefined,
    guess: undefined,
    ...changes,
  };
}

/** A refusal. */
export function actionEvent(changes: Partial<ActionEvent> = {}): ActionEvent {
  return {
    event: "action",
    queueId: "4AM3IhAB012345",
    ip: "192.0.2.9",
    ptr: "[192.0.2.9]",
    helo: "spf.example.jp",
    from: "mail@uso.example.jp",
    action: "refused",
    reason: "SPF fail",
    rule: "RefuseFail",
    location: undefined,
    recipients: [],
    reply: "550 5.7.23 no",
    dkim: undefined,
    reportOnly: false,
    ...changes,
  };
}

const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "\r\n",
        "\n",
        "\0",
        "\x1b[2J",
        '"',
        "\\",
        ", ",
        "<3>",
        "\xc2\x85",
        "\xe2\x80\xae",
        "é",
        "\x7f",
      ),
      fc.string({ maxLength: 20 }),
      fc.constantFrom("x".repeat(400), '"'.repeat(300), "\xff".repeat(300), "\\".repeat(300)),
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(""));

const facts = {
  queueId: fc.option(hostile, { nil: undefined }),
  ip: hostile,
  ptr: hostile,
  helo: hostile,
  from: hostile,
};

/** Verdicts and actions in which every string may be hostile. */
export const hostileEvent: fc.Arbitrary<ResultEvent | ActionEvent> = fc.oneof(
  fc.record({
    event: fc.constant("result" as const),
    ...facts,
    result: fc.constantFrom(...SPF_RESULTS),
    cached: fc.boolean(),
    source: fc.constantFrom("cache", "joined", "dns", "shared"),
    failure: fc.constant(undefined),
    identity: fc.constantFrom("mailfrom" as const, "helo" as const),
    mechanism: fc.option(hostile, { nil: undefined }),
    problem: fc.option(hostile, { nil: undefined }),
    lookups: fc.nat(10),
    voids: fc.nat(10),
    elapsedMs: fc.double({ min: 0, max: 1e6, noNaN: true }),
    local: fc.option(fc.constantFrom(...SPF_RESULTS), { nil: undefined }),
    guess: fc.option(fc.constantFrom(...SPF_RESULTS), { nil: undefined }),
  }),
  fc.record({
    event: fc.constant("action" as const),
    ...facts,
    action: fc.constantFrom("refused" as const, "quarantined" as const, "skipped" as const),
    reason: hostile,
    rule: fc.constantFrom("RefuseFail", undefined),
    location: fc.option(hostile, { nil: undefined }),
    recipients: fc.array(hostile, { maxLength: 30 }),
    reply: fc.option(hostile, { nil: undefined }),
    dkim: fc.constantFrom("none", undefined),
    reportOnly: fc.boolean(),
  }),
);

/** Fixed, so that a failing run can be made again. */
export const FUZZ = { seed: 3164, numRuns: 500 };

/** A folder for one test, removed after it. */
export async function withFolder(use: (folder: string) => Promise<void> | void): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "smf-spf-log-"));
  try {
    await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The lines of a file, none where it does not exist. */
export function linesOf(path: string): string[] {
  try {
    return readFileSync(path, "latin1").split("\n").slice(0, -1);
  } catch {
    return [];
  }
}

/**
 * A stand-in for logger(1): writes its arguments to `FOLDER/args` and then does what the script says.
 *
 * @param body shell commands; `$F` is the folder
 */
export function fakeLogger(folder: string, body: string, version = "logger from util-linux 2.38.1"): string {
  const path = join(folder, "fake-logger");
  const script = [
    "#!/bin/sh",
    `F='${folder}'`,
    `[ "$1" = --version ] && { echo '${version}'; exit 0; }`,
    'echo "$*" >> "$F/args"',
    body,
    "",
  ].join("\n");
  writeFileSync(path, script);
  chmodSync(path, 0o755);
  return path;
}
