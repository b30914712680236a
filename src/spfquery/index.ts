export { exitStyleOf, type Output, type PolicyRequest, parseArguments, type Request } from "./arguments.ts";
export { inOrder, parseBatchLine, Tally } from "./batch.ts";
export { batchResult, type Json, jsonReport } from "./json-report.ts";
export { styleFor } from "./layout.ts";
export { exampleFor, exitCodeOf, helpText, UsageError, usageExitCode } from "./options.ts";
export { answerPolicy, type PolicyAnswer, policyJson, policyLines } from "./policy.ts";
export {
  effectiveResult,
  evaluate,
  makeReport,
  type Query,
  type QuerySettings,
  type Report,
  type ReportPorts,
} from "./query.ts";
export { resultLines, traceText } from "./text-report.ts";
export { HEADER_OCTETS_MAX, type MessageField } from "./values.ts";
