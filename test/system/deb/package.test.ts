/** The package from its installation to its purge. The tests build upon each other. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { MtaPlayer, openSocket } from "../../support/mta-player.ts";
import { type Ended, Machine } from "./machine.ts";

const ROOT = join(import.meta.dirname, "../../..");
const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };
const CONFIG = "/etc/mail/smfs/smf-spf.conf";
const SOCKET = "/run/smfs/smf-spf.sock";
const PID_FILE = "/run/smfs/smf-spf.pid";

describe("the Debian package under systemd with Debian's Node", () => {
  let machine: Machine;
  let filesBefore: string;
  let accountsBefore: string;

  before(async () => {
    machine = await Machine.boot(process.env["DEBIAN_TREE"] ?? "");
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
  const pid = (): number => Number(machine.must(`cat ${PID_FILE}`));
  const show = (property: string): string => machine.must(`systemctl show -P ${property} smf-spf`).trim();
  const journal = (): string => machine.must("journalctl --sync; journalctl -u smf-spf -o cat --no-pager");

  async function until(what: string, condition: () => boolean): Promise<void> {
    for (let i = 0; i < 100; i++) {
      if (condition()) return;
      await sleep(100);
    }
    throw new Error(`waited in vain for ${what}`);
  }

  /** What is answered to the sender at MAIL: `reply` where it is refused. */
  async function verdict(from: string): Promise<string> {
    const mta = new MtaPlayer(await openSocket(machine.path(SOCKET)));
    await mta.connect({ hostname: "mail.example.net", address: "192.0.2.1" });
    await mta.helo("mail.example.net");
    const { kind } = (await mta.message({ from: `<${from}>`, recipients: ["<b@c.test>"] })).verdict;
    mta.quit();
    return kind;
  }

  /** Settings beside the package's own, without any name server. */
  function configure(...lines: string[]): void {
    const records = ["OverrideRecord fail.test v=spf1 -all", "OverrideRecord pass.test v=spf1 +all"];
    machine.must("cp /usr/share/doc/smf-spf/examples/smf-spf.conf.sample /root/conf");
    machine.must(`cat /root/conf - > ${CONFIG}`, Buffer.from([...records, ...lines, ""].join("\n")));
  }

  it("is installed, starts and is ready", () => {
    const { code, output } = run("dpkg -i /root/this.deb");
    assert.equal(code, 0, output);
    assert.equal(show("ActiveState"), "active");
    assert.equal(show("UnitFileState"), "enabled");
    assert.match(show("StatusText"), /^listening on unix:/);
    assert.equal(Number(show("MainPID")), pid());
    assert.match(run("smf-spf -t").output, /: 0 faults, /);
    assert.match(run("spfquery --help").output, /spfquery/);
    assert.equal(run("test -e /usr/share/man/man8/smf-spf.8.gz").code, 0);
  });

  it("runs as smfs on every thread, with no capability and no way to get one", () => {
    const uid = machine.must("id -u smfs").trim();
    const gid = machine.must("id -g smfs").trim();
    const threads = machine
      .must(`cat /proc/${pid()}/task/*/status`)
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
    const daemon = pid();
    configure();
    machine.must("systemctl reload smf-spf");
    await until("the reload", () => /reload: new settings in force/.test(journal()));
    assert.equal(await verdict("a@fail.test"), "reply");
    assert.notEqual(await verdict("a@pass.test"), "reply");
    configure("RefuseFail off", "TTL soon");
    machine.must("systemctl reload smf-spf");
    await until("the fault", () => /smf-spf\.conf:\d+: TTL: .*old settings stay in force/s.test(journal()));
    assert.equal(await verdict("a@fail.test"), "reply");
    assert.equal(pid(), daemon);
  });

  it("does not start with faults, and systemd does not try again", () => {
    assert.notEqual(run("systemctl restart smf-spf").code, 0);
    assert.equal(show("ActiveState"), "failed");
    assert.equal(show("ExecMainStatus"), "78");
    configure();
    machine.must("systemctl start smf-spf");
  });

  it("is started again after a kill -9", async () => {
    const daemon = pid();
    machine.must(`kill -KILL ${daemon}`);
    // Until systemd has noticed the end, the unit is active without a process.
    await until("a new daemon", () => {
      const next = Number(show("MainPID"));
      return show("ActiveState") === "active" && next !== 0 && next !== daemon;
    });
    assert.equal(await verdict("a@fail.test"), "reply");
  });

  it("stops by SIGTERM alone, and takes socket and PID file along", () => {
    machine.must("systemctl stop smf-spf");
    assert.equal(show("Result"), "success");
    assert.equal(machine.must("ls /run/smfs"), "");
    assert.match(journal(), /smf-spf \S+ stopped\nsmf-spf\.service: Deactivated/);
  });

  it("gives the socket to SocketGroup, and logs to a file of root's folder, which it opens anew", async () => {
    machine.must("groupadd --system mta");
    configure("SocketGroup mta", "SocketMode 0660", "LogTo /var/log/smf-spf.log");
    machine.must("systemctl start smf-spf");
    assert.equal(machine.must(`stat -c '%U:%G %a' ${SOCKET}`), "smfs:mta 660\n");
    assert.equal(machine.must("stat -c '%U %a' /var/log/smf-spf.log"), "smfs 640\n");
    await verdict("a@fail.test");
    await until("the line", () => run("grep -c 'SPF fail: 192' /var/log/smf-spf.log").output === "1\n");
    machine.must("mv /var/log/smf-spf.log /var/log/smf-spf.log.1");
    machine.must("install -m 640 -o smfs -g adm /dev/null /var/log/smf-spf.log");
    machine.must(`kill -USR1 ${pid()}`);
    await until("the new file", () => run("grep -c 'memory: ' /var/log/smf-spf.log").output === "1\n");
    machine.must("groupdel mta");
    configure();
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
    assert.equal(await verdict("a@fail.test"), "reply");
    assert.equal(show("ActiveState"), "active");
    machine.must("systemctl restart smf-spf");
    assert.equal(await verdict("a@fail.test"), "reply");
    machine.must("systemctl stop smf-spf.socket smf-spf.service");
    assert.equal(machine.must("ls /run/smfs"), "");
    machine.must("systemctl start smf-spf");
  });

  it("is upgraded: a new process, and the changed configuration kept", async () => {
    const daemon = pid();
    machine.must(
      "dpkg-deb -R /root/this.deb /root/next && sed -i 's/^Version: .*/&+next/' /root/next/DEBIAN/control && " +
        "echo '# a new sample' >> /root/next/etc/mail/smfs/smf-spf.conf && " +
        "dpkg-deb --root-owner-group -b /root/next /root/next.deb",
    );
    const { code, output } = run("dpkg --force-confold -i /root/next.deb");
    assert.equal(code, 0, output);
    assert.equal(show("ActiveState"), "active");
    assert.notEqual(pid(), daemon);
    assert.equal(machine.must("dpkg-query -f '${Version}' -W smf-spf"), `${version}+next`);
    assert.equal(await verdict("a@fail.test"), "reply");
    assert.equal(run(`test -e ${CONFIG}.dpkg-dist`).code, 0);
  });

  it("is upgraded without being started where the administrator has disabled and stopped it", () => {
    machine.must("systemctl disable --now smf-spf");
    assert.equal(run("dpkg --force-confold -i /root/this.deb").code, 0);
    assert.equal(show("ActiveState"), "inactive");
    assert.equal(show("UnitFileState"), "disabled");
    machine.must("systemctl enable --now smf-spf");
  });

  it("is removed: nothing runs, the configuration stays", () => {
    const daemon = pid();
    const { code, output } = run("dpkg -r smf-spf");
    assert.equal(code, 0, output);
    assert.notEqual(run(`test -e /proc/${daemon}`).code, 0);
    assert.equal(run("ls /usr/sbin/smf-spf /usr/bin/spfquery /run/smfs/*").code, 2);
    assert.equal(run(`test -e ${CONFIG}`).code, 0);
    assert.equal(run("/etc/init.d/smf-spf start").code, 0);
  });

  it("is installed again with that configuration, removed and purged: nothing is left", () => {
    assert.equal(run("dpkg --force-confold -i /root/this.deb").code, 0);
    assert.equal(show("ActiveState"), "active");
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
