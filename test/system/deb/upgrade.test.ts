/** From the former version to this one and back, as apt does it. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { CONFIG, PackagedDaemon } from "./daemon.ts";
import { FORMER_VERSION } from "./former.ts";
import { Machine } from "./machine.ts";

const ROOT = join(import.meta.dirname, "../../..");
const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };

describe(`the Debian package over that of ${FORMER_VERSION}`, () => {
  let machine: Machine;
  let daemon: PackagedDaemon;
  let changed: string;

  before(async () => {
    machine = await Machine.boot(process.env["DEBIAN_TREE"] ?? "");
    daemon = new PackagedDaemon(machine);
    machine.must("cat > /root/former.deb", readFileSync(process.env["FORMER_DEB"] ?? ""));
    machine.must("cat > /root/this.deb", readFileSync(join(ROOT, "dist", `smf-spf_${version}_all.deb`)));
    machine.must("dpkg -i /root/former.deb");
    daemon.configure("TrustedRelay 198.51.100.7", "# by hand");
    machine.must("systemctl restart smf-spf");
    changed = machine.must(`cat ${CONFIG}`);
    assert.match(daemon.journal(), new RegExp(`smf-spf ${FORMER_VERSION} started`));
  });

  after(() => machine.stop());

  const owned = (): string[] => machine.must("dpkg -L smf-spf").trim().split("\n");

  it("is another process of the new version with the settings of before", async () => {
    const pid = daemon.pid();
    const said = machine.must("dpkg --force-confold -i /root/this.deb");
    assert.doesNotMatch(said, /warning|error|not started/i);
    assert.notEqual(daemon.pid(), pid);
    assert.equal(daemon.property("ActiveState"), "active");
    assert.equal(daemon.property("UnitFileState"), "enabled");
    assert.match(daemon.journal(), new RegExp(`smf-spf ${version} started`));
    assert.equal(machine.must(`cat ${CONFIG}`), changed);
    assert.equal(await daemon.verdict("a@fail.test"), "reply");
    assert.notEqual(await daemon.verdict("a@pass.test"), "reply");
  });

  it("has no fault and no warning in the settings of before", () => {
    assert.match(machine.must("smf-spf -t"), /: 0 faults, 0 warnings/);
  });

  it("has what is new in it, and nothing of the former that is no longer its own", () => {
    assert.match(machine.must("readlink -f $(command -v spfquery)"), /\/usr\/bin\/spfquery\.smf-spf$/m);
    assert.match(machine.must("spfreport --version"), new RegExp(version.replaceAll(".", "\\.")));
    assert.equal(machine.must("stat -c '%U:%G %a' /var/lib/smfs"), "smfs:smfs 750\n");
    const former = machine.must("dpkg-deb --contents /root/former.deb | awk '{ print substr($6, 2) }'");
    const now = new Set(owned());
    const gone = former
      .trim()
      .split("\n")
      .map((path) => path.replace(/\/$/, ""))
      .filter((path) => path !== "" && !now.has(path));
    for (const path of gone) assert.notEqual(machine.run(`test -e ${path}`).code, 0, path);
  });

  it("writes its cache with the new sample, and the former version starts with that sample", async () => {
    daemon.configure();
    machine.must("systemctl restart smf-spf");
    assert.equal(await daemon.verdict("a@fail.test"), "reply");
    machine.must("systemctl stop smf-spf");
    machine.must("test -s /var/lib/smfs/cache");
    machine.must("dpkg --force-confold -i /root/former.deb");
    assert.equal(daemon.property("ActiveState"), "active");
    const starts = [...daemon.journal().matchAll(/^smf-spf (\S+) started/gm)].map(([, started]) => started);
    assert.equal(starts.at(-1), FORMER_VERSION);
    assert.equal(await daemon.verdict("a@fail.test"), "reply");
  });

  it("comes back to this version, and is purged with all that both have made", () => {
    machine.must("dpkg --force-confold -i /root/this.deb");
    assert.equal(daemon.property("ActiveState"), "active");
    const paths = owned().filter((path) => path.includes("smf"));
    machine.must("dpkg -P smf-spf");
    for (const path of [...paths, "/run/smfs", "/var/lib/smfs", "/var/lib/smf-spf"]) {
      assert.notEqual(machine.run(`test -e ${path}`).code, 0, path);
    }
    assert.equal(machine.run("grep smfs /etc/passwd /etc/group").code, 1);
  });
});
