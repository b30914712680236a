import { ownText } from "./bounded-table.ts";

const LENGTH_MAX = 160;

/** A value out of the log as a report shows it: printable ASCII in one piece, at most 160 characters. */
export function shown(text: string): string {
  const clean = text
    .slice(0, LENGTH_MAX + 1)
    .replace(/[^\x20-\x7e]/g, (char) => `\\x${(char.charCodeAt(0) & 0xff).toString(16).padStart(2, "0")}`);
  return ownText(clean.length > LENGTH_MAX ? `${clean.slice(0, LENGTH_MAX - 3)}...` : clean);
}

/** The domain whose policy a message was judged by: the sender's, or the HELO name where the sender is null. */
export function policyDomain(from: string, helo: string): string {
  const domain = from === "" ? helo : from.slice(from.lastIndexOf("@") + 1);
  return (domain.endsWith(".") ? domain.slice(0, -1) : domain).toLowerCase();
}

/** Whether a text has the form of a host name of two labels or more, and nothing else in it. */
export function isHostName(text: string): boolean {
  return (
    text.length <= 253 &&
    /^(?:[a-z\d_](?:[a-z\d_-]{0,61}[a-z\d_])?\.)+[a-z](?:[a-z\d-]{0,61}[a-z\d])?$/i.test(text)
  );
}
