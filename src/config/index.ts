export { diffSettings, type SettingsDifference } from "./diff-settings.ts";
export { formatFault } from "./fault.ts";
export type { Place } from "./given.ts";
export { DEFAULT_CONFIG_FILE, type LoadedConfig, type LoadOptions, loadConfig } from "./load-config.ts";
export type { OptionName } from "./options/table.ts";
export { type ConfigSources, type ParsedConfig, parseConfig } from "./parse-config.ts";
export type {
  AddressPattern,
  Fault,
  LogLevel,
  PolicyForSetting,
  RefuseFail,
  Settings,
  SocketAddress,
  SyslogFacility,
} from "./settings.ts";
