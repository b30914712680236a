/** A real Postfix with smf-spf as its milter and delivery into the rig's mailboxes. */
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { accepts } from "../../support/accepts.ts";
import { TLS } from "./certificates.ts";
import { documentedLine } from "./documented-line.ts";
import { DELIVER } from "./mailbox.ts";
import type { HeldMessage, Mta, NextFilter } from "./mta.ts";
import { MTA_IPV4, MTA_IPV6, run } from "./namespace.ts";
import { Program, waitUntil } from "./process.ts";
import { makeAccount } from "./sasl.ts";

const PORT = 25;
const SPOOL = "/var/spool/postfix";

/** What Postfix does while the filter cannot be reached. */
export type DefaultAction = "accept" | "tempfail" | "reject";

function mainConfiguration(
  action: DefaultAction,
  next: readonly NextFilter[],
  before: readonly NextFilter[],
): string {
  const [name, ours] = documentedLine("postfix.md", "smtpd_milters = ").split(" = ");
  const pathOf = ({ socket }: NextFilter): string => `unix:${socket}`;
  const milters = [...before.map(pathOf), ours, ...next.map(pathOf)];
  return `compatibility_level = 3.6
myhostname = mx.rig.test
mydomain = rig.test
mydestination = rig.test, mx.rig.test
mynetworks = 127.0.0.0/8
inet_interfaces = ${MTA_IPV4}, ${MTA_IPV6}
inet_protocols = all
mail_owner = postfix
setgid_group = postdrop
default_database_type = texthash
alias_maps =
alias_database =
local_recipient_maps =
local_transport = rig
rig_destination_recipient_limit = 1
local_destination_concurrency_limit = 20
rig_destination_concurrency_limit = 20
${name} = ${milters.join(", ")}
milter_default_action = ${action}
in_flow_delay = 0
smtpd_error_sleep_time = 0
smtpd_soft_error_limit = 1000
smtpd_hard_error_limit = 2000
smtpd_recipient_overshoot_limit = 100000
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
header_size_limit = 4194304
smtpd_sasl_auth_enable = yes
smtpd_sasl_path = smtpd
smtpd_tls_security_level = may
smtpd_tls_cert_file = ${TLS.certificate("server")}
smtpd_tls_key_file = ${TLS.key("server")}
smtpd_tls_CAfile = ${TLS.ca}
smtpd_tls_ask_ccert = yes
smtpd_tls_received_header = yes
tls_random_source = dev:/dev/urandom
`;
}

/** Service, type, and what differs from `private, unprivileged yes, no chroot`. */
const SERVICES = `
smtp      inet  n - n - -      smtpd
pickup    unix  n - n 60 1     pickup
cleanup   unix  n - n - 0      cleanup
qmgr      unix  n - n 300 1    qmgr
tlsmgr    unix  - - n 1000? 1  tlsmgr
rewrite   unix  - - n - -      trivial-rewrite
bounce    unix  - - n - 0      bounce
defer     unix  - - n - 0      bounce
trace     unix  - - n - 0      bounce
verify    unix  - - n - 1      verify
flush     unix  n - n 1000? 0  flush
proxymap  unix  - - n - -      proxymap
proxywrite unix - - n - 1      proxymap
smtp      unix  - - n - -      smtp
relay     unix  - - n - -      smtp
showq     unix  n - n - -      showq
error     unix  - - n - -      error
retry     unix  - - n - -      error
discard   unix  - - n - -      discard
local     unix  - n n - -      local
virtual   unix  - n n - -      virtual
lmtp      unix  - - n - -      lmtp
anvil     unix  - - n - 1      anvil
scache    unix  - - n - 1      scache
rig       unix  - n n - -      pipe flags= user=rigmail argv=${DELIVER} \${user}
`;

/** One running Postfix. */
export class Postfix implements Mta {
  readonly name = "postfix";
  readonly port = PORT;
  readonly #program: Program;

  private constructor(program: Program) {
    this.#program = program;
  }

  static async start(
    action: DefaultAction = "accept",
    next: readonly NextFilter[] = [],
    before: readonly NextFilter[] = [],
  ): Promise<Postfix> {
    rmSync(SPOOL, { recursive: true, force: true });
    run("mkdir", "-p", SPOOL, "/var/lib/postfix");
    run("chown", "postfix", "/var/lib/postfix");
    writeFileSync("/etc/postfix/main.cf", mainConfiguration(action, next, before));
    writeFileSync("/etc/postfix/master.cf", SERVICES);
    makeAccount();
    const program = new Program("/usr/sbin/postfix", ["start-fg"]);
    await program.becomes("listening", () => accepts({ host: MTA_IPV6, port: PORT }));
    return new Postfix(program);
  }

  async stop(): Promise<void> {
    run("postfix", "stop");
    await this.#program.exited;
  }

  async settled(): Promise<void> {
    await waitUntil("Postfix to deliver", () =>
      ["maildrop", "incoming", "active", "deferred"].every((queue) => !queueFiles(queue).some(isComplete)),
    );
  }

  held(): HeldMessage[] {
    return queueFiles("hold").map((path) => ({
      reason: undefined,
      recipients: [...run("postcat", "-e", path).matchAll(/^recipient: (.*)$/gm)].map(
        ([, address]) => address ?? "",
      ),
    }));
  }

  forgetHeld(): void {
    for (const path of queueFiles("hold")) rmSync(path);
  }
}

/** Postfix makes a queue file executable when the message is whole. */
function isComplete(path: string): boolean {
  const status = statSync(path, { throwIfNoEntry: false });
  return status !== undefined && (status.mode & 0o100) !== 0;
}

function queueFiles(queue: string): string[] {
  const folder = join(SPOOL, queue);
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
