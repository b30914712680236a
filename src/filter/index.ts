export { createFilter, type Resume } from "./filter.ts";
export {
  ACTIONS,
  type Action,
  type ActionEvent,
  type Evaluation,
  type EvaluationRequest,
  type Evaluator,
  type FilterEvent,
  type FilterPorts,
  type FilterSettings,
  type MailFacts,
  type ResultEvent,
} from "./ports.ts";
