/**
 * Somebody who has a fresh Debian 13 with an MTA and follows docs/install.md, the page of the MTA and docs/packages.md
 * to the letter, as a user who may sudo. The commands and lines are those of the documents.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { afterEach, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { readDocument } from "../../unit/documents/page.ts";
import { CONFIG } from "./daemon.ts";
import { instructionsOf } from "./instructions.ts";
import { Layers } from "./layers.ts";
import { type Ended, Machine } from "./machine.ts";
import { ADMIN, SOURCES, SYSTEMS } from "./systems.ts";

const ROOT = join(import.meta.dirname, "../../..");
const OUTSIDE = join(import.meta.dirname, "outside.ts");

/** The line after which neither a registry nor a mirror is needed. */
const BUILD = "make build";

const MTAS = {
  postfix: {
    name: "Postfix",
    connect: () => instructionsOf("docs/postfix.md", "Postfix", "Debian: smtpd in a chroot"),
    log: () => instructionsOf("docs/install.md", "Start").filter((line) => line.includes("journalctl")),
  },
  sendmail: {
    name: "Sendmail",
    connect: () => instructionsOf("docs/sendmail.md", "Sendmail"),
    // rsyslog is installed as well.
    log: () => ["sudo cat /var/log/mail.log"],
  },
};

for (const mta of ["postfix", "sendmail"] as const) {
  const { name, connect, log } = MTAS[mta];
  describe(`a fresh Debian 13 with ${name}, and the documents`, () => {
    let tree: string;
    let machine: Machine;
    const source = instructionsOf("docs/install.md", "From source");
    const built = source.findIndex((line) => line.startsWith(BUILD)) + 1;

    before(() => {
      assert.ok(built > 0);
      const files = execFileSync("git", ["ls-files", "-z"], { cwd: ROOT });
      const list = ["-c", "--null", "-T", "-"];
      const tar = execFileSync("tar", list, { cwd: ROOT, input: files, maxBuffer: 256 << 20 });
      const layers = new Layers(process.env["DEB_CACHE"] ?? "");
      const script = `chown -R ${ADMIN.name}: /home/${ADMIN.name}\n${ADMIN.as(source.slice(0, built))}\n`;
      const lower = process.env[SYSTEMS[mta].variable] ?? "";
      tree = layers.fresh(lower, `built-${mta}`, script, { at: SOURCES, tar });
    });
    afterEach(() => machine.stop());

    /** Starts the system, with clients from outside, and a name server for it, which outside.ts is. */
    async function start(): Promise<void> {
      machine = await Machine.boot(tree);
      machine.must("ip route add local 198.51.100.0/24 dev lo");
      machine.must(`echo nameserver 127.0.0.1 >/etc/resolv.conf; systemctl restart ${mta}`);
    }

    const follow = (lines: readonly string[]): string => machine.must(ADMIN.as(lines));
    const run = (line: string): Ended => machine.run(ADMIN.as([line]));

    async function until(what: string, condition: () => boolean): Promise<void> {
      for (let i = 0; i < 300; i++) {
        if (condition()) return;
        await sleep(200);
      }
      throw new Error(`waited in vain for ${what}: ${run(log().join("\n")).output}`);
    }

    /** A message that fails and one that passes, sent to the MTA. */
    async function seeFirstLines(): Promise<void> {
      const replies = await machine.inNetwork(process.execPath, "--import", "tsx", OUTSIDE);
      const { fail, pass } = JSON.parse(replies) as { readonly fail: string; readonly pass: string };
      assert.match(fail, /^550 (?:5\.7\.23 )?.*SPF fail: fail\.test/);
      assert.match(pass, /^250 /);
      await until("the lines", () => /SPF pass: 198\.51\.100\.1, /.test(follow(log())));
      const client = "198\\.51\\.100\\.1, mail\\.pass\\.test, mail\\.pass\\.test, a@fail\\.test";
      assert.match(follow(log()), new RegExp(`smf-spf\\[\\d+\\]: SPF fail: ${client}$`, "m"));
      assert.match(follow(log()), new RegExp(`smf-spf\\[\\d+\\]: SPF refused: ${client}, .*550 5\\.7\\.23`));
    }

    it("lead from the sources to the first line in the maillog, and back to nothing", async () => {
      await start();
      const release = machine.must(`dpkg-query -f '\${Version}' -W ${mta}`).match(/^\d+\.\d+/)?.[0] ?? "";
      assert.match(readDocument("README.md"), new RegExp(`^\\| ${name} \\|[^|]*\\b${release}\\b`, "m"));
      const before = listFiles();
      follow(source.slice(built));
      follow(connect());
      follow(instructionsOf("docs/install.md", "Start"));
      await seeFirstLines();
      follow(instructionsOf("docs/install.md", "Remove"));
      assert.equal(run("systemctl is-active smf-spf").output, "inactive\n");
      const kept = listFiles().filter((file) => !before.includes(file));
      // What the administrator himself has changed and made.
      assert.deepEqual(kept, mta === "postfix" ? ["/etc/mail", CONFIG.replace(/\/[^/]*$/, ""), CONFIG] : []);
    });

    it("lead from the package to the first line in the maillog", async () => {
      await start();
      follow(instructionsOf("docs/packages.md", "Debian 13"));
      follow(connect());
      await seeFirstLines();
    });

    const listFiles = (): string[] =>
      machine
        .must(
          "find /etc/mail /etc/systemd /etc/init.d /usr /run/smfs /var/lib/smf* -print 2>/dev/null || true",
        )
        .split("\n");
  });
}
