/** Composition root of spfquery: arguments → evaluation over DNS → what is printed, and the exit code. */
import "../process/no-debugger.ts";
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { hostname } from "node:os";
import { createInterface } from "node:readline";
import type { SpfResult } from "spf-check";
import { type OctetString, octetsOfText } from "../address/index.ts";
import { DEFAULT_CONFIG_FILE, formatFault, loadConfig, type Settings } from "../config/index.ts";
import { Resolver, SystemNameservers, withDeadline } from "../dns/index.ts";
import { systemReason, watchOutput } from "../process/index.ts";
import { VERSION } from "../smf-spf/version.ts";
import { exitStyleOf, type PolicyRequest, parseArguments, type Request } from "./arguments.ts";
import { inOrder, parseBatchLine, Tally } from "./batch.ts";
import { batchResult, type Json, jsonReport } from "./json-report.ts";
import { styleFor } from "./layout.ts";
import { exampleFor, exitCodeOf, FileError, helpText, UsageError, usageExitCode } from "./options.ts";
import { answerPolicy, type PolicyAnswer, policyJson, policyLines } from "./policy.ts";
import {
  effectiveResult,
  evaluate,
  makeReport,
  type Query,
  type QuerySettings,
  type Report,
} from "./query.ts";
import { resultLines, traceText } from "./text-report.ts";
import { HEADER_OCTETS_MAX, type MessageField } from "./values.ts";

/** Lines of a batch that are evaluated at the same time. */
const BATCH_CONCURRENCY = 32;
const DNS_TIMEOUT_MS = 3000;
const DNS_TRIES = 2;
const PROGRESS_MS = 500;

/** A batch may be long: it ends with its reader. */
let isBatch = false;
/** Something printed could not be written. */
let isCut = false;
const flushed = watchOutput(() => {
  if (isBatch) process.exit(0);
});

const nowMs = (): number => performance.now();
const nowSeconds = (): number => Math.floor(Date.now() / 1000);
const complain = (line: string): void => {
  process.stderr.write(`spfquery: ${line}\n`);
};

/** A resolver for one check: nothing is kept from one to the next. */
function resolverFor({ nameservers, timeoutMs }: QuerySettings): Resolver {
  const servers = nameservers.length > 0 ? nameservers : new SystemNameservers();
  // A short time for the whole evaluation still leaves room for a second try.
  return new Resolver({ servers, timeoutMs: Math.min(DNS_TIMEOUT_MS, timeoutMs / 2), tries: DNS_TRIES });
}

/** `--policy` with the settings of its smf-spf.conf. */
interface Policy {
  readonly request: PolicyRequest;
  readonly settings: Settings;
}

/** One check, and what the daemon would do. */
interface Answer {
  readonly report: Report;
  readonly policy: PolicyAnswer | undefined;
}

/** Makes one check, with a resolver that is its own. */
async function check(
  query: Query,
  given: QuerySettings,
  tells: boolean,
  policy: Policy | undefined,
  fields: readonly MessageField[] = [],
): Promise<Answer> {
  const settings = policy === undefined ? given : settingsOfConfig(given, policy.settings);
  const resolver = resolverFor(settings);
  try {
    const ports = { source: resolver, evaluate, nowMs, nowSeconds: nowSeconds() };
    const report = await makeReport(query, settings, ports, tells);
    if (policy === undefined) return { report, policy: undefined };
    const answer = await answerPolicy(
      { ...policy.request, query, fields },
      {
        settings: policy.settings,
        hostname: settings.receiver,
        nowMs,
        nowSeconds: nowSeconds(),
        evaluate: (input, deadlineMs) => evaluate(input, withDeadline(resolver, deadlineMs, nowMs)),
      },
    );
    return { report, policy: answer };
  } finally {
    resolver.close();
  }
}

/** The daemon's limits, rules and servers; name servers of the command line win. */
function settingsOfConfig(given: QuerySettings, config: Settings): QuerySettings {
  return {
    ...given,
    limits: config,
    localPolicy: config.localPolicy,
    nameservers: given.nameservers.length > 0 ? given.nameservers : config.nameserver,
    timeoutMs: config.lookupTimeMs,
  };
}

function readPolicy(request: PolicyRequest | undefined): Policy | undefined {
  if (request === undefined) return undefined;
  const file = request.config ?? DEFAULT_CONFIG_FILE;
  const { settings, faults, warnings, unknown, noInput } = loadConfig(file, {
    mustExist: request.config !== undefined,
    env: process.env,
  });
  if (settings === undefined) {
    const check = noInput ? [] : [`see all of it with: smf-spf -t -c ${file}`];
    throw new FileError([...faults.map(formatFault), ...check].join("\n"));
  }
  // Among them that there is no such file: then the answer is that of the defaults.
  for (const fault of [...warnings, ...unknown]) {
    complain(formatFault({ ...fault, reason: `warning: ${fault.reason}` }));
  }
  return { request, settings };
}

async function checkOne(request: Extract<Request, { action: "check" }>): Promise<number> {
  const { query, settings, output, exitStyle, ignored, fields } = request;
  if (ignored.length > 0) complain(`ignored: ${ignored.join(" ")}`);
  const policy = readPolicy(request.policy);
  const answer = await check(query, settings, output.trace || output.json, policy, fields);
  const { report } = answer;
  if (output.json) {
    await print(`${JSON.stringify({ ...jsonReport(report), ...policyPart(answer) })}\n`);
  } else {
    const { isTTY, columns } = process.stdout;
    const style = styleFor({ isTTY, columns }, process.env, output.colour);
    await print(resultLines(report, output.trace || isTTY));
    if (output.trace) await print(`\n${traceText(report, style)}`);
    if (answer.policy !== undefined) {
      const lines = policyLines(answer.policy, style.width - 2);
      await print(`\nPolicy of ${request.policy?.config ?? DEFAULT_CONFIG_FILE}\n`);
      await print(lines.map((line) => `  ${line}\n`).join(""));
    }
  }
  return exitCodeOf(exitStyle, effectiveResult(report.outcome));
}

function policyPart({ policy }: Answer): Record<string, Json> {
  return policy === undefined ? {} : { policy: policyJson(policy) };
}

/** Reads lines from standard input until its end; the summary goes to standard error. */
async function batch(request: Extract<Request, { action: "batch" }>): Promise<number> {
  isBatch = true;
  // Node takes one for an empty file.
  if (fstatSync(0).isDirectory()) throw new FileError("standard input is a directory");
  if (process.stdin.isTTY) complain("reading JSON or maillog lines from the terminal; end with Ctrl-D");
  const policy = readPolicy(request.policy);
  const tally = new Tally(nowMs());
  const showsProgress = process.stderr.isTTY && !process.stdout.isTTY;
  const progress = setInterval(() => {
    if (showsProgress) process.stderr.write(`\r${tally.text(nowMs())}`);
  }, PROGRESS_MS);
  const lines = createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY });
  await inOrder(
    lines,
    BATCH_CONCURRENCY,
    (line) => batchLine(line, request, policy, tally),
    (result) => (result === undefined ? Promise.resolve() : print(`${JSON.stringify(result)}\n`)),
  );
  clearInterval(progress);
  if (showsProgress) process.stderr.write("\r");
  // What could not be written is told at the end, in place of a sum.
  if (!isCut) complain(tally.text(nowMs()));
  return 0;
}

async function batchLine(
  line: string,
  { settings, output }: Extract<Request, { action: "batch" }>,
  policy: Policy | undefined,
  tally: Tally,
): Promise<Json | undefined> {
  const parsed = parseBatchLine(line, settings);
  if ("passedOver" in parsed) {
    tally.passOver();
    return undefined;
  }
  const id = parsed.id === undefined ? {} : { id: parsed.id };
  if ("error" in parsed) {
    tally.addError();
    return { ...id, error: parsed.error };
  }
  const tells = output.json || output.trace;
  const answer = await check(parsed.query, parsed.settings, tells, policy);
  const { report } = answer;
  const result: SpfResult = effectiveResult(report.outcome);
  tally.add(result, answer.policy?.stage !== undefined);
  return { ...id, ...(tells ? jsonReport(report) : batchResult(report.outcome)), ...policyPart(answer) };
}

/** The octets at the top of a file, as many as are looked at. */
function readMessage(file: string): OctetString {
  let fd: number | undefined;
  try {
    fd = openSync(file, "r");
    const buffer = Buffer.alloc(HEADER_OCTETS_MAX);
    let length = 0;
    for (;;) {
      const read = readSync(fd, buffer, length, buffer.length - length, null);
      length += read;
      if (read === 0 || length === buffer.length) return buffer.toString("latin1", 0, length);
    }
  } catch (error) {
    throw new FileError(`${file} cannot be read: ${systemReason(error)}`);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** Writes to standard output and waits until it is written, or cannot be. */
function print(text: string): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write(text, (error) => {
      if (error) isCut = true;
      resolve();
    });
  });
}

async function main(argv: readonly string[]): Promise<number> {
  const style = exitStyleOf(argv);
  try {
    const request = parseArguments(argv, octetsOfText(hostname()), readMessage);
    switch (request.action) {
      case "help":
        await print(helpText());
        return 0;
      case "version":
        await print(`spfquery (smf-spf) ${VERSION}\n`);
        return 0;
      case "batch":
        return await batch(request);
      case "check":
        return await checkOne(request);
    }
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    if (error instanceof FileError) {
      for (const line of error.message.split("\n")) complain(line);
      return usageExitCode(style);
    }
    complain(`${error.message}\n  example: ${exampleFor(style)}\n  all options: spfquery --help`);
    return usageExitCode(style);
  }
}

/** What is printed was not written: no result may be read from the exit code. */
async function end(exitCode: number): Promise<void> {
  const failure = await flushed();
  if (failure === undefined) process.exit(exitCode);
  complain(`cannot write the output: ${systemReason(failure)}`);
  await flushed();
  process.exit(usageExitCode(exitStyleOf(process.argv.slice(2))));
}

void main(process.argv.slice(2)).then(end);
