export type { ActionSettings, AddressPattern, ClientNat, PolicyFor, PolicySettings } from "./settings.ts";
