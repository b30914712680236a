export { checkHost } from "./check-host.ts";
export { withDefaultExplanation } from "./default-explanation.ts";
export type { CheckHostInput, LocalPolicy, LookupLimits } from "./input.ts";
export type { Answer, AnswerSource, Question, RecordData, RecordType, Step } from "./lookup.ts";
export type { Explanation, Outcome, PathStep, RuleOutcome, SenderMacro } from "./outcome.ts";
export {
  type MacroPlace,
  type ParsedMacroString,
  parseMacroString,
} from "./parse-macro-string.ts";
export { isSpfRecord, type ParsedRecord, parseMechanisms, parseRecord } from "./parse-record.ts";
export { isNoMailRecord, printMechanisms, printRecord } from "./print-record.ts";
export type {
  Directive,
  DualCidr,
  MacroPart,
  MacroString,
  Mechanism,
  Modifier,
  Qualifier,
  RecordFault,
  SpfRecord,
} from "./record.ts";
export { SPF_RESULTS, type SpfResult } from "./result.ts";
export type { TraceLookup, TraceRecord, TraceTerm } from "./trace.ts";
