/** `make screenshots`: the pictures of the status page in README, docs/images/status-*.png. Needs Chromium. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Browser, chromiumPath } from "../../system/e2e/browser.ts";
import { startStatusRig } from "../../system/e2e/status-mail.ts";

const PORT = 9325;
const IMAGES = join(import.meta.dirname, "../../../docs/images");

async function main(): Promise<number> {
  const chromium = chromiumPath();
  if (chromium === undefined) {
    process.stderr.write("Chromium is lacking: apt-get install chromium\n");
    return 69;
  }
  const rig = await startStatusRig(PORT);
  const browser = await Browser.start(chromium);
  try {
    mkdirSync(IMAGES, { recursive: true });
    await browser.view({ width: 1100, height: 720 });
    await browser.open(`${rig.url}/`);
    await browser.until("document.querySelectorAll('#decisions tr').length > 0");
    for (const [name, dark] of [
      ["light", false],
      ["dark", true],
    ] as const) {
      await browser.view({ width: 1100, height: 720, dark });
      // The plot is drawn anew in the other colours.
      await new Promise((resolve) => setTimeout(resolve, 500));
      writeFileSync(join(IMAGES, `status-${name}.png`), await browser.screenshot());
    }
  } finally {
    await browser.close();
    await rig.stop();
  }
  return 0;
}

process.exitCode = await main();
