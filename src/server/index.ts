/** The network side of the milter: a listener, its connections, their limits and their end. */
export {
  type ListenAddress,
  MilterServer,
  type ServerEvent,
  type ServerLimits,
  type ServerOptions,
  type ServerStatistics,
  type Transport,
} from "./milter-server.ts";
