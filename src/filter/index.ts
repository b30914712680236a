export type { ActionEvent, FilterEvent, MailFacts, ResultEvent } from "./events.ts";
export type {
  Cancel,
  Evaluation,
  EvaluationRequest,
  Evaluator,
  FilterPorts,
  FilterSettings,
} from "./ports.ts";
// To come: createFilter(ports: FilterPorts, resume: (answer) => void): MilterHandler
