/** A real Sendmail, configured as docs/sendmail.md tells the administrator, with delivery into the rig's mailboxes. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { accepts } from "../../support/accepts.ts";
import { TLS } from "./certificates.ts";
import { documentedLine } from "./documented-line.ts";
import { DELIVER } from "./mailbox.ts";
import type { HeldMessage, Mta, NextFilter } from "./mta.ts";
import { MTA_IPV4, MTA_IPV6, RIG, run } from "./namespace.ts";
import { Program } from "./process.ts";
import { makeAccount } from "./sasl.ts";

const PORT = 25;
const QUEUE = "/var/spool/mqueue-rig";
const FOLDER = join(RIG, "sendmail");

/** The two lines of docs/sendmail.md, with the flags of F= put in. */
function filterLines(flags: FilterFlag, next: readonly NextFilter[], before: readonly NextFilter[]): string {
  const filter = documentedLine("sendmail.md", "INPUT_MAIL_FILTER(`smf-spf'");
  const lineOf = ({ name, socket }: NextFilter): string =>
    `INPUT_MAIL_FILTER(\`${name}', \`S=unix:${socket}, F=T')dnl`;
  return [
    ...before.map(lineOf),
    filter.replace(", T=", `, ${flags}T=`),
    documentedLine("sendmail.md", "define(`confMILTER_MACROS_HELO'"),
    ...next.map(lineOf),
  ].join("\n");
}

function configuration(
  flags: FilterFlag,
  next: readonly NextFilter[],
  before: readonly NextFilter[],
): string {
  return `divert(-1)
define(\`_USE_ETC_MAIL_')
include(\`/usr/share/sendmail/cf/m4/cf.m4')
divert(0)dnl
OSTYPE(\`linux')dnl
DOMAIN(\`generic')dnl
undefine(\`ALIAS_FILE')dnl
define(\`QUEUE_DIR', \`${QUEUE}')dnl
define(\`STATUS_FILE', \`')dnl
define(\`confPID_FILE', \`${FOLDER}/sendmail.pid')dnl
define(\`confCW_FILE', \`-o ${FOLDER}/local-host-names')dnl
define(\`confDELIVERY_MODE', \`interactive')dnl
define(\`confTO_IDENT', \`0s')dnl
define(\`confQUEUE_LA', \`999')dnl
define(\`confREFUSE_LA', \`999')dnl
define(\`confDELAY_LA', \`0')dnl
define(\`confCONNECTION_RATE_THROTTLE', \`0')dnl
define(\`confMAX_DAEMON_CHILDREN', \`0')dnl
define(\`confBAD_RCPT_THROTTLE', \`0')dnl
define(\`confMAX_HEADERS_LENGTH', \`4194304')dnl
define(\`confPRIVACY_FLAGS', \`nobodyreturn')dnl
define(\`confALLOW_BOGUS_HELO', \`True')dnl
define(\`confDONT_PROBE_INTERFACES', \`True')dnl
define(\`confDOMAIN_NAME', \`mx.rig.test')dnl
define(\`confTRUSTED_USER', \`smmta')dnl
define(\`confDEF_USER_ID', \`rigmail:rigmail')dnl
define(\`confDONT_BLAME_SENDMAIL', \`GroupReadableSASLDBFile,GroupReadableKeyFile')dnl
define(\`confAUTH_MECHANISMS', \`PLAIN LOGIN CRAM-MD5')dnl
TRUST_AUTH_MECH(\`PLAIN LOGIN CRAM-MD5')dnl
define(\`confCACERT', \`${TLS.ca}')dnl
define(\`confCACERT_PATH', \`${TLS.folder}')dnl
define(\`confSERVER_CERT', \`${TLS.certificate("server")}')dnl
define(\`confSERVER_KEY', \`${TLS.key("server")}')dnl
define(\`LOCAL_MAILER_PATH', \`${DELIVER}')dnl
define(\`LOCAL_MAILER_ARGS', \`deliver $u')dnl
define(\`LOCAL_MAILER_FLAGS', \`Sn')dnl
MODIFY_MAILER_FLAGS(\`LOCAL', \`-wPmrhuo5:/|@qDFM9')dnl
FEATURE(\`nocanonify')dnl
FEATURE(\`accept_unresolvable_domains')dnl
FEATURE(\`accept_unqualified_senders')dnl
FEATURE(\`no_default_msa')dnl
DAEMON_OPTIONS(\`Family=inet, Name=MTA, Addr=${MTA_IPV4}, Port=${PORT}')dnl
DAEMON_OPTIONS(\`Family=inet6, Name=MTA6, Addr=${MTA_IPV6}, Port=${PORT}')dnl
${filterLines(flags, next, before)}
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`;
}

/** What the filter line says of a filter that fails: nothing (mail passes), F=T or F=R. */
export type FilterFlag = "" | "F=T, " | "F=R, ";

/** One running Sendmail. */
export class Sendmail implements Mta {
  readonly name = "sendmail";
  readonly port = PORT;
  readonly #program: Program;

  private constructor(program: Program) {
    this.#program = program;
  }

  static async start(
    flags: FilterFlag = "",
    next: readonly NextFilter[] = [],
    before: readonly NextFilter[] = [],
  ): Promise<Sendmail> {
    mkdirSync(FOLDER, { recursive: true });
    rmSync(QUEUE, { recursive: true, force: true });
    mkdirSync(QUEUE, { mode: 0o700 });
    writeFileSync(join(FOLDER, "local-host-names"), "rig.test\nmx.rig.test\n");
    const mc = join(FOLDER, "sendmail.mc");
    const cf = join(FOLDER, "sendmail.cf");
    writeFileSync(mc, configuration(flags, next, before));
    writeFileSync(cf, run("m4", "-D_CF_DIR_=/usr/share/sendmail/cf/", mc));
    makeAccount();
    const program = new Program("/usr/libexec/sendmail/sendmail", ["-bD", "-C", cf, "-q1h"]);
    await program.becomes("listening", () => accepts({ host: MTA_IPV6, port: PORT }));
    return new Sendmail(program);
  }

  async stop(): Promise<void> {
    await this.#program.stop();
  }

  /** Delivery is over before the reply to the final dot. */
  async settled(): Promise<void> {
    return Promise.resolve();
  }

  held(): HeldMessage[] {
    return readdirSync(QUEUE)
      .filter((name) => name.startsWith("hf"))
      .map((name) => {
        const lines = readFileSync(join(QUEUE, name), "latin1").split("\n");
        const values = (letter: string): string[] =>
          lines.filter((line) => line.startsWith(letter)).map((line) => line.slice(1));
        return {
          reason: values("q")[0],
          recipients: values("R").map((value) => value.replace(/^[^:]*:/, "")),
        };
      });
  }

  forgetHeld(): void {
    for (const name of readdirSync(QUEUE)) rmSync(join(QUEUE, name));
  }
}
