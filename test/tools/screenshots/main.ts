/** `make screenshots`: the pictures of the status page in README, docs/images/status-*.png. Needs Chromium. */
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { randomNumbers } from "../../support/mail-month.ts";
import { Browser, chromiumPath } from "../../system/e2e/browser.ts";
import { MAIL, type Mail, type StatusRig, startStatusRig } from "../../system/e2e/status-mail.ts";

const PORT = 9325;
const IMAGES = join(import.meta.dirname, "../../../docs/images");
const CLOCK = join(import.meta.dirname, "clock.mjs");
const WIDTH = 1100;
const MINUTE_MS = 60_000;
const MINUTES = 58;
/** So long an answer is kept by the daemon; for the next it looks at its clock. */
const SNAPSHOT_MS = 1_050;
const SEED = 7208;

/** What comes in a minute: more and less of the mix, and for some minutes a wave of forged mail. */
function mailOf(minute: number, random: () => number): Mail[] {
  const level = 0.35 + 0.2 * Math.sin(minute / 7) + 0.3 * random();
  const wave = minute > 30 && minute < 37 ? 3 : 1;
  return MAIL.map((mail) => {
    const share = mail.from.endsWith("uso.example") ? level * wave : level;
    return { ...mail, times: Math.floor(mail.times * share + random()) };
  });
}

/** Plays an hour of mail, which ends about now. */
async function playHour(rig: StatusRig, setClock: (offMs: number) => void): Promise<void> {
  const random = randomNumbers(SEED);
  // The middle of a minute: the time that passes here does not lead into another one.
  const last = (Math.floor(Date.now() / MINUTE_MS) + 0.5) * MINUTE_MS;
  for (let minute = 0; minute <= MINUTES; minute++) {
    setClock(last + (minute - MINUTES) * MINUTE_MS - Date.now());
    await sleep(SNAPSHOT_MS);
    await (await fetch(`${rig.url}/status.json`)).text();
    await rig.play(mailOf(minute, random));
  }
}

async function takePictures(browser: Browser, url: string): Promise<void> {
  await browser.view({ width: WIDTH, height: 900 });
  await browser.open(`${url}/`);
  await browser.until("document.querySelectorAll('#decisions tr').length > 0");
  // To the end of the first tables: nothing is cut through.
  const height = await browser.evaluate<number>(
    "Math.ceil(document.querySelector('#tops > *').getBoundingClientRect().bottom + 16)",
  );
  for (const [name, dark] of [
    ["light", false],
    ["dark", true],
  ] as const) {
    await browser.view({ width: WIDTH, height, dark });
    // The plot is drawn again in the other colours.
    await sleep(500);
    writeFileSync(join(IMAGES, `status-${name}.png`), await browser.screenshot());
  }
}

async function main(): Promise<number> {
  const chromium = chromiumPath();
  if (chromium === undefined) {
    process.stderr.write("Chromium is lacking: apt-get install chromium\n");
    return 69;
  }
  const folder = mkdtempSync(join(tmpdir(), "smf-spf-clock-"));
  chmodSync(folder, 0o755);
  const clockFile = join(folder, "clock");
  const setClock = (offMs: number): void => {
    // The daemon may be reading it.
    writeFileSync(`${clockFile}.new`, String(offMs));
    renameSync(`${clockFile}.new`, clockFile);
  };
  setClock(-MINUTES * MINUTE_MS);
  const environment = { NODE_OPTIONS: `--import=${CLOCK}`, CLOCK_FILE: clockFile };
  const rig = await startStatusRig(PORT, { mail: [], environment });
  const browser = await Browser.start(chromium);
  try {
    mkdirSync(IMAGES, { recursive: true });
    await playHour(rig, setClock);
    await takePictures(browser, rig.url);
  } finally {
    await browser.close();
    await rig.stop();
    rmSync(folder, { recursive: true });
  }
  return 0;
}

process.exitCode = await main();
