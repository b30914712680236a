export { sharesOf } from "./fair-gate.ts";
export {
  type Check,
  VerdictCache,
  type VerdictCacheCounters,
  type VerdictCacheOptions,
} from "./verdict-cache.ts";
export type { VerdictInput } from "./verdict-store.ts";
