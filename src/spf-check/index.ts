export type { CheckHostInput, LocalPolicy, LookupLimits } from "./input.ts";
export type { Answer, AnswerSource, Question, RecordData, RecordType, Step } from "./lookup.ts";
export type { Explanation, Outcome, PathStep, RuleOutcome, SenderMacro } from "./outcome.ts";
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
// To come with their modules:
//   checkHost(input: CheckHostInput): Generator<Step, Outcome, Answer | undefined>
//   parseRecord(text): { record: SpfRecord } | { fault: RecordFault }      with the version section
//   parseMechanisms(text): same, for SPFRules and SPFGuess: no version section, no modifiers
//   parseMacroString(text, place): MacroString | fault                     place: domain-spec | explanation | own explanation
//   printRecord(record): string
//   isNoMailRecord(text): boolean                                          the whole record is `v=spf1 -all`
