/** `--line` and `--batch`: what is checked, from a line of the maillog. */
import { octetsOfText } from "../address/index.ts";
import { readLogLine } from "../spfreport/log-line.ts";
import { UsageError } from "./options.ts";
import type { Query } from "./query.ts";
import { readIp, shown } from "./values.ts";

/** What Postfix logs of a message that a milter has refused. */
const MILTER_REJECT =
  /: milter-reject: (?:MAIL|RCPT|END-OF-MESSAGE) from \S*?\[([0-9A-Fa-f.:]+)\]: .*?; from=<([^>]*)>.*? helo=<([^>]*)>/;

/**
 * What a line of ours, of the C programs, or of Postfix about a milter says; undefined where it does not name an
 * address and a sender. With `results` a line about what was done is none: the result of its message has its own.
 */
export function queryOfLine(line: string, kinds: "all" | "results"): Query | undefined {
  const reject = MILTER_REJECT.exec(line);
  if (reject !== null && kinds === "all") {
    const [, ip = "", from = "", helo = ""] = reject;
    return queryOf(ip, helo, from);
  }
  const body = line.replace(/^.*?\bsmf-spf(?:\[\d+\])?: /, "").replace(/^\uFEFF/, "");
  const read = readLogLine(body);
  if (typeof read === "string" || (kinds === "results" && read.kind !== "result")) return undefined;
  return queryOf(read.ip, read.helo, read.from);
}

/**
 * The same for `--line`.
 * @throws UsageError with what is expected
 */
export function readLine(line: string): Query {
  const query = queryOfLine(line, "all");
  if (query === undefined) {
    throw new UsageError(
      `invalid line ${shown(line.slice(0, 60))}: expected one that names an address and a sender, such as ` +
        `"SPF fail: 192.0.2.1, [192.0.2.1], mail.example.org, user@example.org"`,
    );
  }
  return query;
}

function queryOf(ip: string, helo: string, from: string): Query | undefined {
  try {
    return { ip: readIp(ip), helo: octetsOfText(helo), sender: octetsOfText(from), scope: "mfrom" };
  } catch (error) {
    if (error instanceof UsageError) return undefined;
    throw error;
  }
}
