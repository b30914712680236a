/** Composition root of spfquery: arguments → evaluation over DNS → what is printed, and the exit code. */
import { fstatSync } from "node:fs";
import { hostname } from "node:os";
import { createInterface } from "node:readline";
import { type AnswerSource, type CheckHostInput, checkHost, type Outcome } from "spf-check";
import { octetsOfText } from "../address/index.ts";
import { drive, Resolver, systemNameservers } from "../dns/index.ts";
import { watchOutput } from "../process/index.ts";
import { VERSION } from "../smf-spf/version.ts";
import { temperror } from "../verdicts/index.ts";
import {
  batchResult,
  effectiveResult,
  exampleFor,
  exitCodeOf,
  exitStyleOf,
  helpText,
  inOrder,
  type Json,
  jsonReport,
  lookFor,
  makeReport,
  type Output,
  parseArguments,
  parseBatchLine,
  type Query,
  type QuerySettings,
  type Report,
  type Request,
  resultLines,
  traceText,
  UsageError,
  usageExitCode,
} from "./index.ts";

/** Lines of a batch that are evaluated at the same time. */
const BATCH_CONCURRENCY = 32;
const DNS_TIMEOUT_MS = 3000;
const DNS_TRIES = 2;

/** A batch may be long: it ends with its reader. */
let isBatch = false;
const flushed = watchOutput(() => {
  if (isBatch) process.exit(0);
});

/** A resolver for one check: nothing is kept from one to the next. */
function resolverFor({ nameservers, timeoutMs }: QuerySettings): Resolver {
  const servers = nameservers.length > 0 ? nameservers : systemNameservers();
  // A short time for the whole evaluation still leaves room for a second try.
  return new Resolver({ servers, timeoutMs: Math.min(DNS_TIMEOUT_MS, timeoutMs / 2), tries: DNS_TRIES });
}

function evaluate(input: CheckHostInput, source: AnswerSource): Promise<Outcome> {
  return new Promise((resolve) => {
    const onThrow = (error: unknown): Outcome =>
      temperror(input.domain, `internal error: ${error instanceof Error ? error.message : String(error)}`);
    const outcome = drive(checkHost(input), { source, onThrow }, resolve);
    if (!("cancel" in outcome)) resolve(outcome);
  });
}

/** Makes one check, with a resolver that is its own. */
async function check(query: Query, settings: QuerySettings, tells: boolean): Promise<Report> {
  const resolver = resolverFor(settings);
  try {
    const ports = {
      source: resolver,
      evaluate,
      nowMs: () => performance.now(),
      nowSeconds: Math.floor(Date.now() / 1000),
    };
    return await makeReport(query, settings, ports, tells);
  } finally {
    resolver.close();
  }
}

async function checkOne(request: Extract<Request, { action: "check" }>): Promise<number> {
  const { query, settings, output, exitStyle, ignored } = request;
  if (ignored.length > 0) process.stderr.write(`spfquery: without effect here: ${ignored.join(" ")}\n`);
  const report = await check(query, settings, output.trace || output.json);
  if (output.json) {
    await print(`${JSON.stringify(jsonReport(report))}\n`);
  } else {
    await print(resultLines(report));
    if (output.trace) {
      const { isTTY, columns } = process.stdout;
      await print(`\n${traceText(report, lookFor({ isTTY, columns }, process.env, output.colour))}`);
    }
  }
  return exitCodeOf(exitStyle, effectiveResult(report.outcome));
}

async function batch(settings: QuerySettings, output: Output): Promise<number> {
  isBatch = true;
  // Node takes one for an empty file.
  if (fstatSync(0).isDirectory()) throw new UsageError("standard input is a folder");
  const lines = createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY });
  await inOrder(
    lines,
    BATCH_CONCURRENCY,
    (line) => batchLine(line, settings, output),
    (result) => print(`${JSON.stringify(result)}\n`),
  );
  return 0;
}

async function batchLine(line: string, settings: QuerySettings, { json, trace }: Output): Promise<Json> {
  const parsed = parseBatchLine(line, settings);
  const id = parsed.id === undefined ? {} : { id: parsed.id };
  if ("error" in parsed) return { ...id, error: parsed.error };
  const tells = json || trace;
  const report = await check(parsed.query, parsed.settings, tells);
  return { ...id, ...(tells ? jsonReport(report) : batchResult(report.outcome)) };
}

/** Writes to standard output and waits until it is written, or cannot be. */
function print(text: string): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write(text, () => {
      resolve();
    });
  });
}

async function main(argv: readonly string[]): Promise<number> {
  const style = exitStyleOf(argv);
  try {
    const request = parseArguments(argv, octetsOfText(hostname()));
    switch (request.action) {
      case "help":
        await print(helpText());
        return 0;
      case "version":
        await print(`spfquery (smf-spf) ${VERSION}\n`);
        return 0;
      case "batch":
        return await batch(request.settings, request.output);
      case "check":
        return await checkOne(request);
    }
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(
      `spfquery: ${error.message}\n  as in: ${exampleFor(style)}\n  all options: spfquery --help\n`,
    );
    return usageExitCode(style);
  }
}

/** What is printed was not written: no result may be read from the exit code. */
async function end(exitCode: number): Promise<void> {
  const trouble = await flushed();
  if (trouble === undefined) process.exit(exitCode);
  process.stderr.write(`spfquery: the output cannot be written: ${trouble.message}\n`);
  await flushed();
  process.exit(usageExitCode(exitStyleOf(process.argv.slice(2))));
}

void main(process.argv.slice(2)).then(end);
