import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { commandLineOf, killed, lives, until } from "../../support/child-process.ts";
import { type Ended, runProgram, Tree } from "./tree.ts";

const HERE = import.meta.dirname;
const INIT = join(HERE, "../../../init");

/** Stands for the daemon: goes to the background with a PID file, and writes down the signals it gets. */
const DAEMON = `
const { spawn } = require("node:child_process");
const fs = require("node:fs");
const args = process.argv.slice(2);
const config = args[args.indexOf("-c") + 1];
const text = fs.readFileSync(config, "utf8");
if (/^Broken/m.test(text)) { console.error("smf-spf: " + config + " is broken"); process.exit(78); }
if (args.includes("-t")) { console.log(config + ": no faults"); process.exit(0); }
const named = [...text.matchAll(/^\\s*PidFile\\s+(?:"([^"]+)"|(\\S+))/gim)].at(-1);
const pidFile = named === undefined ? config.replace("etc/smf-spf.conf", "run/smf-spf.pid") : named[1] ?? named[2];
if (process.env.IN_BACKGROUND === undefined) {
  const env = { ...process.env, IN_BACKGROUND: "1" };
  const child = spawn(process.execPath, process.argv.slice(1), { argv0: process.argv0, detached: true, stdio: "ignore", env });
  setInterval(() => {
    if (fs.existsSync(pidFile) && Number(fs.readFileSync(pidFile)) === child.pid) process.exit(0);
  }, 5);
} else {
  const heard = (name) => fs.appendFileSync(config.replace(/etc.smf-spf.conf/, "signals"), name + "\\n");
  for (const name of ["SIGHUP", "SIGUSR1"]) process.on(name, heard);
  process.on("SIGTERM", () => { heard("SIGTERM"); fs.rmSync(pidFile); setTimeout(() => process.exit(0), 100); });
  fs.writeFileSync(pidFile + ".new", process.pid + "\\n");
  fs.renameSync(pidFile + ".new", pidFile);
  setTimeout(() => process.exit(1), 600000);
}
`;

/** How a script is called, and what it answers where init systems differ. */
interface Kind {
  readonly init: string;
  readonly script: string;
  readonly call: (script: string, command: string, place: Place) => Ended;
  /** Exit codes of: start while it runs, status and stop and reload while it does not. */
  readonly codes: {
    readonly startAgain: number;
    readonly status: number;
    readonly stop: number;
    readonly reload: number;
  };
}

interface Place {
  readonly folder: string;
}

const KINDS: readonly Kind[] = [
  {
    init: "sysv",
    script: "/etc/init.d/smf-spf",
    call: (script, command) => runProgram(script, [command]),
    codes: { startAgain: 0, status: 3, stop: 0, reload: 7 },
  },
  {
    init: "slackware",
    script: "/etc/rc.d/rc.smf-spf",
    call: (script, command) => runProgram(script, [command]),
    codes: { startAgain: 0, status: 1, stop: 0, reload: 1 },
  },
  {
    init: "openrc",
    script: "/etc/init.d/smf-spf",
    call: (script, command) => runProgram("sh", [join(HERE, "stub.openrc-run"), script, command]),
    codes: { startAgain: 1, status: 3, stop: 0, reload: 1 },
  },
  {
    init: "freebsd",
    script: "/usr/local/etc/rc.d/smfspf",
    call: (script, command, { folder }) => {
      const rcConf = join(folder, "rc.conf");
      writeFileSync(rcConf, "smfspf_enable=YES\n");
      writeFileSync(
        script,
        readFileSync(script, "utf8").replace(". /etc/rc.subr", `. ${join(HERE, "stub.rc.subr")}`),
      );
      return runProgram("sh", [script, command], { env: { RC_CONF: rcConf } });
    },
    codes: { startAgain: 1, status: 1, stop: 1, reload: 1 },
  },
];

const SKIP = process.platform !== "linux" && "needs /proc";

for (const { init, script: installed, call, codes } of KINDS) {
  describe(`the script for ${init}`, { skip: SKIP }, () => {
    let tree: Tree;
    let folder: string;
    let config: string;
    let pidFile: string;
    let other: ChildProcess | undefined;

    before(() => {
      tree = new Tree();
      tree.writeProgram(DAEMON);
      folder = join(tree.folder, "place");
      // The paths in the script are the real ones; install with DESTDIR, then put the tree where they point.
      const { code, err } = tree.make(
        "install",
        `INIT=${init}`,
        `SBINDIR=${folder}/sbin`,
        `CONFDIR=${folder}/etc`,
        `RUNDIR=${folder}/run`,
      );
      assert.equal(code, 0, err);
      renameSync(tree.at(folder), folder);
      mkdirSync(join(folder, "run"));
      config = join(folder, "etc", "smf-spf.conf");
      pidFile = join(folder, "run", "smf-spf.pid");
    });

    afterEach(async () => {
      other?.kill("SIGKILL");
      other = undefined;
      for (const file of readdirSync(join(folder, "run"), { withFileTypes: true })) {
        const path = join(folder, "run", file.name);
        // A FIFO, where a test has left one, would hold up whoever reads it.
        const pid = file.isFile() ? Number(readFileSync(path, "latin1")) : 0;
        if (pid > 1 && commandLineOf(pid).includes(folder)) await killed(pid);
        rmSync(path);
      }
      rmSync(join(folder, "signals"), { force: true });
      writeFileSync(config, "");
    });

    after(() => {
      tree.close();
    });

    const run = (command: string): Ended => call(tree.at(installed), command, { folder });
    const pid = (): number => Number(readFileSync(pidFile, "latin1"));
    async function signals(count: number): Promise<string> {
      const file = join(folder, "signals");
      const text = (): string => (existsSync(file) ? readFileSync(file, "latin1") : "");
      await until("the daemon to hear it", () => text().split("\n").length > count);
      return text();
    }

    it("starts, tells the status, reloads, rotates and stops", async () => {
      assert.equal(run("status").code, codes.status);
      const started = run("start");
      assert.equal(started.code, 0, started.err);
      const daemon = pid();
      const status = run("status");
      assert.equal(status.code, 0, status.out + status.err);
      assert.equal(run("start").code, codes.startAgain);
      assert.equal(pid(), daemon);
      assert.equal(run("reload").code, 0);
      await signals(1);
      assert.equal(run("rotate").code, 0);
      assert.equal(await signals(2), "SIGHUP\nSIGUSR1\n");
      assert.equal(run("stop").code, 0);
      assert.equal(lives(daemon), false, "it is gone when stop has ended");
      assert.equal(run("status").code, codes.status);
      assert.equal(run("stop").code, codes.stop);
      assert.equal(run("reload").code, codes.reload);
    });

    it("restarts", () => {
      run("start");
      const daemon = pid();
      assert.equal(run("restart").code, 0);
      assert.notEqual(pid(), daemon);
      assert.equal(lives(daemon), false);
    });

    it("restarts nothing where the new configuration has faults", () => {
      run("start");
      const daemon = pid();
      writeFileSync(config, "Broken\n");
      const { code, out, err } = run("restart");
      assert.notEqual(code, 0);
      assert.match(out + err, /is broken[\s\S]*keeps its old configuration/);
      assert.ok(lives(daemon));
      assert.equal(pid(), daemon);
      assert.equal(run("stop").code, 0);
    });

    it("reloads nothing where the new configuration has faults, and says so", () => {
      run("start");
      const daemon = pid();
      writeFileSync(config, "Broken\n");
      const { code, out, err } = run("reload");
      assert.notEqual(code, 0);
      assert.match(out + err, /is broken[\s\S]*keeps its old configuration/);
      assert.ok(lives(daemon));
      assert.equal(run("stop").code, 0);
    });

    it("is not held up by a FIFO in the place of the PID file", () => {
      rmSync(pidFile, { force: true });
      execFileSync("mkfifo", [pidFile]);
      for (const command of ["status", "reload", "stop"]) run(command);
    });

    it("tells that the daemon could not start", () => {
      writeFileSync(config, "Broken\n");
      const { code, err } = run("start");
      assert.notEqual(code, 0);
      assert.match(err, /is broken/);
    });

    for (const [what, program, args] of [
      ["another program", "sleep", ["600"]],
      ["another script of node's", process.execPath, ["-e", "setTimeout(() => {}, 600000)"]],
    ] as const) {
      it(`signals no process of ${what} that an old PID file names, and starts all the same`, () => {
        other = spawn(program, args, { stdio: "ignore" });
        writeFileSync(pidFile, `${other.pid ?? 0}\n`);
        assert.notEqual(run("reload").code, 0);
        assert.notEqual(run("rotate").code, 0);
        run("stop");
        assert.ok(lives(other.pid ?? 0));
        if (existsSync(pidFile)) assert.equal(pid(), other.pid);
        writeFileSync(pidFile, `${other.pid ?? 0}\n`);
        assert.equal(run("start").code, 0);
        assert.notEqual(pid(), other.pid);
        assert.equal(run("stop").code, 0);
        assert.ok(lives(other.pid ?? 0));
      });
    }

    it("takes no rubbish in the PID file for a process", () => {
      for (const text of ["", "0\n", "-1\n", "1 2\n", "x\n"]) {
        writeFileSync(pidFile, text);
        assert.notEqual(run("reload").code, 0, text);
      }
    });

    it("follows PidFile of the configuration", () => {
      pidFile = join(folder, "run", "other.pid");
      appendFileSync(config, `# PidFile /nonexistent\npidfile   "${pidFile}" # ours\n`);
      assert.equal(run("start").code, 0);
      assert.equal(run("status").code, 0);
      assert.equal(run("stop").code, 0);
      pidFile = join(folder, "run", "smf-spf.pid");
    });

    for (const [what, name, line] of [
      ["a file with CR LF", "dos.pid", (path: string) => `PidFile ${path}\r\nTTL 1h\r\n`],
      ["quotes", "a b.pid", (path: string) => `PidFile "${path}"\n`],
    ] as const) {
      it(`reads PidFile as the daemon does: ${what}`, () => {
        pidFile = join(folder, "run", name);
        writeFileSync(config, line(pidFile));
        assert.equal(run("start").code, 0);
        assert.equal(run("status").code, 0);
        assert.equal(run("stop").code, 0);
        assert.equal(existsSync(pidFile), false);
        pidFile = join(folder, "run", "smf-spf.pid");
      });
    }

    it("reaches the daemon that it has started after PidFile was changed", async () => {
      assert.equal(run("start").code, 0);
      const daemon = pid();
      const changed = join(folder, "run", "changed.pid");
      writeFileSync(config, `PidFile ${changed}\n`);
      assert.equal(run("status").code, 0);
      assert.equal(run("reload").code, 0);
      assert.equal(await signals(1), "SIGHUP\n");
      assert.equal(run("restart").code, 0);
      assert.equal(lives(daemon), false);
      assert.equal(existsSync(pidFile), false);
      const next = Number(readFileSync(changed, "latin1"));
      assert.ok(lives(next));
      assert.equal(run("status").code, 0);
      assert.equal(run("stop").code, 0);
      assert.equal(lives(next), false);
    });
  });
}

describe("the patience of a stop", () => {
  const trees = new Map<string, Tree>();
  after(() => {
    for (const tree of trees.values()) tree.close();
  });

  /** An installation with this init system, its configuration and programs at the paths that the script has. */
  function treeFor(init: string): Tree {
    const made = trees.get(init);
    if (made !== undefined) return made;
    const tree = new Tree();
    trees.set(init, tree);
    tree.make("install", `INIT=${init}`, `CONFDIR=${tree.folder}/etc`, `SBINDIR=${tree.folder}/sbin`);
    for (const name of ["etc", "sbin"]) renameSync(tree.at(join(tree.folder, name)), join(tree.folder, name));
    return tree;
  }

  const table: readonly (readonly [init: string, script: string, settings: string, seen: RegExp])[] = [
    ["sysv", "/etc/init.d/smf-spf", "", /^\+ : 30$/m],
    ["sysv", "/etc/init.d/smf-spf", "ShutdownTime 2m", /^\+ : 140$/m],
    ["sysv", "/etc/init.d/smf-spf", "shutdowntime\t1h\r", /^\+ : 3620$/m],
    ["sysv", "/etc/init.d/smf-spf", "ShutdownTime 45 # a while", /^\+ : 65$/m],
    ["sysv", "/etc/init.d/smf-spf", "ShutdownTime 3M", /^\+ : 200$/m],
    ["sysv", "/etc/init.d/smf-spf", "ShutdownTime long", /^\+ : 30$/m],
    ["openrc", "/etc/init.d/smf-spf", "ShutdownTime 2m", /^\+ retry=TERM\/130\/TERM\/5\/KILL\/5$/m],
  ];
  for (const [init, script, settings, seen] of table) {
    it(`of ${init} is ${seen.source} with "${settings}"`, () => {
      const tree = treeFor(init);
      writeFileSync(join(tree.folder, "etc", "smf-spf.conf"), `${settings}\n`);
      const stub = init === "openrc" ? [join(HERE, "stub.openrc-run")] : [];
      const { err } = runProgram("sh", ["-x", ...stub, tree.at(script), "status"]);
      assert.match(err, seen);
    });
  }
});

describe("the shell scripts", () => {
  const scripts = readdirSync(INIT, { recursive: true, encoding: "utf8" })
    .map((name) => join(INIT, name))
    .filter((file) => /^#!\S*(?:sh|openrc-run)\b/.test(readHead(file)));

  it("are all found", () => {
    assert.ok(scripts.length >= 9, scripts.join(" "));
  });

  for (const file of scripts) {
    it(`${file.slice(dirname(INIT).length + 1)} has no syntax error`, () => {
      assert.deepEqual(runProgram("sh", ["-n", file]), { code: 0, out: "", err: "" });
    });

    it(`${file.slice(dirname(INIT).length + 1)} pleases shellcheck`, {
      skip: !existsSync("/usr/bin/shellcheck") && "shellcheck is not installed",
    }, () => {
      // rc.subr and openrc-run read variables that the script itself does not; ls is asked about one known file.
      const options = ["--shell=sh", "--exclude=SC1090,SC1091,SC2012,SC2034,SC2154"];
      const { code, out } = runProgram("shellcheck", [...options, file]);
      assert.equal(code, 0, out);
    });
  }
});

describe("the systemd units", () => {
  it("pass systemd-analyze verify", {
    skip: !existsSync("/usr/bin/systemd-analyze") && "systemd-analyze is not installed",
  }, () => {
    const tree = new Tree();
    try {
      // It looks whether the programs are there.
      assert.equal(tree.make("install", "INIT=systemd", `SBINDIR=${tree.folder}/sbin`).code, 0);
      renameSync(tree.at(join(tree.folder, "sbin")), join(tree.folder, "sbin"));
      const units = ["smf-spf.service", "smf-spf.socket"].map((name) =>
        tree.at(`/usr/local/lib/systemd/system/${name}`),
      );
      const { code, out, err } = runProgram("systemd-analyze", ["verify", "--man=no", ...units]);
      assert.equal(out + err, "");
      assert.equal(code, 0);
    } finally {
      tree.close();
    }
  });

  it("never deny writable and executable memory, which V8 needs", () => {
    assert.doesNotMatch(readFileSync(join(INIT, "smf-spf.service"), "utf8"), /^MemoryDenyWriteExecute=/m);
  });
});

function readHead(file: string): string {
  try {
    return readFileSync(file, "utf8").split("\n", 1)[0] ?? "";
  } catch {
    return "";
  }
}
