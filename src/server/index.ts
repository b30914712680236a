/** The network side of the milter: a listener, its connections, their limits and their end. */
export type { ServerEvent, ServerStatistics } from "./events.ts";
export {
  type ListenAddress,
  MilterServer,
  type ServerLimits,
  type ServerOptions,
  type Transport,
} from "./milter-server.ts";
