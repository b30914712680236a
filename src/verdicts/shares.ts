import { unmapIpv4 } from "../address/index.ts";
import type { VerdictInput } from "./verdict-key.ts";

/**
 * What an evaluation counts against: the network of the client (/24, or /48 of IPv6), and the last two labels of
 * the domain. Whoever has a slow domain has any number of names below it, and whoever has a host often has the
 * addresses beside it. Where two labels are a public suffix, the share is only smaller than it could be.
 */
export function sharesOf({ ip, domain }: Pick<VerdictInput, "ip" | "domain">): readonly string[] {
  const { family, bytes } = unmapIpv4(ip);
  const labels = domain.toLowerCase().replace(/\.$/, "").split(".");
  return [`ip ${bytes.subarray(0, family === 4 ? 3 : 6).join(".")}`, `domain ${labels.slice(-2).join(".")}`];
}
