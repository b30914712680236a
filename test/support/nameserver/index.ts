export {
  type Interception,
  type Nameserver,
  type NameserverOptions,
  type QuestionCounts,
  type ReceivedQuestion,
  startNameserver,
} from "./nameserver.ts";
export type { Zone, ZoneEntry, ZoneRcode } from "./zone.ts";
