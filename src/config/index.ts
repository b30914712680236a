export { type Fault, formatFault, type Location } from "./given.ts";
export { DEFAULT_CONFIG_FILE, type LoadedConfig, type LoadOptions, loadConfig } from "./load-config.ts";
export { migrateConfig } from "./migrate.ts";
export { migrateQmail } from "./migrate-qmail.ts";
export { type ConfigSources, type ParsedConfig, parseConfig } from "./parse-config.ts";
export { type RuleLine, ruleLines } from "./rule-lines.ts";
export {
  diffSettings,
  keepUntilRestart,
  type MessageSettings,
  type OptionSettings,
  type Origins,
  type Settings,
  type SettingsDifference,
} from "./settings.ts";
export { showConfig } from "./show-config.ts";
export { OPTION_NAMES, type OptionKey, type OptionName } from "./table.ts";
export { formatSocket } from "./values/address.ts";
export { formatEngine } from "./values/shared-cache.ts";
