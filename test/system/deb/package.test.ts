/** The package from its installation to its purge. The tests build upon each other. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { CONFIG, PackagedDaemon, PID_FILE, SOCKET } from "./daemon.ts";
import { type Ended, Machine } from "./machine.ts";

const ROOT = join(import.meta.dirname, "../../..");
const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };

describe("the Debian package under systemd with Debian's Node", () => {
  let machine: Machine;
  let daemon: PackagedDaemon;
  let filesBefore: string;
  let accountsBefore: string;

  before(async () => {
    machine = await Machine.boot(process.env["DEBIAN_TREE"] ?? "");
    daemon = new PackagedDaemon(machine);
    const deb = readFileSync(join(ROOT, "dist", `smf-spf_${version}_all.deb`));
    machine.must("cat > /root/this.deb", deb);
    filesBefore = listFiles();
    accountsBefore = listAccounts();
  });

  after(() => machine.stop());

  const listFiles = (): string =>
    machine.must("find /etc /usr /var /run/smfs -printf '%p %y %m %U:%G\\n' 2>/dev/null | sort || true");
  const listAccounts = (): string => machine.must("cat /etc/passwd /etc/group");
  const run = (line: string): Ended => machine.run(line);

  async function until(what: string, condition: () => boolean): Promise<void> {
    for (let i = 0; i < 600; i++) {
      if (condition()) return;
      await sleep(100);
    }
    throw new Error(`waited in vain for ${what}`);
  }

  it("is installed, starts and is ready", () => {
    const { code, output } = run("dpkg -i /root/this.deb");
    assert.equal(code, 0, output);
    assert.equal(daemon.property("ActiveState"), "active");
    assert.equal(daemon.property("UnitFileState"), "enabled");
    assert.match(daemon.property("StatusText"), /^listening on unix:/);
    assert.equal(Number(daemon.property("MainPID")), daemon.pid());
    assert.match(run("smf-spf -t").output, /: 0 faults, /);
    assert.match(run("spfquery --help").output, /spfquery/);
    assert.equal(run("test -e /usr/share/man/man8/smf-spf.8.gz").code, 0);
  });

  it("runs as smfs on every thread, with no capability and no way to get one", () => {
    const uid = machine.must("id -u smfs").trim();
    const gid = machine.must("id -g smfs").trim();
    const threads = machine
      .must(`cat /proc/${daemon.pid()}/task/*/status`)
      .split(/^Name:/m)
      .slice(1);
    assert.ok(threads.length > 1);
    for (const thread of threads) {
      assert.match(thread, new RegExp(`^Uid:(\\s+${uid}){4}$`, "m"));
      assert.match(thread, new RegExp(`^Gid:(\\s+${gid}){4}$`, "m"));
      assert.match(thread, new RegExp(`^Groups:\\s+${gid}\\s*$`, "m"));
      for (const set of ["CapInh", "CapPrm", "CapEff", "CapAmb"]) {
        assert.match(thread, new RegExp(`^${set}:\\s+0+$`, "m"));
      }
      assert.match(thread, /^NoNewPrivs:\s+1$/m);
      assert.match(thread, /^Seccomp:\s+2$/m);
    }
    const kinds = machine.must(`stat -c '%U:%G %a' /run/smfs ${SOCKET} ${PID_FILE}`);
    assert.equal(kinds, "smfs:smfs 755\nsmfs:smfs 600\nsmfs:smfs 644\n");
  });

  it("logs to the journal as facility mail under its name, with the priority of each line", () => {
    machine.must("journalctl --sync");
    const lines = machine.must("journalctl -u smf-spf -o json --no-pager").trim().split("\n");
    const started = lines
      .map((line) => JSON.parse(line) as Record<string, string>)
      .find(({ MESSAGE }) => MESSAGE?.includes("started: listening on"));
    assert.equal(started?.["SYSLOG_FACILITY"], "2");
    assert.equal(started["SYSLOG_IDENTIFIER"], "smf-spf");
    assert.equal(started["PRIORITY"], "5");
  });

  it("reloads by systemctl, and keeps its settings when the file has faults", async () => {
    const before = daemon.pid();
    daemon.configure();
    machine.must("systemctl reload smf-spf");
    await until("the reload", () => /reload: new settings in force/.test(daemon.journal()));
    assert.equal(await daemon.verdict("a@fail.test"), "reply");
    assert.notEqual(await daemon.verdict("a@pass.test"), "reply");
    daemon.configure("RefuseFail off", "TTL soon");
    assert.notEqual(run("systemctl reload smf-spf").code, 0);
    assert.match(daemon.journal(), /smf-spf\.conf:\d+: TTL: /);
    assert.equal(await daemon.verdict("a@fail.test"), "reply");
    assert.equal(daemon.pid(), before);
  });

  it("does not start with faults, and systemd does not try again", () => {
    assert.notEqual(run("systemctl restart smf-spf").code, 0);
    assert.equal(daemon.property("ActiveState"), "failed");
    assert.equal(daemon.property("ExecMainStatus"), "78");
    daemon.configure();
    machine.must("systemctl start smf-spf");
  });

  it("is started again after a kill -9", async () => {
    const before = daemon.pid();
    machine.must(`kill -KILL ${before}`);
    // Until systemd has noticed the end, the unit is active without a process.
    await until("a new daemon", () => {
      const next = Number(daemon.property("MainPID"));
      return daemon.property("ActiveState") === "active" && next !== 0 && next !== before;
    });
    assert.equal(await daemon.verdict("a@fail.test"), "reply");
  });

  it("stops by SIGTERM alone, and takes socket and PID file along", () => {
    machine.must("systemctl stop smf-spf");
    assert.equal(daemon.property("Result"), "success");
    assert.equal(machine.must("ls /run/smfs"), "");
    assert.match(daemon.journal(), /smf-spf \S+ stopped\nsmf-spf\.service: Deactivated/);
  });

  it("gives the socket to SocketGroup, and logs to a file of root's folder, which it opens anew", async () => {
    machine.must("groupadd --system mta");
    daemon.configure("SocketGroup mta", "SocketMode 0660", "LogTo /var/log/smf-spf.log");
    machine.must("systemctl start smf-spf");
    assert.equal(machine.must(`stat -c '%U:%G %a' ${SOCKET}`), "smfs:mta 660\n");
    assert.equal(machine.must("stat -c '%U %a' /var/log/smf-spf.log"), "smfs 640\n");
    await daemon.verdict("a@fail.test");
    // CacheFile still knows it from before the restart.
    const seen = (): string => run("grep -c 'SPF fail (cached): 192' /var/log/smf-spf.log").output;
    await until("the line", () => seen() === "1\n");
    machine.must("mv /var/log/smf-spf.log /var/log/smf-spf.log.1");
    machine.must("install -m 640 -o smfs -g adm /dev/null /var/log/smf-spf.log");
    machine.must(`kill -USR1 ${daemon.pid()}`);
    await until("the new file", () => run("grep -c ': memory: ' /var/log/smf-spf.log").output === "1\n");
    machine.must("groupdel mta");
    daemon.configure();
    machine.must("systemctl restart smf-spf");
  });

  it("refuses a second daemon by hand, and hands its SysV script over to systemd", () => {
    const { code, output } = run(`smf-spf -c ${CONFIG}`);
    assert.equal(code, 69);
    assert.match(output, /a daemon answers there/);
    assert.match(run("/etc/init.d/smf-spf status").output, /smf-spf\.service/);
  });

  it("does not become root's daemon in the foreground, and says what to do", () => {
    machine.must("systemctl stop smf-spf");
    const { code, output } = run("smf-spf -f");
    assert.equal(code, 71);
    assert.match(output, /setpriv --reuid=smfs/);
  });

  it("is started by its socket, which outlives it", async () => {
    machine.must("systemctl start smf-spf.socket");
    assert.equal(machine.must(`stat -c '%U %a' ${SOCKET}`), "smfs 600\n");
    assert.equal(await daemon.verdict("a@fail.test"), "reply");
    assert.equal(daemon.property("ActiveState"), "active");
    machine.must("systemctl restart smf-spf");
    assert.equal(await daemon.verdict("a@fail.test"), "reply");
    machine.must("systemctl stop smf-spf.socket smf-spf.service");
    assert.equal(machine.must("ls /run/smfs"), "");
    machine.must("systemctl start smf-spf");
  });

  it("is upgraded: a new process, and the changed configuration kept", async () => {
    const before = daemon.pid();
    machine.must(
      "dpkg-deb -R /root/this.deb /root/next && sed -i 's/^Version: .*/&+next/' /root/next/DEBIAN/control && " +
        "echo '# a new sample' >> /root/next/etc/mail/smfs/smf-spf.conf && " +
        "dpkg-deb --root-owner-group -b /root/next /root/next.deb",
    );
    const { code, output } = run("dpkg --force-confold -i /root/next.deb");
    assert.equal(code, 0, output);
    assert.equal(daemon.property("ActiveState"), "active");
    assert.notEqual(daemon.pid(), before);
    assert.equal(machine.must("dpkg-query -f '${Version}' -W smf-spf"), `${version}+next`);
    assert.equal(await daemon.verdict("a@fail.test"), "reply");
    assert.equal(run(`test -e ${CONFIG}.dpkg-dist`).code, 0);
  });

  it("is upgraded without being started where the administrator has disabled and stopped it", () => {
    machine.must("systemctl disable --now smf-spf");
    assert.equal(run("dpkg --force-confold -i /root/this.deb").code, 0);
    assert.equal(daemon.property("ActiveState"), "inactive");
    assert.equal(daemon.property("UnitFileState"), "disabled");
    machine.must("systemctl enable --now smf-spf");
  });

  it("is removed: nothing runs, the configuration stays", () => {
    const before = daemon.pid();
    const { code, output } = run("dpkg -r smf-spf");
    assert.equal(code, 0, output);
    assert.notEqual(run(`test -e /proc/${before}`).code, 0);
    assert.equal(run("ls /usr/sbin/smf-spf /usr/bin/spfquery /run/smfs/*").code, 2);
    assert.equal(run(`test -e ${CONFIG}`).code, 0);
    assert.equal(run("/etc/init.d/smf-spf start").code, 0);
  });

  it("is installed again with that configuration, removed and purged: nothing is left", () => {
    assert.equal(run("dpkg --force-confold -i /root/this.deb").code, 0);
    assert.equal(daemon.property("ActiveState"), "active");
    const { code, output } = run("dpkg -P smf-spf");
    assert.equal(code, 0, output);
    assert.equal(listAccounts(), accountsBefore);
    const own = (list: string): string[] => list.split("\n").filter((line) => !FOREIGN.test(line));
    assert.deepEqual(own(listFiles()), own(filesBefore));
  });
});

/** What dpkg, adduser, systemd and the journal keep of every package. */
const FOREIGN =
  /^\/(?:var\/(?:lib|log|cache)\/(?:dpkg|apt|systemd|journal|private|alternatives)|etc\/(?:passwd|group|shadow|gshadow|subuid|subgid)-?|etc\/\.pwd\.lock|etc\/\.updated|var\/log\/(?:dpkg|alternatives)\.log)\b/;
