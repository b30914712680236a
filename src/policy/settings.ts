import type { LocalPolicy } from "spf-check";
import type { Network } from "../address/index.ts";

/** Where the value of an option, or an entry of a list, comes from. */
export interface Origin {
  readonly kind: "file" | "default" | "SPFBehavior" | "environment" | "command line";
  /** The file and line that give it, or SPFBehavior; empty and 0 where no file does. */
  readonly file: string;
  readonly line: number;
  /** As an operator reads it: `/etc/mail/smfs/smf-spf.conf:9`, `default`, `SPFBehavior 4, FILE:LINE`. */
  readonly text: string;
}

/** A pattern of WhitelistFrom, WhitelistTo and PolicyFor: an address, `@domain`, `user@`, `.domain`, substring. */
export interface AddressPattern {
  readonly kind: "address" | "domain" | "localPart" | "subdomains" | "substring";
  /** Without the `@` or `.` that marks the kind. Text, not octets; case does not matter. */
  readonly text: string;
}

/** Where the options come from, by their names: of a list option, for each entry in the list's order. */
export type Origins = Readonly<Record<string, readonly Origin[] | undefined>>;

/** The option that something is done by. */
export interface Rule {
  /** As smf-spf.conf(5) spells it. */
  readonly option: string;
  /** `file:line`; undefined where it is a default. */
  readonly location: string | undefined;
}

/** Why something is done. */
export interface Reason {
  /** In words for the log: `WhitelistFrom @example.net`, `SPF fail`. */
  readonly words: string;
  /** Undefined where no option has led to it. */
  readonly rule: Rule | undefined;
}

const NOWHERE = { file: "", line: 0 };

/** The rule by an option in force; for a list option, by the entry at an index. */
export function ruleOf(
  { origins }: { readonly origins?: Origins | undefined },
  option: string,
  index = 0,
): Rule {
  const { file, line } = origins?.[option]?.[index] ?? NOWHERE;
  return { option, location: line > 0 ? `${file}:${line}` : undefined };
}

/** The options that decide what is done; PolicyFor may give them for some mail only. */
export interface ActionSettings {
  /** off: SPFBehavior 0, nothing is evaluated and no field is added. */
  readonly check: boolean;
  /** A sender is spared for whose domain a DKIM verifier before us vouches. */
  readonly acceptDKIM: boolean;
  readonly refuseFail: "on" | "off" | "nomail";
  readonly refuseHeloFail: "on" | "off" | "nomail";
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
  readonly reportOnly: boolean;
  /** Where these options are set. */
  readonly origins?: Origins | undefined;
}

/** One PolicyFor line: all selectors given must match. */
export interface PolicyFor {
  readonly ip: Network | undefined;
  readonly ptr: string | undefined;
  readonly from: AddressPattern | undefined;
  readonly to: AddressPattern | undefined;
  /** The options of the line, SPFBehavior already spelled out; they win over the options outside. */
  readonly actions: Partial<ActionSettings>;
}

/** ClientIPNAT: evaluate client `from` as `to`. Canonical texts of two addresses. */
export interface ClientNat {
  readonly from: string;
  readonly to: string;
}

/** The settings that the policy reads. */
export interface PolicySettings extends ActionSettings {
  readonly whitelistIP: readonly Network[];
  /** A leading dot means subdomains only. */
  readonly whitelistPTR: readonly string[];
  readonly whitelistFrom: readonly AddressPattern[];
  readonly whitelistTo: readonly AddressPattern[];
  readonly trustedRelay: readonly Network[];
  /** Authserv-ids of DKIM verifiers before us; empty: our own. */
  readonly dkimVerifier: readonly string[];
  /** The verifier's field names the message: `id/QUEUEID`. */
  readonly dkimVerifierJobID: boolean;
  readonly trustedForwarder: readonly string[];
  readonly skipAuth: boolean;
  readonly skipTLSVerified: boolean;
  readonly skipNDR: boolean;
  readonly fixedClientIP: string | undefined;
  readonly clientIPNAT: readonly ClientNat[];
  readonly checkHelo: boolean;
  /** Where guess rules are in use, X-SPF-Guess is a field of ours. */
  readonly localPolicy: Pick<LocalPolicy, "guess">;
  readonly policyFor: readonly PolicyFor[];
  readonly addHeader: boolean;
  readonly addReceivedHeader: boolean;
  /** undefined: the MTA's {j}. */
  readonly authservID: string | undefined;
  readonly removeForgedHeaders: "on" | "all" | "off";
}

/** The options in force for one message: those outside, with the PolicyFor lines that match it. */
export interface MailPolicy {
  /** As far as client and sender decide. */
  readonly actions: ActionSettings;
  /** The matching lines in order, where some of them ask for a recipient too; else empty. */
  readonly lines: readonly PolicyFor[];
}
