import type { LocalPolicy } from "spf-check";
import type { IpAddress, Network } from "../address/index.ts";

/** What the daemon runs by; the names are those of the options (smf-spf.conf(5)) in camelCase, units last. */
export interface Settings {
  // who is not checked
  readonly whitelistIP: readonly Network[];
  readonly whitelistPTR: readonly string[];
  readonly whitelistFrom: readonly AddressPattern[];
  readonly whitelistTo: readonly AddressPattern[];
  readonly trustedRelay: readonly Network[];
  /** Authserv-ids; empty: our own. */
  readonly dkimVerifier: readonly string[];
  readonly dkimVerifierJobID: boolean;
  readonly trustedForwarder: readonly string[];
  readonly skipAuth: boolean;
  readonly skipTLSVerified: boolean;
  readonly skipNDR: boolean;
  readonly fixedClientIP: string | undefined;
  readonly clientIPNAT: readonly { readonly from: string; readonly to: string }[];
  // what is evaluated
  readonly checkHelo: boolean;
  /** Texts in octets; domains are lower case and A-labels. */
  readonly localPolicy: LocalPolicy;
  readonly lookupLimit: number;
  readonly voidLookupLimit: number;
  readonly lookupTimeMs: number;
  /** Empty: the servers of resolv.conf. */
  readonly nameserver: readonly { readonly address: IpAddress; readonly port: number }[];
  readonly dnsTimeoutMs: number;
  readonly dnsTries: number;
  readonly prefetch: boolean;
  // what is done
  readonly check: boolean;
  readonly acceptDKIM: boolean;
  readonly refuseFail: RefuseFail;
  readonly refuseHeloFail: RefuseFail;
  readonly refuseSoftFail: boolean;
  readonly refuseNeutral: boolean;
  readonly refuseSPFNone: boolean;
  readonly refuseSPFNoneHelo: boolean;
  readonly refusePermError: boolean;
  readonly acceptTempError: boolean;
  readonly softFail: boolean;
  readonly rejectReason: string | undefined;
  readonly rejectAt: "mail" | "rcpt" | "eom";
  readonly relaxedLocalPart: boolean;
  readonly tagSubject: boolean;
  readonly tag: string;
  readonly quarantine: boolean;
  readonly quarantineBox: string;
  readonly quarantineMode: "mailbox" | "hold";
  readonly policyFor: readonly PolicyForSetting[];
  readonly reportOnly: boolean;
  // headers
  readonly addHeader: boolean;
  readonly addReceivedHeader: boolean;
  readonly authservID: string | undefined;
  readonly removeForgedHeaders: "on" | "all" | "off";
  // memory
  readonly ttlSeconds: number;
  readonly cacheSize: number;
  // process
  readonly user: string;
  readonly socket: SocketAddress;
  readonly socketMode: number;
  readonly socketGroup: string | undefined;
  readonly pidFile: string;
  readonly daemonize: boolean;
  readonly syslog: SyslogFacility | "none";
  readonly logTo: string | undefined;
  readonly logFormat: "classic" | "2.5" | "detailed" | "json";
  readonly logLevel: LogLevel;
  readonly maxConnections: number;
  readonly idleTimeoutMs: number;
  readonly shutdownTimeMs: number;
}

/** `nomail`: only domains whose whole record is `v=spf1 -all`. */
export type RefuseFail = "on" | "off" | "nomail";

/** Structurally the policy's AddressPattern; config and policy never meet. */
export interface AddressPattern {
  readonly kind: "address" | "domain" | "localPart" | "subdomains" | "substring";
  /** Without the `@` or `.` that marks the kind; ASCII letters in lower case. Text, not octets. */
  readonly text: string;
}

/** One PolicyFor line, SPFBehavior already spelled out. */
export interface PolicyForSetting {
  readonly ip: Network | undefined;
  readonly ptr: string | undefined;
  readonly from: AddressPattern | undefined;
  readonly to: AddressPattern | undefined;
  readonly actions: Partial<
    Pick<
      Settings,
      | "check"
      | "acceptDKIM"
      | "refuseFail"
      | "refuseHeloFail"
      | "refuseSoftFail"
      | "refuseNeutral"
      | "refuseSPFNone"
      | "refuseSPFNoneHelo"
      | "refusePermError"
      | "acceptTempError"
      | "softFail"
      | "rejectReason"
      | "rejectAt"
      | "relaxedLocalPart"
      | "tagSubject"
      | "tag"
      | "quarantine"
      | "quarantineBox"
      | "quarantineMode"
      | "reportOnly"
    >
  >;
}

/** Where the MTA connects. */
export type SocketAddress =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "inet" | "inet6"; readonly port: number; readonly host: string };

/** The facilities of syslog(3) that smf-spf takes. */
export type SyslogFacility =
  | "daemon"
  | "mail"
  | "local0"
  | "local1"
  | "local2"
  | "local3"
  | "local4"
  | "local5"
  | "local6"
  | "local7";

/** syslog's levels that smf-spf writes, most urgent first. */
export type LogLevel = "error" | "warning" | "notice" | "info" | "debug";

/** A fault or warning: `file:line: option: reason`. Line 0 where no line is to blame. */
export interface Fault {
  readonly file: string;
  readonly line: number;
  /** As written in the file; empty where the line has none. */
  readonly option: string;
  readonly reason: string;
}
