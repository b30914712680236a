/** The network side of the milter: a listener, its connections, their limits and their end. */
export {
  MilterServer,
  type ServerEvent,
  type ServerOptions,
  type ServerStatistics,
  type Transport,
} from "./milter-server.ts";
