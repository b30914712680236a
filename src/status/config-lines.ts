/**
 * The lines for smf-spf.conf that the page and --status offer. What a sender says goes into a file that decides who
 * is let in, so a line is made of addresses and plain domain names only, and of nothing else there is none.
 */
import { isIP } from "node:net";

/** Nothing from this domain is refused, tagged or quarantined any more, only logged. */
export function lineForDomain(domain: string): string | null {
  return isDomain(domain) ? `PolicyFor from=@${domain} ReportOnly=on` : null;
}

/** Mail of a domain whose record is wrong passes. */
export function lineForDomainInError(domain: string, result: string): string | null {
  if (!isDomain(domain)) return null;
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
  return isDomain(domain) ? `TrustedForwarder ${domain}` : null;
}

function isDomain(text: string): boolean {
  return (
    text.length <= 253 &&
    /^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(text)
  );
}
