export { diffSettings, type SettingsDifference } from "./diff-settings.ts";
export { dryRun } from "./dry-run.ts";
export { formatFault } from "./fault.ts";
export { DEFAULT_CONFIG_FILE, type LoadedConfig, type LoadOptions, loadConfig } from "./load-config.ts";
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
