export { type IpAddress, type OctetString, parseIpAddress } from "../address/index.ts";
export { checkHost } from "./check-host.ts";
export { withDefaultExplanation } from "./explanation.ts";
export {
  type MacroPart,
  type MacroPlace,
  type MacroString,
  type ParsedMacroString,
  parseMacroString,
  type RecordFault,
} from "./macros.ts";
export { answerFrom, DEFAULT_INPUT, type NodeResolver } from "./node-dns.ts";
export {
  type Directive,
  type DualCidr,
  isNoMailRecord,
  isSpfRecord,
  type Mechanism,
  type Modifier,
  type ParsedRecord,
  parseMechanisms,
  parseRecord,
  printMechanisms,
  printRecord,
  type Qualifier,
  type SpfRecord,
} from "./record.ts";
export {
  type Answer,
  type AnswerSource,
  bareOutcome,
  type CheckHostInput,
  type Explanation,
  type LocalPolicy,
  type LookupLimits,
  type Outcome,
  type PathStep,
  type Pending,
  type PermerrorProblem,
  type Question,
  type RecordData,
  type RecordType,
  type RuleOutcome,
  type SenderMacro,
  SPF_RESULTS,
  type SpfResult,
  type Step,
  type TemperrorCause,
  type TraceLookup,
  type TraceRecord,
  type TraceTerm,
  temperror,
} from "./types.ts";
