import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { after, afterEach, beforeEach, describe, it } from "node:test";
import { exitOf } from "../../support/child-process.ts";
import { brokenLinks, COMPLETIONS, type Ended, PAGES, runProgram, Tree } from "./tree.ts";

const DOCUMENTS = [
  "README.md",
  "README.ja.md",
  "CHANGELOG.md",
  "SECURITY.md",
  "ARCHITECTURE.md",
  "CONTRIBUTING.md",
  "LICENSE",
  ...PAGES,
];

/** The daemon's state is at one place, whatever DESTDIR: a test that has none must not touch this machine's. */
const WITH_OWN_STATE = ["--mount", "sh", "-c", 'mount -t tmpfs none /var/lib && exec "$@"', "sh"];
const LACK =
  process.getuid?.() !== 0
    ? "needs root"
    : spawnSync("unshare", [...WITH_OWN_STATE, "true"]).status !== 0 && "needs mount namespaces";

const SAMPLE = "/usr/local/share/smf-spf/smf-spf.conf.sample";
const CONFIG = "/etc/mail/smfs/smf-spf.conf";
const SCRIPTS: Record<string, readonly string[]> = {
  systemd: [
    "/usr/local/lib/systemd/system/smf-spf.service",
    "/usr/local/lib/systemd/system/smf-spf.socket",
    "/usr/local/lib/sysusers.d/smf-spf.conf",
    "/usr/local/lib/tmpfiles.d/smf-spf.conf",
  ],
  sysv: ["/etc/init.d/smf-spf"],
  openrc: ["/etc/init.d/smf-spf"],
  freebsd: ["/usr/local/etc/rc.d/smfspf"],
  slackware: ["/etc/rc.d/rc.smf-spf"],
  none: [],
};

describe("make install", () => {
  let tree: Tree;
  beforeEach(() => {
    tree = new Tree();
  });
  afterEach(() => {
    tree.close();
  });

  const read = (path: string): string => readFileSync(tree.at(path), "utf8");
  const install = (...variables: string[]): string => {
    const { code, out, err } = tree.make("install", ...variables);
    assert.equal(code, 0, err);
    return out;
  };

  /** What `make install INIT=…` makes of an empty directory: made by the first test that begins so, kept for others. */
  const kept = new Map<string, Tree>();
  const begin = (init: string): void => {
    const made = kept.get(init);
    if (made !== undefined) {
      cpSync(made.destination, tree.destination, { recursive: true, preserveTimestamps: true });
      return;
    }
    install(`INIT=${init}`);
    const copy = new Tree();
    kept.set(init, copy);
    cpSync(tree.destination, copy.destination, { recursive: true, preserveTimestamps: true });
  };
  after(() => {
    for (const made of kept.values()) made.close();
  });

  for (const [init, scripts] of Object.entries(SCRIPTS)) {
    it(`puts programs, pages, sample and the scripts of ${init} where they belong, and uninstall takes all back`, () => {
      begin(init);
      assert.deepEqual(
        tree.files(),
        [
          "/usr/local/sbin/smf-spf",
          "/usr/local/bin/spfquery",
          "/usr/local/bin/spfreport",
          "/usr/local/share/man/man8/smf-spf.8",
          "/usr/local/share/man/man5/smf-spf.conf.5",
          "/usr/local/share/man/man1/spfquery.1",
          "/usr/local/share/man/man1/spfreport.1",
          ...COMPLETIONS.map((path) => `/usr/local/share/${path}`),
          ...DOCUMENTS.map((name) => `/usr/local/share/doc/smf-spf/${name}`),
          "/usr/local/share/smf-spf/LICENSE",
          "/usr/local/share/smf-spf/LICENSES",
          "/usr/local/share/smf-spf/grafana-dashboard.json",
          "/usr/local/share/smf-spf/installed",
          "/usr/local/share/smf-spf/logwatch/smf-spf",
          "/usr/local/share/smf-spf/logwatch/smf-spf.conf",
          "/usr/local/share/smf-spf/prometheus-rules.yml",
          "/usr/local/share/smf-spf/shared-cache.cjs",
          "/usr/local/share/smf-spf/smf-spf.logrotate",
          "/usr/local/share/smf-spf/spfreport.cron",
          "/usr/local/share/smf-spf/status.cjs",
          SAMPLE,
          CONFIG,
          ...scripts,
        ].sort(),
      );
      assert.deepEqual(brokenLinks(tree.at("/usr/local/share/doc/smf-spf")), []);
      for (const file of scripts) assert.doesNotMatch(read(file), /@[A-Z]+@/, file);
      assert.equal(tree.make("uninstall").code, 0);
      assert.deepEqual(readdirSync(tree.destination), []);
    });
  }

  it("makes programs that run under node's absolute path, with nothing beside them", () => {
    begin("none");
    const program = tree.at("/usr/local/sbin/smf-spf");
    assert.equal(read("/usr/local/sbin/smf-spf").split("\n")[0], `#!${process.execPath}`);
    assert.equal(statSync(program).mode & 0o777, 0o755);
    assert.equal(runProgram(program, ["-V"], { env: { PATH: "/nonexistent" } }).out, "smf-spf -V\n");
  });

  it("builds nothing, whoever calls it, and says when the programs are older than the sources", () => {
    writeFileSync(join(tree.source, "src", "later.ts"), "");
    const future = new Date(Date.now() + 60_000);
    utimesSync(join(tree.source, "src", "later.ts"), future, future);
    const { code, err } = tree.make("install", "INIT=none");
    assert.equal(code, 0);
    assert.match(err, /src\/later\.ts is newer than dist\/smf-spf\.js; "make build"/);
    rmSync(join(tree.source, "dist", "spfquery.js"));
    const missing = tree.make("install", "INIT=none");
    assert.notEqual(missing.code, 0);
    assert.match(missing.err, /dist\/spfquery\.js is missing: run "make build" first, as an ordinary user/);
  });

  it("takes away the units of an earlier install in /etc, which would win over those of now", () => {
    install("INIT=systemd", "UNITDIR=/etc/systemd/system");
    const wants = tree.at("/etc/systemd/system/multi-user.target.wants");
    mkdirSync(wants);
    symlinkSync("/etc/systemd/system/smf-spf.service", join(wants, "smf-spf.service"));
    assert.match(install("INIT=systemd"), /from an earlier make install, is removed/);
    assert.ok(!existsSync(tree.at("/etc/systemd/system/smf-spf.service")));
    assert.equal(
      readlinkSync(join(wants, "smf-spf.service")),
      "/usr/local/lib/systemd/system/smf-spf.service",
    );
  });

  it("makes a configuration that every user can read, equal to the sample", () => {
    begin("none");
    assert.equal(statSync(tree.at(CONFIG)).mode & 0o777, 0o644);
    assert.equal(read(CONFIG), read(SAMPLE));
  });

  it("keeps a configuration that is there, and puts the new one beside it as .new", () => {
    mkdirSync(tree.at("/etc/mail/smfs"), { recursive: true });
    writeFileSync(tree.at(CONFIG), "RefuseFail off\n");
    assert.match(install("INIT=none"), /is kept; the new sample is .*\.new/);
    assert.equal(read(CONFIG), "RefuseFail off\n");
    assert.equal(read(`${CONFIG}.new`), read(SAMPLE));
    assert.equal(tree.make("uninstall").code, 0);
    assert.deepEqual(tree.files(), [CONFIG]);
  });

  it("makes no .new where nothing is new", () => {
    begin("none");
    install("INIT=none");
    assert.equal(existsSync(tree.at(`${CONFIG}.new`)), false);
  });

  it("replaces the program in one step: one that runs keeps its file", () => {
    begin("none");
    const before = statSync(tree.at("/usr/local/sbin/smf-spf")).ino;
    tree.writeProgram('console.log("next");');
    install("INIT=none");
    assert.notEqual(statSync(tree.at("/usr/local/sbin/smf-spf")).ino, before);
    assert.match(read("/usr/local/sbin/smf-spf"), /next/);
  });

  it("changes nothing in the program but its first line", () => {
    const text = 'console.log("@NODE@ @USER@ \\\\ & |");';
    tree.writeProgram(text);
    install("INIT=none");
    assert.equal(read("/usr/local/sbin/smf-spf"), `#!${process.execPath}\n${text}\n`);
  });

  it("leaves a changed configuration and other people's files at uninstall", () => {
    begin("sysv");
    appendFileSync(tree.at(CONFIG), "RefuseFail off\n");
    writeFileSync(tree.at("/usr/local/sbin/other"), "");
    const { code, out } = tree.make("uninstall");
    assert.equal(code, 0);
    assert.match(out, /was changed and is kept/);
    assert.deepEqual(tree.files(), [CONFIG, "/usr/local/sbin/other"]);
  });

  it("stops the daemon at uninstall, wherever the configuration has its PID file", {
    skip: LACK,
  }, async () => {
    const root = join(tree.folder, "root");
    const own = [`NODE=${process.execPath}`, "NPM=false", "INIT=none", "SMFS_USER=nobody", `PREFIX=${root}`];
    const places = [`CONFDIR=${root}/etc`, `RUNDIR=${root}/run`];
    const make = (target: string): Ended =>
      runProgram("unshare", [...WITH_OWN_STATE, "make", "-C", tree.source, target, ...own, ...places]);
    tree.writeProgram("setTimeout(() => {}, 600_000);");
    const installed = make("install");
    assert.equal(installed.code, 0, installed.err);
    const pidFile = join(root, "elsewhere.pid");
    appendFileSync(join(root, "etc", "smf-spf.conf"), `pidfile "${pidFile}" # here\n`);
    const daemon = spawn(process.execPath, [join(root, "sbin", "smf-spf"), "-f"], { stdio: "ignore" });
    const ended = exitOf(daemon);
    writeFileSync(pidFile, `${daemon.pid}\n`);
    try {
      const { code, out, err } = make("uninstall");
      assert.equal(code, 0, err);
      assert.match(out, new RegExp(`stopping the daemon \\(pid ${daemon.pid}\\)`));
      assert.deepEqual([await ended, daemon.signalCode], [null, "SIGTERM"]);
    } finally {
      daemon.kill("SIGKILL");
    }
  });

  it("takes back the directories that 3.0.0 made, which called them folders", () => {
    begin("none");
    const list = tree.at("/usr/local/share/smf-spf/installed");
    const lines = readFileSync(list, "utf8").replaceAll(/^directory /gm, "folder ");
    assert.match(lines, /^folder \/usr\/local\/share\/smf-spf$/m);
    writeFileSync(list, lines);
    install("INIT=openrc");
    assert.doesNotMatch(readFileSync(list, "utf8"), /^folder /m);
    assert.equal(tree.make("uninstall").code, 0);
    assert.deepEqual(readdirSync(tree.destination), []);
  });

  it("leaves directories that were there before", () => {
    mkdirSync(tree.at("/usr/local/sbin"), { recursive: true });
    install("INIT=none");
    assert.equal(tree.make("uninstall").code, 0);
    assert.deepEqual(readdirSync(tree.at("/usr/local")), ["sbin"]);
  });

  it("takes back what a second install with another init system put", () => {
    begin("sysv");
    install("INIT=systemd");
    assert.equal(tree.make("uninstall").code, 0);
    assert.deepEqual(readdirSync(tree.destination), []);
  });

  it("follows PREFIX, CONFDIR, RUNDIR and SMFS_USER, in the scripts, the samples and what is said, too", () => {
    const own = ["PREFIX=/opt/spf", "CONFDIR=/opt/spf/etc", "RUNDIR=/run/spf", "SMFS_USER=spf"];
    assert.match(
      install("INIT=none", ...own),
      /start it with: \/opt\/spf\/sbin\/smf-spf -c \/opt\/spf\/etc\/smf-spf\.conf$/m,
    );
    assert.match(
      install("INIT=systemd", ...own),
      /check it with: \/opt\/spf\/sbin\/smf-spf -t -c \/opt\/spf\/etc\/smf-spf\.conf$/m,
    );
    assert.ok(existsSync(tree.at("/opt/spf/sbin/smf-spf")));
    const config = read("/opt/spf/etc/smf-spf.conf");
    assert.match(config, /^User\s+spf$/m);
    assert.match(config, /^Socket\s+unix:\/run\/spf\/smf-spf\.sock$/m);
    assert.match(config, /^PidFile\s+\/run\/spf\/smf-spf\.pid$/m);
    const unit = read("/opt/spf/lib/systemd/system/smf-spf.service");
    assert.match(unit, /^ExecStart=\S+ \/opt\/spf\/sbin\/smf-spf -f -c \/opt\/spf\/etc\/smf-spf\.conf$/m);
    assert.match(unit, /^ReadWritePaths=-\/run\/spf /m);
    const logrotate = read("/opt/spf/share/smf-spf/smf-spf.logrotate");
    assert.match(logrotate, /create 0640 spf adm$/m);
    const page = read("/opt/spf/share/man/man8/smf-spf.8");
    assert.match(page, /\/opt\/spf\/etc\/smf-spf\.conf/);
    assert.doesNotMatch(page, /\/etc\/mail\/smfs/);
    assert.match(logrotate, /<\/run\/spf\/smf-spf\.pid /);
  });

  it("writes in TARGET_NODE for packagers", () => {
    install("INIT=sysv", "TARGET_NODE=/usr/bin/node-of-the-target");
    assert.match(read("/usr/local/bin/spfquery"), /^#!\/usr\/bin\/node-of-the-target\n/);
    assert.match(read("/etc/init.d/smf-spf"), /^NODE=\/usr\/bin\/node-of-the-target$/m);
  });

  const refusals: readonly [string, readonly string[], RegExp][] = [
    ["no node is found", ["NODE=no-such-node"], /no no-such-node in PATH/],
    [
      "RUNDIR is a directory of the system's",
      ["RUNDIR=/var/run/"],
      /RUNDIR=\/var\/run\/ is given to smfs: name a directory below/,
    ],
    ["the init system is unknown", ["INIT=upstart"], /INIT=upstart is none of systemd, sysv/],
  ];
  for (const [what, variables, message] of refusals) {
    it(`fails where ${what}, and says so`, () => {
      const { code, err } = tree.make("install", "INIT=none", ...variables);
      assert.notEqual(code, 0);
      assert.match(err, message);
    });
  }

  it("fails under a node that is too old, and says so", () => {
    const old = `${tree.folder}/old-node`;
    writeFileSync(old, '#!/bin/sh\n[ "$1" = --version ] && echo v18.20.0 || exit 1\n', { mode: 0o755 });
    const { code, err } = tree.make("install", "INIT=none", `NODE=${old}`);
    assert.notEqual(code, 0);
    assert.match(err, /is v18\.20\.0; smf-spf needs Node 20\.19/);
  });

  it("says at uninstall where nothing was installed", () => {
    mkdirSync(tree.destination);
    const { code, err } = tree.make("uninstall");
    assert.notEqual(code, 0);
    assert.match(err, /nothing was installed/);
  });
});
