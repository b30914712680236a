/** Systems that the documents are followed on: a Debian 13 with an administrator, what install.md has him install, and an MTA. */
import { instructionsOf } from "./instructions.ts";
import type { Layers } from "./layers.ts";

/** Where the administrator has the sources, as in his home after `git clone`. */
export const SOURCES = "/home/admin/smf-spf";

/** Debian's PATH for users: without sbin. */
const PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games";

export const ADMIN = {
  name: "admin",
  /** Lines of shell as one that runs them as this user in the folder of the sources, and stops where one fails. */
  as(lines: readonly string[]): string {
    const script = `cd ${SOURCES}\n${lines.join("\n")}`.replaceAll("'", "'\\''");
    const user = "setpriv --reuid=admin --regid=admin --init-groups";
    return `env HOME=/home/admin USER=admin PATH=${PATH} ${user} sh -ec '${script}'`;
  },
};

export const SYSTEMS = {
  postfix: { variable: "TREE_WITH_POSTFIX", packages: "postfix" },
  // Besides Postfix there is only the journal; here a syslog daemon writes files.
  sendmail: { variable: "TREE_WITH_SENDMAIL", packages: "sendmail rsyslog" },
} as const;

const ADMINISTRATOR = `
apt-get -qq update
apt-get -qq install --no-install-recommends sudo iproute2
useradd --create-home --shell /bin/bash --groups sudo ${ADMIN.name}
mkdir ${SOURCES}
chown ${ADMIN.name}: ${SOURCES}
echo '${ADMIN.name} ALL=(ALL:ALL) NOPASSWD: ALL' >/etc/sudoers.d/admin
# Who is asked says yes.
echo 'APT::Get::Assume-Yes "true";' >/etc/apt/apt.conf.d/90yes
printf '127.0.0.1 localhost\\n192.0.2.1 machine.example.org machine\\n' >/etc/hosts
echo machine.example.org >/etc/mailname
echo machine >/etc/hostname
`;

/**
 * Makes the systems, or finds them from an earlier run.
 *
 * @param bare Debian 13 as it is fetched
 * @returns variables of the environment that name them
 * @throws MissingRequirement where packages cannot be fetched
 */
export function makeSystems(layers: Layers, bare: string): Record<string, string> {
  const admin = layers.kept(bare, "admin", ADMINISTRATOR);
  const apt = instructionsOf("docs/install.md", "Install, upgrade, remove");
  const tools = layers.kept(admin, "tools", `${ADMIN.as(apt)}\napt-get clean\n`);
  return Object.fromEntries(
    Object.entries(SYSTEMS).map(([mta, { variable, packages }]) => [
      variable,
      layers.kept(tools, mta, `apt-get -qq install --no-install-recommends ${packages}\n`),
    ]),
  );
}
