export { type Account, findGroup, findUser } from "./accounts.ts";
export {
  adoptSocket,
  type BoundSocket,
  bindSocket,
  type Listen,
  type ListenAddress,
  type SocketAccess,
} from "./bind-socket.ts";
export { DaemonError, EXIT, systemCode, systemReason } from "./daemon-error.ts";
export {
  type BackgroundStart,
  findStarter,
  type Starter,
  type StartOutcome,
  startInBackground,
} from "./daemonize.ts";
export { whyTooManyConnections } from "./descriptor-limit.ts";
export type { Handover } from "./handover.ts";
export { removePidFile, writePidFile } from "./pid-file.ts";
export { canDropPrivileges, dropPrivileges, isRoot, verifyPrivileges } from "./privileges.ts";
export { prepareRunDirectory, type RunFile } from "./run-directory.ts";
export { listenToSignals, type SignalHandlers } from "./signals.ts";
export { inheritedSocket, notifyReady, notifyStopping } from "./systemd.ts";
