/** Postfix and Sendmail, each with one port for every milter, so that runs in turn need no restart. */
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { accepts } from "../../../support/accepts.ts";
import { MTA_IPV4, RIG, run } from "../../../system/e2e/namespace.ts";
import { Program, waitUntil } from "../../../system/e2e/process.ts";

/** A port of the MTA, and socket and process of the milter that it asks; undefined: none. */
export interface Port {
  readonly name: string;
  readonly port: number;
  readonly socket: string | undefined;
  readonly pid: number | undefined;
}

/** A running MTA. */
export interface RunningMta {
  readonly name: string;
  /** Waits until what was accepted is gone, or removes it, so that the next run starts as this one did. */
  settle(): Promise<void>;
  stop(): Promise<void>;
}

const SPOOL = "/var/spool/postfix";
const FOLDER = join(RIG, "bench-sendmail");
const QUEUE = join(FOLDER, "queue");

const POSTFIX_MAIN = `compatibility_level = 3.6
myhostname = mx.rig.test
mydestination = rig.test
mynetworks = 127.0.0.0/8
inet_interfaces = ${MTA_IPV4}
inet_protocols = ipv4
mail_owner = postfix
setgid_group = postdrop
default_database_type = texthash
alias_maps =
alias_database =
local_recipient_maps =
local_transport = discard:
in_flow_delay = 0
milter_connect_timeout = 5s
milter_command_timeout = 5s
milter_content_timeout = 5s
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
`;

const postfixServices = (ports: readonly Port[]): string =>
  `${ports
    .map(
      ({ port, socket }) =>
        `${MTA_IPV4}:${port} inet n - n - - smtpd -o smtpd_milters=${socket === undefined ? "" : `unix:${socket}`}`,
    )
    .join("\n")}
cleanup   unix  n - n - 0      cleanup
qmgr      unix  n - n 300 1    qmgr
rewrite   unix  - - n - -      trivial-rewrite
bounce    unix  - - n - 0      bounce
defer     unix  - - n - 0      bounce
trace     unix  - - n - 0      bounce
proxymap  unix  - - n - -      proxymap
error     unix  - - n - -      error
retry     unix  - - n - -      error
discard   unix  - - n - -      discard
anvil     unix  - - n - 1      anvil
`;

/** Messages that Postfix has accepted and not yet discarded. */
function postfixHolds(): boolean {
  return ["incoming", "active"].some((queue) => {
    const directory = join(SPOOL, queue);
    if (!existsSync(directory)) return false;
    return readdirSync(directory, { recursive: true, withFileTypes: true }).some((entry) => entry.isFile());
  });
}

/** Delivers to discard(8). */
export async function startPostfix(ports: readonly Port[]): Promise<RunningMta> {
  run("mkdir", "-p", SPOOL, "/var/lib/postfix");
  run("chown", "postfix", "/var/lib/postfix");
  writeFileSync("/etc/postfix/main.cf", POSTFIX_MAIN);
  writeFileSync("/etc/postfix/master.cf", postfixServices(ports));
  const program = new Program("/usr/sbin/postfix", ["start-fg"]);
  await program.becomes("listening", () => accepts({ host: MTA_IPV4, port: ports.at(-1)?.port ?? 0 }));
  return {
    name: "Postfix",
    settle: () => waitUntil("Postfix to discard", () => !postfixHolds()),
    stop: async () => {
      run("postfix", "stop");
      await program.exited;
    },
  };
}

const sendmailConfiguration = (ports: readonly Port[]): string => `divert(-1)
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
define(\`confDELIVERY_MODE', \`queueonly')dnl
define(\`confTO_IDENT', \`0s')dnl
define(\`confQUEUE_LA', \`999')dnl
define(\`confREFUSE_LA', \`999')dnl
define(\`confDELAY_LA', \`0')dnl
define(\`confCONNECTION_RATE_THROTTLE', \`0')dnl
define(\`confMAX_DAEMON_CHILDREN', \`0')dnl
define(\`confDONT_PROBE_INTERFACES', \`True')dnl
define(\`confDOMAIN_NAME', \`mx.rig.test')dnl
define(\`confTRUSTED_USER', \`smmta')dnl
define(\`LOCAL_MAILER_PATH', \`/bin/true')dnl
FEATURE(\`nocanonify')dnl
FEATURE(\`accept_unresolvable_domains')dnl
FEATURE(\`no_default_msa')dnl
${ports
  .flatMap(({ name, port, socket }) => {
    const filter = `f${port}`;
    const daemon = `DAEMON_OPTIONS(\`Family=inet, Name=${filter}, Addr=${MTA_IPV4}, Port=${port}`;
    return socket === undefined
      ? [`${daemon}')dnl ${name}`]
      : [
          `MAIL_FILTER(\`${filter}', \`S=unix:${socket}, F=T, T=C:5s;S:5s;R:5s;E:5s')dnl ${name}`,
          `${daemon}, InputMailFilters=${filter}')dnl`,
        ];
  })
  .join("\n")}
define(\`confMILTER_MACROS_HELO', confMILTER_MACROS_HELO\`, {verify}')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`;

/** Keeps what it accepts in its queue. */
export async function startSendmail(ports: readonly Port[]): Promise<RunningMta> {
  mkdirSync(QUEUE, { recursive: true, mode: 0o700 });
  writeFileSync(join(FOLDER, "local-host-names"), "rig.test\n");
  const mc = join(FOLDER, "sendmail.mc");
  const cf = join(FOLDER, "sendmail.cf");
  writeFileSync(mc, sendmailConfiguration(ports));
  writeFileSync(cf, run("m4", "-D_CF_DIR_=/usr/share/sendmail/cf/", mc));
  const program = new Program("/usr/libexec/sendmail/sendmail", ["-bD", "-C", cf]);
  await program.becomes("listening", () => accepts({ host: MTA_IPV4, port: ports.at(-1)?.port ?? 0 }));
  return {
    name: "Sendmail",
    settle: () => {
      for (const file of readdirSync(QUEUE)) rmSync(join(QUEUE, file), { force: true });
      return Promise.resolve();
    },
    // Its children may hold its pipes for a while.
    stop: () => {
      program.child.kill();
      return Promise.resolve();
    },
  };
}
