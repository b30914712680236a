export { type Fault, formatFault } from "./given.ts";
export { type RuleLine, ruleLines, showConfig } from "./lines-in-force.ts";
export {
  DEFAULT_CONFIG_FILE,
  type LoadedConfig,
  loadConfig,
  type ParsedConfig,
  parseConfig,
  type StartValues,
} from "./load-config.ts";
export { migrateConfig, usedInOldFile } from "./migrate.ts";
export { migrateQmail } from "./migrate-qmail.ts";
export {
  diffSettings,
  keepUntilRestart,
  type MessageSettings,
  type OptionSettings,
  type Origins,
  type Settings,
} from "./settings.ts";
export { OPTION_NAMES, type OptionKey } from "./table.ts";
export { formatSocket } from "./values/address.ts";
export { isOneSlipAway } from "./values/nearest.ts";
export { formatEngine } from "./values/shared-cache.ts";
