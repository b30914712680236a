/**
 * The lines for smf-spf.conf that the page and --status offer. What a sender says goes into a file that decides who
 * is let in, so a line is made of addresses and plain domain names only, and of nothing else there is none.
 */
import { isIP } from "node:net";
import { isHostName } from "../address/index.ts";

/** Nothing from this domain is refused, tagged or quarantined any more, only logged. */
export function lineForDomain(domain: string): string | null {
  return isPlainDomain(domain) ? `PolicyFor from=@${domain} ReportOnly=on` : null;
}

/** Mail of a domain whose record is wrong passes. */
export function lineForDomainInError(domain: string, result: string): string | null {
  if (!isPlainDomain(domain)) return null;
  return `PolicyFor from=@${domain} ${result === "permerror" ? "RefusePermError=off" : "AcceptTempError=on"}`;
}

/** All mail of this client passes. */
export function lineForClient(ip: string): string | null {
  return isIP(ip) === 0 ? null : `WhitelistIP ${ip}`;
}

/** Mail that the forwarder brings passes where the client gets SPF pass for the forwarder's own domain. */
export function lineForForwarder(ptr: string): string | null {
  const name = ptr.toLowerCase().replace(/\.$/, "");
  const labels = name.split(".");
  const domain = labels.length > 2 ? labels.slice(1).join(".") : name;
  return isPlainDomain(domain) ? `TrustedForwarder ${domain}` : null;
}

/** In lower case, so that one domain has one line. */
function isPlainDomain(text: string): boolean {
  return text === text.toLowerCase() && isHostName(text);
}
