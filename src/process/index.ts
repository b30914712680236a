export {
  type BackgroundStart,
  findStarter,
  ownEnvironment,
  type Starter,
  type StartOutcome,
  startInBackground,
} from "./daemonize.ts";
export { whyTooManyConnections } from "./descriptor-limit.ts";
export { DaemonError, EXIT, systemCode, systemReason, watchOutput } from "./errors.ts";
export {
  type Account,
  canDropPrivileges,
  dropPrivileges,
  findGroup,
  findUser,
  isRoot,
  verifyPrivileges,
} from "./privileges.ts";
export {
  prepareRunDirectory,
  type RunFile,
  refuseOccupied,
  removePidFile,
  writePidFile,
} from "./run-files.ts";
export { endOnSignals, listenToSignals } from "./signals.ts";
export {
  adoptSocket,
  type BoundSocket,
  bindSocket,
  type Listen,
  type ListenAddress,
  type SocketAccess,
} from "./socket.ts";
export { inheritedSocket, notifyReady, notifyStopping } from "./systemd.ts";
