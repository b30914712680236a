/** Programs of others that read what we write: a line of JSON in, a line of JSON out. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";

const FOLDER = join(import.meta.dirname, "readers");

/** Who reads, and the script below readers/ that asks them. */
const READERS = {
  /** Python's authres: ASCII only, no authserv-id in quotes. */
  authres: ["/usr/bin/python3", "authentication-results.py"],
  /** Perl's Mail::AuthenticationResults: no quoted-pair in a quoted string. */
  "Mail::AuthenticationResults": ["perl", "authentication-results.pl"],
  SpamAssassin: ["perl", "spamassassin.pl"],
} as const;

export type ReaderName = keyof typeof READERS;

/** What came of one input. */
export interface Answered {
  readonly answer?: unknown;
  /** Why it could not be read. */
  readonly error?: string;
}

/** Has one program read every input. */
export function askReader(name: ReaderName, inputs: readonly unknown[]): Answered[] {
  const [program, script] = READERS[name];
  const output = execFileSync(program, [join(FOLDER, script)], {
    input: inputs.map((input) => `${JSON.stringify(input)}\n`).join(""),
    encoding: "utf8",
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1" },
    maxBuffer: 64 * 1024 * 1024,
  });
  const answers = output
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Answered);
  if (answers.length !== inputs.length) throw new Error(`${inputs.length} asked, ${answers.length} answered`);
  return answers;
}
