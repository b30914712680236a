import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import type { Daemon } from "../scenario/daemon.ts";
import { playSteps } from "../scenario/play.ts";
import { readScenario, type Scenario } from "../scenario/scenario.ts";
import { MtaPlayer, PID_FILE, RealPeer, SOCKET } from "./mta-player.ts";
import { run } from "./namespace.ts";
import { Postfix } from "./postfix.ts";
import { Sendmail } from "./sendmail.ts";

const TEXT = `# A fail, and a message of a domain that publishes nothing.
[zone]
fail.test TXT v=spf1 -all
[session]
connect 192.0.2.66
EHLO mail.fail.test
MAIL FROM:<user@fail.test>
MAIL FROM:<user@none.test>
RCPT TO:<bob@rig.test>
DATA
| Subject: hello
|
| body
QUIT
`;

function scenario(mta: "sendmail" | "postfix"): Scenario {
  const read = readScenario(TEXT, "daemon.test.ts", mta);
  assert.ok(read);
  return read;
}

const MTAS = [
  ["sendmail", () => Sendmail.start()],
  ["postfix", () => Postfix.start()],
] as const;

for (const [mta, startMta] of MTAS) {
  describe(`the daemon behind ${mta}`, () => {
    let player: MtaPlayer;
    let daemon: Daemon;
    before(async () => {
      player = await MtaPlayer.open(startMta);
      player.nameserver.setZone(scenario(mta).zone);
      daemon = await player.daemon.serve(scenario(mta));
    });
    after(() => player.close());

    it("has given up root on every thread", () => {
      const [uid = "", gid = ""] = ["-u", "-g"].map((option) => run("id", option, "smfs").trim());
      const status = readFileSync(`/proc/${daemon.pid}/status`, "latin1");
      assert.match(status, new RegExp(`^Uid:\\t${[uid, uid, uid, uid].join("\\t")}$`, "m"));
      assert.match(status, new RegExp(`^Gid:\\t${[gid, gid, gid, gid].join("\\t")}$`, "m"));
      const threads = run("sh", "-c", `cat /proc/${daemon.pid}/task/*/status`).match(
        /^(Uid|Gid|Groups):.*$/gm,
      );
      for (const line of threads ?? []) assert.doesNotMatch(line, /\b0\b/);
    });

    it("owns its socket and PID file, which the MTA can use and others cannot", () => {
      const socket = statSync(SOCKET);
      assert.equal(socket.uid, Number(run("id", "-u", "smfs")));
      assert.equal(socket.mode & 0o777, mta === "postfix" ? 0o660 : 0o600);
      assert.equal(statSync(PID_FILE).mode & 0o022, 0);
    });

    it("writes to the system log as facility mail under its name and PID", async () => {
      await playSteps(scenario(mta).steps, new RealPeer(player.mta));
      const lines = (await player.syslog.linesWith("smf-spf", /^SPF none: /)).filter(({ text }) =>
        text.startsWith("SPF "),
      );
      assert.deepEqual(
        lines.map(({ facility, severity, tag, text }) => [facility, severity, tag, text.split(",", 1)[0]]),
        [
          ["mail", "notice", `smf-spf[${daemon.pid}]`, "SPF fail: 192.0.2.66"],
          ["mail", "notice", `smf-spf[${daemon.pid}]`, "SPF refused: 192.0.2.66"],
          ["mail", "info", `smf-spf[${daemon.pid}]`, "SPF none: 192.0.2.66"],
        ],
      );
    });

    it("ends on SIGTERM with 0 and takes socket and PID file along; mail then passes unchecked", async () => {
      assert.equal(await daemon.stop(), 0);
      assert.equal(existsSync(SOCKET), false);
      assert.equal(existsSync(PID_FILE), false);
      const exchanges = await playSteps(scenario(mta).steps, new RealPeer(player.mta));
      const fail = exchanges.find(
        ({ step }) => step.action.kind === "command" && step.action.text === "MAIL FROM:<user@fail.test>",
      );
      assert.equal(fail?.reply?.code, "250");
    });
  });
}
