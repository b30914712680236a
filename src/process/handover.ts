/** Open files that the starting process hands to the daemon, at descriptors that both know. */
const SOCKET_FD = 4;
const LOG_FD = 5;

const VARIABLE = "SMF_SPF_HANDOVER";

/** What a daemon gets that was never root itself. */
export interface Handover {
  /** A socket that is bound and listens. */
  readonly socketFd: number;
  /** Whether systemd has bound it, whose file is not ours to remove. */
  readonly fromSystemd: boolean;
  /** The open file of LogTo; undefined where there is none, or it is a standard stream. */
  readonly logFd: number | undefined;
}

/** The words for the daemon's environment; the socket goes to descriptor 4, the log to 5. */
export function handoverVariable({
  fromSystemd,
  hasLog,
}: {
  readonly fromSystemd: boolean;
  readonly hasLog: boolean;
}): NodeJS.ProcessEnv {
  return { [VARIABLE]: `${fromSystemd ? "systemd" : "own"}${hasLog ? ",log" : ""}` };
}

/** Reads those words, and takes them out of the environment. */
export function takeHandover(env: NodeJS.ProcessEnv): Handover | undefined {
  const words = env[VARIABLE]?.split(",");
  Reflect.deleteProperty(env, VARIABLE);
  if (words === undefined) return undefined;
  return {
    socketFd: SOCKET_FD,
    fromSystemd: words[0] === "systemd",
    logFd: words.includes("log") ? LOG_FD : undefined,
  };
}
