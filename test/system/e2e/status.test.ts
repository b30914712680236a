/**
 * The status page as a person sees it: a real daemon, a known mix of mail, Chromium. Screenshots are kept in
 * E2E_ARTEFACTS (.cache/e2e/status).
 */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { StatusDocument } from "../../../src/status/index.ts";
import { exitOf } from "../../support/child-process.ts";
import { BUNDLE } from "../scenario/daemon.ts";
import { Browser, chromiumPath } from "./browser.ts";
import { waitUntil } from "./process.ts";
import { EXPECTED, type StatusRig, startStatusRig } from "./status-mail.ts";

const PORT = 9325;
const ARTEFACTS = process.env["E2E_ARTEFACTS"] ?? join(import.meta.dirname, "../../../.cache/e2e/status");
const CHROMIUM = chromiumPath();
const noBrowser = CHROMIUM === undefined ? "Chromium is lacking: apt-get install chromium" : false;
const noPrometheus = existsSync("/usr/bin/promtool")
  ? false
  : "Prometheus is lacking: apt-get install prometheus";

describe("the status page", () => {
  let rig: StatusRig;
  before(async () => {
    rig = await startStatusRig(PORT);
  });
  after(async () => {
    await rig.stop();
  });

  it("smf-spf --status prints it in the terminal", () => {
    const text = execFileSync(process.execPath, [BUNDLE, "--status", "-c", rig.configFile], {
      encoding: "utf8",
    });
    assert.match(text, /^all is well$/m);
    assert.match(text, /^pass +52 +52 +52 +52$/m);
    assert.match(text, /^ {7}7 {2}203\.0\.113\.9 \[203\.0\.113\.9\]\n {10}WhitelistIP 203\.0\.113\.9$/m);
    const json = execFileSync(process.execPath, [BUNDLE, "--status=json", "-c", rig.configFile], {
      encoding: "utf8",
    });
    const { results } = JSON.parse(json) as StatusDocument;
    for (const [result, count] of Object.entries(EXPECTED)) {
      assert.equal(results[result as keyof typeof EXPECTED].total, count, result);
    }
  });

  it("promtool finds nothing to say of the metrics", { skip: noPrometheus }, async () => {
    for (const path of ["/metrics"]) {
      const text = await (await fetch(rig.url + path)).text();
      execFileSync("/usr/bin/promtool", ["check", "metrics"], { input: text });
    }
  });

  it("Prometheus scrapes it", { skip: noPrometheus }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "smf-spf-prometheus-"));
    const job = `scrape_configs:\n- job_name: smf-spf\n  scrape_interval: 1s\n  static_configs:\n  - targets: ["127.0.0.1:${PORT}"]\n`;
    writeFileSync(join(folder, "prometheus.yml"), job);
    const flags = ["--web.listen-address=127.0.0.1:9091", `--storage.tsdb.path=${folder}/data`];
    const server = spawn("/usr/bin/prometheus", [`--config.file=${folder}/prometheus.yml`, ...flags], {
      stdio: "ignore",
    });
    try {
      const query = encodeURIComponent('sum(smfspf_results_total{result="pass"})');
      await waitUntil("all that passed", async () => {
        await sleep(250);
        const answer = await fetch(`http://127.0.0.1:9091/api/v1/query?query=${query}`).catch(
          () => undefined,
        );
        if (answer?.ok !== true) return false;
        const { data } = (await answer.json()) as { data: { result: { value: [number, string] }[] } };
        return data.result[0]?.value[1] === "52";
      });
    } finally {
      const over = exitOf(server);
      server.kill("SIGKILL");
      await over;
      rmSync(folder, { recursive: true, force: true });
    }
  });

  describe("in a browser", { skip: noBrowser }, () => {
    let browser: Browser;
    const texts = (selector: string): Promise<string[]> =>
      browser.evaluate(
        `[...document.querySelectorAll(${JSON.stringify(selector)})].map((e) => e.textContent)`,
      );
    before(async () => {
      browser = await Browser.start(CHROMIUM ?? "");
      await browser.view({ width: 1280, height: 900 });
      await browser.open(`${rig.url}/`);
      await browser.until("document.querySelectorAll('#decisions tr').length > 0");
    });
    after(async () => {
      await browser.close();
    });

    it("shows the figures of the mail", async () => {
      assert.match((await texts("#product"))[0] ?? "", /^smf-spf \d/);
      assert.deepEqual(await texts("#health"), ["All is well."]);
      const legend = await texts("#legend th");
      const counts = await texts("#legend td:nth-child(2)");
      assert.deepEqual(
        Object.fromEntries(legend.map((name, index) => [name, Number(counts[index])])),
        EXPECTED,
      );
      assert.deepEqual(await texts("#shown"), ["the newest 50 of 78"]);
      const refused = await texts("[aria-labelledby=domains-refused] tbody tr");
      assert.match(refused[0] ?? "", /^uso\.example8/);
      const errors = await texts("[aria-labelledby=domains-in-error] tbody tr");
      assert.match(errors.join("\n"), /two\.examplepermerror: two\.example publishes 2 SPF records/);
      assert.match(errors.join("\n"), /broken\.exampletemperror: /);
      // Such mail passes anyway.
      assert.deepEqual(await texts("[aria-labelledby=domains-in-error] button:not([hidden])"), []);
      assert.match((await texts("[aria-labelledby=forwarders-to-look-at] tbody tr"))[0] ?? "", /3 domains/);
      const rules = await texts("[aria-labelledby=rules] tbody tr");
      assert.match(rules[0] ?? "", /^RefuseFail on.*smf-spf\.conf:812/);
      assert.match(rules[1] ?? "", /^WhitelistIP 10\.0\.0\.0\/8.*never hit0/);
    });

    it("shows what a sender wrote as text", async () => {
      assert.ok((await texts("#decisions td.from")).includes('"<img src=x onerror=alert(1)>"@uso.example'));
      assert.equal(await browser.evaluate("document.querySelectorAll('main img').length"), 0);
    });

    it("filters while somebody types", async () => {
      await browser.evaluate("document.getElementById('filter').focus()");
      await browser.type("softfail -nobody");
      await browser.until("document.querySelectorAll('#decisions tr').length === 4");
      assert.deepEqual(await texts("#shown"), ["4 of 78 match"]);
      await browser.evaluate("document.getElementById('filter').select()");
      await browser.type("203.0.113.40");
      await browser.until("document.querySelectorAll('#decisions tr').length === 5");
      await browser.evaluate(
        "{ const f = document.getElementById('filter'); f.value = ''; f.dispatchEvent(new Event('input')); }",
      );
    });

    it("copies the line of a row", async () => {
      await browser.send("Browser.grantPermissions", {
        permissions: ["clipboardReadWrite", "clipboardSanitizedWrite"],
      });
      await browser.evaluate(
        "document.querySelector('[aria-labelledby=clients-refused] tbody button').click()",
      );
      await browser.until("document.getElementById('toast').textContent !== ''");
      assert.deepEqual(await texts("#toast"), ["Copied for smf-spf.conf: WhitelistIP 203.0.113.9"]);
    });

    it("shows the evaluation of a decision, by keyboard alone", async () => {
      const row =
        "[...document.querySelectorAll('#decisions tr')].find((r) => r.textContent.includes('orders@shop'))";
      await browser.evaluate(`${row}.querySelector('button').focus()`);
      await browser.press("Enter", 13);
      await browser.until("document.querySelector('.tree ul') !== null");
      assert.match((await texts(".tree"))[0] ?? "", /Evaluated now: fail\..*include:_spf\.shop\.example/s);
      const paragraphs = await texts(".tree > p");
      assert.equal(paragraphs[0], "Evaluated now: fail.");
      assert.ok(paragraphs.includes("Mail would pass from:"), paragraphs.join("\n"));
      assert.match((await texts(".tree > .item")).join("\n"), /^192\.0\.2\.16\/28 \(_spf\.shop\.example\)$/);
      assert.deepEqual(await texts(".tree li li:last-child > .hit + .note"), ["matches", "matches"]);
      assert.equal(await browser.evaluate("document.activeElement.getAttribute('aria-expanded')"), "true");
      await browser.press("Enter", 13);
      await browser.until("document.querySelector('.tree') === null");
    });

    it("keeps focus and place while it refreshes", async () => {
      const button = "document.querySelector('[aria-labelledby=clients-refused] tbody button')";
      await browser.evaluate(`window.kept = ${button}; kept.focus(); scrollTo(0, 300)`);
      const before = await browser.evaluate<number>("kept.getBoundingClientRect().top");
      await rig.play([{ times: 1, from: "anna@good.example", address: "192.0.2.1" }]);
      await browser.until("document.getElementById('shown').textContent === 'the newest 50 of 79'");
      assert.equal(await browser.evaluate("document.activeElement === kept"), true);
      assert.equal(await browser.evaluate("kept.getBoundingClientRect().top"), before);
    });

    for (const [name, view] of Object.entries({
      "wide-light": { width: 1280, height: 900 },
      "wide-dark": { width: 1280, height: 900, dark: true },
      "tablet-light": { width: 800, height: 1000 },
      "phone-light": { width: 390, height: 844, mobile: true },
      "phone-dark": { width: 390, height: 844, mobile: true, dark: true },
    })) {
      it(`fits ${name}`, async () => {
        await browser.view(view);
        await browser.evaluate("scrollTo(0, 0)");
        const background = "dark" in view ? "rgb(18, 21, 26)" : "rgb(246, 247, 249)";
        await browser.until(`getComputedStyle(document.body).backgroundColor === "${background}"`);
        await sleep(300);
        const overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
        assert.ok((await browser.evaluate<number>(overflow)) <= 0, "wider than the window");
        const width = (column: string): Promise<number> =>
          browser.evaluate(`document.querySelector('#decisions td.${column}').getBoundingClientRect().width`);
        assert.ok(
          (await width("from")) >= (await width("client")),
          "the sender has less room than the client",
        );
        mkdirSync(ARTEFACTS, { recursive: true });
        writeFileSync(join(ARTEFACTS, `${name}.png`), await browser.screenshot(true));
      });
    }

    it("is no long way down on a phone: ten decisions, and more when they are asked for", async () => {
      await browser.view({ width: 390, height: 844, mobile: true });
      await browser.until("document.querySelectorAll('#decisions tr').length === 10");
      assert.deepEqual(await texts("#shown"), ["the newest 10 of 79"]);
      const height = "document.querySelector('.decisions').getBoundingClientRect().height";
      assert.ok((await browser.evaluate<number>(height)) < 2 * 844, "more than two screens");
      await browser.evaluate("document.getElementById('older').click()");
      await browser.until("document.querySelectorAll('#decisions tr').length === 20");
      await browser.view({ width: 1280, height: 900 });
      await browser.until("document.querySelectorAll('#decisions tr').length === 79");
    });

    it("asks nobody else for anything, and the console stays silent", () => {
      assert.deepEqual(browser.complaints, []);
      for (const url of browser.requests)
        assert.ok(url.startsWith(`${rig.url}/`) || url.startsWith("data:"), url);
    });
  });
});
