export { exitStyleOf, type Output, parseArguments, type Request } from "./arguments.ts";
export { inOrder, parseBatchLine } from "./batch.ts";
export { batchResult, type Json, jsonReport } from "./json-report.ts";
export { lookFor } from "./layout.ts";
export { makeReport, type ReportPorts } from "./make-report.ts";
export { exampleFor, exitCodeOf, helpText, UsageError, usageExitCode } from "./options.ts";
export { effectiveResult, type Query, type QuerySettings, type Report } from "./query.ts";
export { resultLines, traceText } from "./text-report.ts";
