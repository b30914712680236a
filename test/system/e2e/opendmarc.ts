/** A real OpenDMARC, to be asked after our filter. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { accepts } from "../../support/accepts.ts";
import { documentedLine } from "./documented-line.ts";
import type { Mta, NextFilter } from "./mta.ts";
import { RIG } from "./namespace.ts";
import { Program } from "./process.ts";

const FOLDER = join(RIG, "opendmarc");

/** Where the MTAs reach it. */
export const OPENDMARC: NextFilter = { name: "opendmarc", socket: join(FOLDER, "opendmarc.sock") };

/** It looks nothing up for SPF itself: what it knows is what it reads in our fields, as docs/forwarded-mail.md has it. */
const CONFIGURATION = `AuthservID mx.rig.test
${documentedLine("forwarded-mail.md", "TrustedAuthservIDs").replace("mx.example.net", "mx.rig.test")}
Socket unix:${OPENDMARC.socket}
PidFile ${join(FOLDER, "opendmarc.pid")}
${documentedLine("forwarded-mail.md", "SPFSelfValidate")}
${documentedLine("forwarded-mail.md", "SPFIgnoreResults")}
RejectFailures false
Syslog true
`;

/** The way of each MTA to the socket. */
const UMASK: Record<Mta["name"], string> = { sendmail: "0077", postfix: "0000" };

/** Starts it for an MTA, with these lines besides. */
export async function startOpenDmarc(mta: Mta["name"], lines = ""): Promise<Program> {
  mkdirSync(FOLDER, { recursive: true, mode: 0o755 });
  rmSync(OPENDMARC.socket, { force: true });
  const file = join(FOLDER, "opendmarc.conf");
  writeFileSync(file, `${CONFIGURATION}UMask ${UMASK[mta]}\n${lines}`);
  const program = new Program("/usr/sbin/opendmarc", ["-f", "-c", file]);
  await program.becomes("listening", () => accepts({ path: OPENDMARC.socket }));
  return program;
}
