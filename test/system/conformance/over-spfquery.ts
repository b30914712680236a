import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { SpfResult } from "spf-check";
import { textOfOctets } from "../../../src/address/index.ts";
import type { CaseOptions, ConformanceCase } from "./conformance-case.ts";
import { judgeCommon } from "./judge.ts";
import { withServerOf } from "./over-dns.ts";

const SPFQUERY = join(import.meta.dirname, "../../../src/spfquery/main.ts");
/** Time-outs are seen as SERVFAIL here, so nothing waits for this. */
const TIMEOUT = "60s";

/** What `spfquery --batch` writes for a line. */
interface BatchResult {
  readonly result: SpfResult;
  readonly explanation: string | null;
  readonly mechanism: string | null;
  readonly lookups: number;
  readonly voids: number;
  readonly error?: string;
}

/** `spfquery --batch` with the settings that some cases share. */
export class SpfqueryBatch {
  readonly #child: ChildProcess;
  readonly #waiting: { resolve: (line: string) => void; reject: (error: Error) => void }[] = [];

  constructor(options: CaseOptions | undefined) {
    const args = [
      "--import",
      "tsx",
      SPFQUERY,
      "--batch",
      "--timeout",
      TIMEOUT,
      ...argumentsOf(options ?? {}),
    ];
    this.#child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
    const { stdout } = this.#child;
    if (stdout === null) throw new Error("no standard output");
    createInterface({ input: stdout }).on("line", (line) => this.#waiting.shift()?.resolve(line));
    this.#child.on("exit", (code) => {
      for (const { reject } of this.#waiting) reject(new Error(`spfquery ended with ${String(code)}`));
    });
  }

  /** What is wrong with what spfquery says of a case; empty where nothing is. */
  async run(one: ConformanceCase): Promise<string[]> {
    const said = await withServerOf(one, "SERVFAIL", ({ address, port }) =>
      this.#ask({
        ip: one.host,
        helo: textOfOctets(one.helo),
        sender: textOfOctets(one.mailfrom),
        receiver: one.receiver ?? "receiver.example.net",
        default_explanation: one.options?.explanation ?? "DEFAULT",
        dns: `${address}:${port}`,
      }),
    );
    if (said.error !== undefined) return [said.error];
    const { explanation, mechanism, ...rest } = said;
    return judgeCommon(
      { ...one, result: resultsOf(one) },
      {
        ...rest,
        mechanism: mechanism ?? undefined,
        explanation: explanation === null ? undefined : { text: explanation },
      },
    );
  }

  end(): void {
    this.#child.stdin?.end();
  }

  async #ask(line: Record<string, unknown>): Promise<BatchResult> {
    const answer = new Promise<string>((resolve, reject) => this.#waiting.push({ resolve, reject }));
    this.#child.stdin?.write(`${JSON.stringify(line)}\n`);
    return JSON.parse(await answer) as BatchResult;
  }
}

/** Whether JSON, which holds text, can say who sends: octets that are no UTF-8 are no text. */
export function canBeSaid({ helo, mailfrom }: ConformanceCase): boolean {
  return textOfOctets(helo) !== undefined && textOfOctets(mailfrom) !== undefined;
}

/** spfquery says what local rules or guess rules lead to, where there are any. */
function resultsOf({ result, local, guess }: ConformanceCase): readonly SpfResult[] {
  const outcome = local ?? guess ?? undefined;
  return outcome === undefined ? result : [outcome];
}

function argumentsOf(options: CaseOptions): string[] {
  const { lookupLimit, voidLookupLimit, rules, guess, overrides = {}, fallbacks = {} } = options;
  const single = { "lookup-limit": lookupLimit, "void-limit": voidLookupLimit, local: rules, guess };
  return [
    ...Object.entries(single).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}=${value}`])),
    ...Object.entries(overrides).map(([domain, record]) => `--override=${domain}=${record}`),
    ...Object.entries(fallbacks).map(([domain, record]) => `--fallback=${domain}=${record}`),
  ];
}
