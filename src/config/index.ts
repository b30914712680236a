export { type Fault, formatFault, type Location } from "./given.ts";
export { DEFAULT_CONFIG_FILE, type LoadedConfig, type LoadOptions, loadConfig } from "./load-config.ts";
export { DRY_RUN_ORIGIN } from "./origin.ts";
export { type ConfigSources, type ParsedConfig, parseConfig } from "./parse-config.ts";
export {
  diffSettings,
  keepUntilRestart,
  type MessageSettings,
  type Origins,
  type Settings,
  type SettingsDifference,
} from "./settings.ts";
export type { OptionKey, OptionName } from "./table.ts";
