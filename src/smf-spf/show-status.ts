/** `--status`: what the daemon serves at StatusSocket, in the terminal. */
import { type IncomingMessage, request } from "node:http";
import { formatSocket, type Settings } from "../config/index.ts";
import { DaemonError, EXIT, systemCode, systemReason } from "../process/index.ts";
import { type ConfigChoice, configFileOf, readStatusSocket } from "./config-check.ts";
import { loadPart } from "./parts.ts";

const ANSWER_MS_MAX = 5_000;
const ANSWER_OCTETS_MAX = 2_000_000;

/** What is printed and what is complained of, and the exit code: 69 where nobody answers. */
export async function showStatus(
  choice: ConfigChoice,
  { json }: { readonly json: boolean },
): Promise<{
  readonly lines: readonly string[];
  readonly problems: readonly string[];
  readonly exitCode: number;
}> {
  const { statusSocket, faults, exitCode } = readStatusSocket(choice);
  if (statusSocket === undefined) {
    const example = "StatusSocket unix:/var/run/smfs/status.sock";
    const problem = `StatusSocket is not set in ${configFileOf(choice)}: add, for example, "${example}", and restart smf-spf`;
    return { lines: [], problems: faults.length > 0 ? faults : [problem], exitCode };
  }
  try {
    const text = await fetchStatus(statusSocket);
    if (json) return { lines: [text], problems: faults, exitCode: EXIT.ok };
    const { statusLines } = await loadPart("status");
    // In a pipe nothing is cut.
    const width = process.stdout.isTTY ? process.stdout.columns : undefined;
    const lines = statusLines(JSON.parse(text) as Parameters<typeof statusLines>[0], width);
    return { lines, problems: faults, exitCode: EXIT.ok };
  } catch (error) {
    if (error instanceof DaemonError)
      return { lines: [], problems: [error.message], exitCode: error.exitCode };
    const problem = `StatusSocket ${formatSocket(statusSocket)} does not answer: ${systemReason(error)}${remedyFor(error)}`;
    return { lines: [], problems: [...faults, problem], exitCode: EXIT.unavailable };
  }
}

function remedyFor(error: unknown): string {
  switch (systemCode(error)) {
    case "ECONNREFUSED":
    case "ENOENT":
      return "; is smf-spf running, and was it started after StatusSocket was set?";
    case "EACCES":
      return "; ask as root, or as a member of StatusSocketGroup";
    default:
      return "";
  }
}

type Address = NonNullable<Settings["statusSocket"]>;

function fetchStatus(address: Address): Promise<string> {
  const where =
    address.kind === "unix" ? { socketPath: address.path } : { host: address.host, port: address.port };
  return new Promise((resolve, reject) => {
    const asked = request({ ...where, path: "/status.json", headers: { Host: "localhost" }, agent: false });
    asked.setTimeout(ANSWER_MS_MAX, () => asked.destroy(new Error("no answer in time")));
    asked.once("error", reject);
    asked.once("response", (response: IncomingMessage) => {
      const chunks: Buffer[] = [];
      let octets = 0;
      response.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        octets += chunk.length;
        if (octets > ANSWER_OCTETS_MAX) asked.destroy(new Error("the answer is too long"));
      });
      response.once("error", reject);
      response.once("end", () => {
        if (response.statusCode === 200) resolve(Buffer.concat(chunks).toString("utf8"));
        else reject(new Error(`it answers with status ${response.statusCode ?? 0}`));
      });
    });
    asked.end();
  });
}
