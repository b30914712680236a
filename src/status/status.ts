import { setImmediate as afterPoll } from "node:timers/promises";
import type { FilterEvent } from "../filter/index.ts";
import { buildPage, type HtmlPage } from "./build-page.ts";
import type { Figures, Product } from "./figures.ts";
import { type MetricSources, Metrics } from "./metrics.ts";
import { type Page, type Respond, StatusServer, text } from "./server.ts";
import { statusDocument, statusJson } from "./snapshot.ts";
import { Tally } from "./tally.ts";

/** A question to /why. */
export interface WhyQuery {
  readonly ip: string;
  readonly helo: string;
  /** Empty for the null sender. */
  readonly sender: string;
}

/** What the status page takes from the daemon. */
export interface StatusPorts {
  readonly product: Product;
  /** Asked once a second at most, and only while somebody looks. */
  readonly figures: () => Figures;
  /**
   * The evaluation of a query as JSON; undefined where the query makes no sense. It counts as no mail and ends when
   * the signal is aborted.
   */
  readonly why: (query: WhyQuery, signal: AbortSignal) => Promise<string> | undefined;
  /** The time of day, in milliseconds since the epoch. */
  readonly nowMs: () => number;
  readonly onError: (error: unknown) => void;
}

const SNAPSHOT_MS = 1_000;
const MINUTE_MS = 60_000;
/** Evaluations for /why at a time. */
const WHY_MAX = 2;

type Format = "json" | "prometheus" | "openmetrics";

/** Texts as octets, since many may ask for the same. */
interface Snapshot extends Partial<Readonly<Record<Format, Buffer>>> {
  /** Why the daemon does not serve; empty when it does. */
  readonly unhealthy: string;
}

/** The status page: counts what it is told, and serves it. */
export class Status {
  readonly #ports: StatusPorts;
  readonly #tally: Tally;
  readonly #metrics: Metrics;
  readonly #server: StatusServer;
  readonly #ticker: NodeJS.Timeout;
  #snapshot: Promise<Snapshot> | undefined;
  #snapshotMs = -Infinity;
  /** When each format was last asked for: a text takes milliseconds, so none is made that nobody reads. */
  readonly #askedMs = new Map<Format, number>();
  #formats: ReadonlySet<Format> = new Set();
  #lagSeconds = 0;
  #whys = 0;
  #page: Promise<HtmlPage> | undefined;

  constructor(ports: StatusPorts) {
    this.#ports = ports;
    this.#tally = new Tally(ports.nowMs);
    const sources: MetricSources = {
      product: ports.product,
      tally: this.#tally,
      eventLoopLagSeconds: () => this.#lagSeconds,
    };
    this.#metrics = new Metrics(sources);
    this.#server = new StatusServer(this.#respond, ports.onError);
    this.#ticker = setInterval(() => {
      this.#tally.advance();
    }, MINUTE_MS).unref();
  }

  /** Counts an event of a filter. */
  add(event: FilterEvent): void {
    this.#tally.add(event);
  }

  /** How long the MTA had to wait, in milliseconds, for the results of a message. */
  waited(elapsedMs: number): void {
    this.#tally.waited(elapsedMs);
  }

  /** Time has gone by. */
  advance(): void {
    this.#tally.advance();
  }

  /** New settings are in force. */
  setRules(rules: Figures["rules"]): void {
    this.#tally.rules.setRules(rules);
  }

  listen(options: Parameters<StatusServer["listen"]>[0]): Promise<void> {
    return this.#server.listen(options);
  }

  /** Answers requests from now on; connections before are closed. */
  start(): void {
    this.#server.start();
  }

  get port(): number | undefined {
    return this.#server.port;
  }

  close(): void {
    clearInterval(this.#ticker);
    this.#server.close();
  }

  readonly #respond: Respond = async ({ path, query, accept, signal }) => {
    switch (path) {
      case "/":
        return htmlPage(await this.#html());
      case "/metrics":
        return this.#metricsPage(accept);
      case "/status.json":
        return jsonPage((await this.#current("json")).json ?? "");
      case "/healthz": {
        const { unhealthy } = await this.#current();
        return unhealthy === "" ? text(200, "ok\n") : text(503, `${unhealthy}\n`);
      }
      case "/why":
        return this.#why(query, signal);
      default:
        return undefined;
    }
  };

  async #metricsPage(accept: string): Promise<Page> {
    const format = /application\/openmetrics-text\s*(?:;|,|$)/i.test(accept) ? "openmetrics" : "prometheus";
    const snapshot = await this.#current(format);
    return { status: 200, type: Metrics.contentType(format), body: snapshot[format] ?? "" };
  }

  async #why(query: URLSearchParams, signal: AbortSignal): Promise<Page> {
    const [ip, helo, sender] = ["ip", "helo", "sender"].map((name) => query.getAll(name));
    const [given = "", ...more] = ip ?? [];
    if (given === "" || more.length > 0 || (helo?.length ?? 0) > 1 || (sender?.length ?? 0) > 1) {
      return text(400, "ip, helo and sender are required, once each; an empty sender is the null sender\n");
    }
    if (this.#whys >= WHY_MAX) {
      return { ...text(429, "two evaluations are under way; try again\n"), headers: { "Retry-After": "1" } };
    }
    this.#whys++;
    try {
      const answer = this.#ports.why({ ip: given, helo: helo?.[0] ?? "", sender: sender?.[0] ?? "" }, signal);
      if (answer === undefined)
        return text(400, "the address, the HELO name or the sender cannot be evaluated\n");
      return jsonPage(await answer);
    } finally {
      this.#whys--;
    }
  }

  #html(): Promise<HtmlPage> {
    this.#page ??= buildPage();
    return this.#page;
  }

  /** All answers of one second come from one snapshot, however many ask; it has what was asked for recently. */
  #current(format?: Format): Promise<Snapshot> {
    const now = performance.now();
    if (format !== undefined) this.#askedMs.set(format, now);
    const isOver = now - this.#snapshotMs >= SNAPSHOT_MS;
    if (this.#snapshot === undefined || isOver || (format !== undefined && !this.#formats.has(format))) {
      const isRead = ([, askedMs]: readonly [Format, number]): boolean => now - askedMs < MINUTE_MS;
      this.#formats = new Set([...this.#askedMs].filter(isRead).map(([name]) => name));
      this.#snapshotMs = now;
      this.#snapshot = this.#take(this.#formats);
      this.#snapshot.catch(() => {
        this.#snapshot = undefined;
      });
    }
    return this.#snapshot;
  }

  async #take(formats: ReadonlySet<Format>): Promise<Snapshot> {
    const { product, figures: read, nowMs } = this.#ports;
    const began = performance.now();
    await afterPoll();
    this.#lagSeconds = (performance.now() - began) / 1000;
    this.#tally.advance();
    const figures = read();
    this.#tally.rules.setRules(figures.rules);
    const texts: Partial<Record<Format, Buffer>> = {};
    if (formats.has("json")) {
      texts.json = Buffer.from(statusJson(statusDocument(product, figures, this.#tally, nowMs())));
    }
    for (const format of ["prometheus", "openmetrics"] as const) {
      if (!formats.has(format)) continue;
      texts[format] = Buffer.from(await this.#metrics.text(format, figures));
      // Work of some milliseconds each: mail comes in between.
      await afterPoll();
    }
    return { ...texts, unhealthy: whyUnhealthy(figures) };
  }
}

function whyUnhealthy({ accepting, dnsProblem }: Figures): string {
  if (!accepting) return "the milter socket does not accept connections";
  return dnsProblem ?? "";
}

function jsonPage(body: string | Buffer): Page {
  return { status: 200, type: "application/json", body };
}

function htmlPage({ html, csp }: HtmlPage): Page {
  return {
    status: 200,
    type: "text/html; charset=utf-8",
    body: html,
    headers: {
      "Content-Security-Policy": csp,
      "Referrer-Policy": "no-referrer",
      "Cross-Origin-Resource-Policy": "same-origin",
    },
  };
}
