export {
  type AnswerCache,
  type AnswerCacheCounters,
  type AnswerCacheOptions,
  createAnswerCache,
} from "./answer-cache.ts";
export { temperror } from "./temperror.ts";
export {
  type Check,
  createVerdictCache,
  type VerdictCache,
  type VerdictCacheCounters,
  type VerdictCacheOptions,
} from "./verdict-cache.ts";
export type { VerdictInput } from "./verdict-key.ts";
