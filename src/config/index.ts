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
// To come:
//   parseConfig(text, file, { env, readList }): { settings: Settings; warnings; unknown; faults } (pure)
//   loadConfig(path): reads the file and the list files it names
//   formatFault(fault): string
