import { socketAddress } from "../values/address.ts";
import { accountName, filePath } from "../values/name.ts";
import { choice, count, octalMode, onOff, time } from "../values/plain.ts";
import { authservId } from "../values/text.ts";
import { option, optional } from "./option.ts";

const HOUR = 3600;
const DAY = 24 * HOUR;

/** The options about the fields that are added and removed. */
export const HEADER_OPTIONS = {
  AddHeader: option(onOff, "on", {
    section: "headers",
    help: "add Authentication-Results",
    of: (s) => s.addHeader,
  }),
  AddReceivedHeader: optional(onOff, "as AddHeader", "on", {
    section: "headers",
    help: "add Received-SPF",
    of: (s) => s.addReceivedHeader,
  }),
  AuthservID: optional(authservId, "{j}, the name of the MTA", "mx.example.net", {
    section: "headers",
    help: "our name in Authentication-Results",
    of: (s) => s.authservID,
  }),
  RemoveForgedHeaders: option(choice("on", "all", "off"), "on", {
    section: "headers",
    help: "remove Authentication-Results that came in under our name",
    of: (s) => s.removeForgedHeaders,
  }),
};

/** The options about the caches. */
export const MEMORY_OPTIONS = {
  TTL: option(time(0, 365 * DAY), "1h", {
    section: "memory",
    help: "longest life of a cached verdict",
    of: (s) => s.ttlSeconds,
  }),
  CacheSize: option(count(1, 10_000_000), "100000", {
    section: "memory",
    help: "entries of each cache",
    of: (s) => s.cacheSize,
  }),
};

/** The options about the process: account, sockets, files, log, limits. */
export const PROCESS_OPTIONS = {
  User: option(accountName, "smfs", {
    section: "process",
    help: "account to run as",
    onReload: "restart",
    of: (s) => s.user,
  }),
  Socket: option(socketAddress, "unix:/var/run/smfs/smf-spf.sock", {
    section: "process",
    help: "where the MTA connects",
    onReload: "restart",
    of: (s) => s.socket,
  }),
  SocketMode: option(octalMode, "0600", {
    section: "process",
    help: "permissions of the socket",
    onReload: "restart",
    of: (s) => s.socketMode,
  }),
  SocketGroup: optional(accountName, "none", "postfix", {
    section: "process",
    help: "group of the socket",
    onReload: "restart",
    of: (s) => s.socketGroup,
  }),
  PidFile: option(filePath, "/var/run/smfs/smf-spf.pid", {
    section: "process",
    help: "file for the process id",
    onReload: "restart",
    of: (s) => s.pidFile,
  }),
  Daemonize: option(onOff, "on", {
    section: "process",
    help: "go to the background",
    onReload: "restart",
    of: (s) => s.daemonize,
  }),
  Syslog: option(
    choice(
      "mail",
      "daemon",
      "local0",
      "local1",
      "local2",
      "local3",
      "local4",
      "local5",
      "local6",
      "local7",
      "none",
    ),
    "mail",
    { section: "process", help: "facility of the system log", of: (s) => s.syslog },
  ),
  LogTo: optional(filePath, "none", "/var/log/smf-spf.log", {
    section: "process",
    help: "a log file, /dev/stdout or /dev/stderr",
    of: (s) => s.logTo,
  }),
  LogFormat: option(choice("classic", "2.5", "detailed", "json"), "classic", {
    section: "process",
    help: "form of the log lines",
    of: (s) => s.logFormat,
  }),
  LogLevel: option(choice("error", "warning", "notice", "info", "debug"), "info", {
    section: "process",
    help: "least urgent lines that are logged",
    of: (s) => s.logLevel,
  }),
  MaxConnections: option(count(1, 100_000), "1000", {
    section: "process",
    help: "connections of the MTA at a time",
    of: (s) => s.maxConnections,
  }),
  IdleTimeout: option(time(1, 20 * DAY), "2h", {
    section: "process",
    help: "longest silence on a connection",
    of: (s) => s.idleTimeoutMs,
  }),
  ShutdownTime: option(time(0, HOUR), "10s", {
    section: "process",
    help: "how long a stop waits for messages in hand",
    of: (s) => s.shutdownTimeMs,
  }),
};
