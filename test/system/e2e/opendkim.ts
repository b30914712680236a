/** A real OpenDKIM, to be asked before our filter, and mail that it finds signed. */
import { createHash, createSign, generateKeyPairSync } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { accepts } from "../../support/accepts.ts";
import type { Mta, NextFilter } from "./mta.ts";
import { NAMESERVER, RIG } from "./namespace.ts";
import { Program } from "./process.ts";

const FOLDER = join(RIG, "opendkim");

/** Where the MTAs reach it. */
export const OPENDKIM: NextFilter = { name: "opendkim", socket: join(FOLDER, "opendkim.sock") };

/** Its resolver answers for the zone test. itself, unless it is told not to. */
const RESOLVER = join(FOLDER, "unbound.conf");
const RESOLVER_CONFIGURATION = `server:
  module-config: "iterator"
  do-not-query-localhost: no
  local-zone: "test." nodefault
forward-zone:
  name: "."
  forward-addr: ${NAMESERVER}
`;

/** As docs/forwarded-mail.md has it. */
const CONFIGURATION = `Mode v
Socket local:${OPENDKIM.socket}
AuthservID mx.rig.test
AuthservIDWithJobID yes
AlwaysAddARHeader yes
KeepAuthResults no
ResolverConfiguration ${RESOLVER}
Syslog yes
`;

/** The way of each MTA to the socket. */
const UMASK: Record<Mta["name"], string> = { sendmail: "0077", postfix: "0000" };

/** Starts it for an MTA. */
export async function startOpenDkim(mta: Mta["name"]): Promise<Program> {
  mkdirSync(FOLDER, { recursive: true, mode: 0o755 });
  rmSync(OPENDKIM.socket, { force: true });
  writeFileSync(RESOLVER, RESOLVER_CONFIGURATION);
  const file = join(FOLDER, "opendkim.conf");
  writeFileSync(file, `${CONFIGURATION}UMask ${UMASK[mta]}\n`);
  const program = new Program("/usr/sbin/opendkim", ["-f", "-x", file]);
  await program.becomes("listening", () => accepts({ path: OPENDKIM.socket }));
  return program;
}

const SELECTOR = "s";
const KEYS = generateKeyPairSync("rsa", { modulusLength: 1024 });
const PUBLIC = KEYS.publicKey.export({ type: "spki", format: "der" }).toString("base64");

/** The record of the key, for a zone. */
export function keyRecord(domain: string): string {
  return `${SELECTOR}._domainkey.${domain} TXT v=DKIM1; k=rsa; p=${PUBLIC}\n`;
}

/**
 * The DKIM-Signature of a message with these fields (RFC 6376, simple canonicalization), as a field.
 *
 * @param tags more of them, such as `i=user@example.org`
 */
export function signature(
  domain: string,
  fields: readonly string[],
  body: string,
  tags: readonly string[] = [],
): string {
  const names = fields.map((field) => field.slice(0, field.indexOf(":")).toLowerCase()).join(":");
  const hash = createHash("sha256").update(`${body}\r\n`).digest("base64");
  const start = `DKIM-Signature: v=1; a=rsa-sha256; c=simple/simple; d=${domain}; s=${SELECTOR}; ${tags.map((tag) => `${tag}; `).join("")}h=${names}; bh=${hash}; b=`;
  const signed = `${fields.map((field) => `${field}\r\n`).join("")}${start}`;
  return start + createSign("sha256").update(signed).sign(KEYS.privateKey, "base64");
}
