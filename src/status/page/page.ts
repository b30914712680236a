/** The status page: asks for /status.json every five seconds while somebody sees it, and shows what it says. */
import type { StatusDocument } from "../document.ts";
import { DecisionList } from "./decisions.ts";
import {
  byId,
  clock,
  dayAndTime,
  duration,
  element,
  milliseconds,
  number,
  outside,
  percent,
  setText,
} from "./dom.ts";
import { type Period, RESULTS, ResultsPlot } from "./plot.ts";
import { createTops } from "./tops.ts";

const REFRESH_MS = 5_000;
const TOAST_MS = 6_000;

const plot = new ResultsPlot(byId("plot"));
const decisions = new DecisionList();
const showTops = createTops(copy);
const legend = RESULTS.map(legendRow);

let latest: StatusDocument | undefined;
let lastAnswer: Date | undefined;
let paused = false;
let period: Period = "hour";
let timer = 0;
let toastTimer = 0;

for (const input of document.querySelectorAll<HTMLInputElement>("input[name=period]")) {
  input.addEventListener("change", () => {
    period = input.value as Period;
    if (latest !== undefined) showResults(latest);
  });
}
const pause = byId("pause");
pause.addEventListener("click", () => {
  paused = !paused;
  pause.setAttribute("aria-pressed", String(paused));
  setText(pause, paused ? "Paused" : "Pause");
  if (!paused) void refresh();
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) void refresh();
});
void refresh();

async function refresh(): Promise<void> {
  clearTimeout(timer);
  if (document.hidden) return;
  if (!paused) await load();
  timer = window.setTimeout(() => void refresh(), REFRESH_MS);
}

async function load(): Promise<void> {
  try {
    const response = await fetch("status.json", {
      cache: "no-store",
      signal: AbortSignal.timeout(REFRESH_MS),
    });
    if (!response.ok) throw new Error(String(response.status));
    const status = (await response.json()) as StatusDocument;
    latest = status;
    lastAnswer = new Date();
    document.body.classList.remove("stale");
    show(status);
  } catch {
    document.body.classList.add("stale");
    const since =
      lastAnswer === undefined ? "" : ` since ${clock(lastAnswer)}: the figures are those of then`;
    showHealth([`smf-spf does not answer${since}`]);
  }
}

function show(status: StatusDocument): void {
  const { started, now, nameservers, reload, shared_cache: shared } = status;
  setText(byId("product"), status.product);
  document.title =
    status.problems.length > 0 ? `(${status.problems.length}) ${status.product}` : status.product;
  const up = duration(new Date(now).getTime() - new Date(started).getTime());
  setText(byId("up"), `${dayAndTime(new Date(started))} (${up})`);
  const servers = nameservers.map(
    ({ address, answer_ms: ms }) => `${address} ${ms === null ? "no answer yet" : milliseconds(ms)}`,
  );
  setText(byId("nameservers"), servers.join(", "));
  byId("shared").hidden = shared === null;
  if (shared !== null) setText(byId("shared-state"), sharedCache(shared));
  const read = `${reload.ok ? "read" : "refused"} ${dayAndTime(new Date(reload.time))}`;
  setText(byId("reload"), read);
  byId("report-only").hidden = !status.report_only;
  showHealth(status.problems);
  showResults(status);
  showWaits(status);
  showTops(status.top);
  decisions.show(status.decisions);
}

function sharedCache({ up, hits, misses, errors }: NonNullable<StatusDocument["shared_cache"]>): string {
  const asked = hits + misses;
  const share = percent(asked === 0 ? null : hits / asked);
  return `${up ? "in use" : "out of use"}, ${share} found, ${number(errors)} errors`;
}

function showHealth(problems: readonly string[]): void {
  const health = byId("health");
  health.classList.toggle("bad", problems.length > 0);
  const text = problems.join("\n");
  if (health.dataset["text"] === text) return;
  health.dataset["text"] = text;
  const [only, ...more] = problems;
  if (only === undefined) health.replaceChildren(element("p", "", "All is well."));
  else if (more.length === 0) health.replaceChildren(element("p", "", outside(only)));
  else
    health.replaceChildren(
      element("ul", "", ...problems.map((problem) => element("li", "", outside(problem)))),
    );
}

function showResults({ results, series }: StatusDocument): void {
  plot.show(series[period], period);
  const sum = RESULTS.reduce((total, result) => total + results[result][period], 0);
  for (const row of legend) {
    const count = results[row.result][period];
    setText(row.count, number(count));
    setText(row.share, sum === 0 ? "–" : percent(count / sum));
  }
}

function legendRow(result: (typeof RESULTS)[number]): {
  result: (typeof RESULTS)[number];
  count: HTMLElement;
  share: HTMLElement;
} {
  const swatch = element("span", `swatch ${result}`);
  swatch.setAttribute("aria-hidden", "true");
  const name = element("th", "", swatch, result);
  name.scope = "row";
  const count = element("td", "", "–");
  const share = element("td", "", "–");
  byId("legend").append(element("tr", "", name, count, share));
  return { result, count, share };
}

function showWaits({ waits }: StatusDocument): void {
  setText(byId("p50"), milliseconds(waits.p50_ms));
  setText(byId("p95"), milliseconds(waits.p95_ms));
  setText(byId("p99"), milliseconds(waits.p99_ms));
  setText(byId("memory"), percent(waits.from_memory));
  setText(byId("timeouts"), number(waits.dns_timeouts));
}

/** Puts a line on the clipboard. Where the page came by a proxy without TLS, browsers have only the old way. */
function copy(line: string): void {
  const told = (): void => {
    toast(`Copied for smf-spf.conf: ${line}`);
  };
  const otherwise = (): void => {
    const field = element("textarea", "unseen");
    field.value = line;
    const focused = document.activeElement;
    document.body.append(field);
    field.select();
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- there is no other way without TLS
    const done = document.execCommand("copy");
    field.remove();
    if (focused instanceof HTMLElement) focused.focus();
    if (done) told();
    else toast(`For smf-spf.conf: ${line}`);
  };
  if (!window.isSecureContext) otherwise();
  else void navigator.clipboard.writeText(line).then(told, otherwise);
}

function toast(text: string): void {
  const target = byId("toast");
  target.textContent = text;
  clearTimeout(toastTimer);
  toastTimer = window.setTimeout(() => {
    target.textContent = "";
  }, TOAST_MS);
}
