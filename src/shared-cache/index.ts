export { type CacheEngine, type EngineAddress, type EngineError } from "./engine.ts";
export {
  SharedCache,
  type SharedCacheCounters,
  type SharedCacheError,
  type SharedCacheOptions,
} from "./shared-cache.ts";
