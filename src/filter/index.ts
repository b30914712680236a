export {
  ACTIONS,
  type Action,
  type ActionEvent,
  type FilterEvent,
  type MailFacts,
  type ResultEvent,
} from "./events.ts";
export { createFilter, type Resume } from "./filter.ts";
export type {
  Evaluation,
  EvaluationRequest,
  Evaluator,
  FilterPorts,
  FilterSettings,
} from "./ports.ts";
