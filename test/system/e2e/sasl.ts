/** The account that may use SMTP AUTH, for both MTAs. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { run } from "./namespace.ts";

/** Who may authenticate. */
export const ACCOUNT = { user: "alice@rig.test", password: "secret" };

const DATABASE = "/etc/sasldb2";
/** The places where Debian's Sendmail and Postfix look. */
const OPTION_FILES = [
  "/etc/sasl2/Sendmail.conf",
  "/usr/lib/sasl2/Sendmail.conf",
  "/etc/postfix/sasl/smtpd.conf",
];
const OPTIONS = "pwcheck_method: auxprop\nauxprop_plugin: sasldb\nmech_list: PLAIN LOGIN CRAM-MD5\n";

export function makeAccount(): void {
  if (existsSync(DATABASE)) return;
  const [name = "", realm = ""] = ACCOUNT.user.split("@");
  run("sh", "-c", `echo ${ACCOUNT.password} | saslpasswd2 -c -p -f ${DATABASE} -u ${realm} ${name}`);
  run("chown", "root:postfix", DATABASE);
  run("chmod", "640", DATABASE);
  for (const file of OPTION_FILES) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, OPTIONS);
  }
}
