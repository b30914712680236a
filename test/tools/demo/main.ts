/**
 * `make demo`: the built daemon, a name server on loopback with a small zone, and messages played through the
 * milter socket as an MTA would. Shows each dialogue, the reply, what is added to the message, the log, and fails
 * where the daemon does not do what is shown.
 */
import { chownSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { type MessageOutcome, MtaPlayer, openSocket } from "../../support/mta-player.ts";
import { startNameserver } from "../../support/nameserver/index.ts";
import { Daemon, type DaemonPlace } from "../../system/scenario/daemon.ts";
import { differences, editText } from "./expectation.ts";
import { SCENES, type Scene } from "./scenes.ts";
import { Stage } from "./stage.ts";
import { ZONE } from "./zone.ts";

const NOBODY = 65534;
const LOG_WAIT_MS = 30_000;

/** The daemon's log, read as it grows. */
class Log {
  readonly #path: string;
  #seen = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** The lines since the last call, once there are `count` of them or they do not come. */
  async next(count: number): Promise<string[]> {
    const end = performance.now() + LOG_WAIT_MS;
    for (;;) {
      const lines = readFileSync(this.#path, "latin1").split("\n").slice(0, -1).slice(this.#seen);
      if (lines.length >= count || performance.now() > end) {
        this.#seen += lines.length;
        return lines;
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

async function play(socket: string, scene: Scene): Promise<MessageOutcome> {
  const mta = new MtaPlayer(await openSocket(socket));
  await mta.connect(scene.client);
  await mta.helo(scene.helo);
  const outcome = await mta.message(scene.message);
  mta.quit();
  return outcome;
}

async function demonstrate(stage: Stage, place: DaemonPlace, logPath: string): Promise<number> {
  const log = new Log(logPath);
  // The line that says the daemon has started.
  await log.next(1);
  let wrong = 0;
  for (const [i, scene] of SCENES.entries()) {
    const outcome = await play(place.socket, scene);
    const lines = await log.next(scene.expect.log.length);
    stage.scene(i + 1, scene, outcome, outcome.edits.map(editText), lines);
    const faults = differences(scene.expect, outcome, lines);
    stage.faults(faults);
    if (faults.length > 0) wrong++;
  }
  return wrong;
}

async function main(): Promise<number> {
  const stage = new Stage();
  const folder = mkdtempSync(join(tmpdir(), "smf-spf-demo-"));
  const isRoot = process.getuid?.() === 0;
  if (isRoot) chownSync(folder, NOBODY, NOBODY);
  const nameserver = await startNameserver(ZONE);
  const logPath = join(folder, "maillog");
  const settings = [
    `User ${isRoot ? "nobody" : userInfo().username}`,
    `Socket unix:${join(folder, "smf-spf.sock")}`,
    `PidFile ${join(folder, "smf-spf.pid")}`,
    "Syslog none",
    `LogTo ${logPath}`,
    `Nameserver ${nameserver.address}:${nameserver.port}`,
    "WhitelistIP 10.0.0.0/8",
    "AcceptTempError off",
    "PolicyFor from=@box.example.jp RefuseFail=off Quarantine=on",
  ];
  const place: DaemonPlace = {
    folder,
    socket: join(folder, "smf-spf.sock"),
    pidFile: join(folder, "smf-spf.pid"),
    socketMode: 0o600,
    settings: `${settings.join("\n")}\n`,
  };
  let daemon: Daemon | undefined;
  // However it ends, nothing of it stays.
  process.on("exit", () => {
    daemon?.signal("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });
  try {
    stage.opening(settings, ZONE);
    daemon = await Daemon.start(place, { settings: "", files: new Map(), environment: {} });
    let wrong = SCENES.length;
    let exitCode: number | null = null;
    try {
      wrong = await demonstrate(stage, place, logPath);
    } finally {
      exitCode = await daemon.stop();
    }
    stage.closing(SCENES.length, wrong, exitCode);
    return wrong === 0 && exitCode === 0 ? 0 : 1;
  } finally {
    await nameserver.close();
  }
}

for (const [signal, number] of [
  ["SIGHUP", 1],
  ["SIGINT", 2],
  ["SIGTERM", 15],
] as const) {
  process.once(signal, () => process.exit(128 + number));
}
// A reader that has seen enough (`make demo | head`) ends it.
process.stdout.on("error", () => process.exit(0));
process.exitCode = await main();
