/** What /metrics serves: the figures as Prometheus and OpenMetrics have them. */
import { readdirSync, readFileSync } from "node:fs";
import { type Metric, type OpenMetricsContentType, Registry } from "prom-client";
import type { HistogramCounts } from "./counts.ts";
import {
  actionLabel,
  CLOSE_CAUSES,
  FAULT_RCODES,
  type Figures,
  type Product,
  SHARED_CACHE_ERRORS,
} from "./figures.ts";
import type { Tally } from "./tally.ts";

/** Where samples come from at the moment of a scrape. */
export interface MetricSources {
  readonly product: Product;
  readonly tally: Tally;
  /** How late the event loop is, in seconds. */
  readonly eventLoopLagSeconds: () => number;
}

interface Sample {
  readonly value: number;
  readonly labels?: Readonly<Record<string, string | number>>;
  readonly metricName?: string;
}

interface Family {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly samples: (figures: Figures) => readonly Sample[];
}

/** A text for each of the two formats. */
export class Metrics {
  readonly #plain = new Registry();
  readonly #open = new Registry<OpenMetricsContentType>();
  #figures: Figures | undefined;

  constructor(sources: MetricSources) {
    this.#open.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
    for (const family of families(sources)) {
      // Every registry changes the names of its metrics to its own fashion.
      this.#plain.registerMetric(this.#metricOf(family));
      this.#open.registerMetric(this.#metricOf(family));
    }
  }

  /** Prometheus text 0.0.4, or OpenMetrics 1.0. */
  text(format: "prometheus" | "openmetrics", figures: Figures): Promise<string> {
    this.#figures = figures;
    return format === "prometheus" ? this.#plain.metrics() : this.#open.metrics();
  }

  static contentType(format: "prometheus" | "openmetrics"): string {
    return format === "prometheus" ? Registry.PROMETHEUS_CONTENT_TYPE : Registry.OPENMETRICS_CONTENT_TYPE;
  }

  /** What a registry asks for; the library's own counters would hash labels at each count. */
  #metricOf({ name, type, help, samples }: Family): Metric {
    const metric = {
      name,
      type,
      get: () => {
        const values = this.#figures === undefined ? [] : samples(this.#figures);
        return Promise.resolve({ name: metric.name, help, type, values, aggregator: "sum" });
      },
    };
    return metric as unknown as Metric;
  }
}

function families(sources: MetricSources): Family[] {
  return [...ownFamilies(sources), ...processFamilies(sources)].map((family) => ({
    ...family,
    name: /^(?:process|nodejs)_/.test(family.name) ? family.name : `smfspf_${family.name}`,
  }));
}

function ownFamilies({ product, tally }: MetricSources): Family[] {
  const cache = (
    value: "hits" | "misses" | "joined" | "evictions" | "renewals" | "entries",
  ): Family["samples"] => {
    return ({ caches }) =>
      Object.entries(caches).map(([name, figures]) => ({ labels: { cache: name }, value: figures[value] }));
  };
  const withShared = (value: "hits" | "misses"): Family["samples"] => {
    const own = cache(value);
    return (figures) => [
      ...own(figures),
      { labels: { cache: "shared" }, value: figures.sharedCache?.[value] ?? 0 },
    ];
  };
  return [
    gauge("build_info", "The version of smf-spf and of Node.js; always 1.", () => [
      { labels: { version: product.version, node: product.node }, value: 1 },
    ]),
    gauge("config_info", "A digest of the settings in force; always 1.", ({ configDigest }) => [
      { labels: { digest: configDigest }, value: 1 },
    ]),
    counter("results_total", "SPF results by identity and by where they came from.", () =>
      tally.results().map(({ count, ...labels }) => ({ labels, value: count })),
    ),
    counter(
      "actions_total",
      "What was done to mail, by the option that led to it; report_only=1: only logged.",
      () =>
        tally.actions().map(({ action, rule, reportOnly, count }) => ({
          labels: { action: actionLabel(action), rule, report_only: reportOnly ? 1 : 0 },
          value: count,
        })),
    ),
    counter("rule_hits_total", "How often a line of smf-spf.conf has decided.", () =>
      tally.rules.all().map(({ rule, line, hits }) => ({ labels: { rule, line }, value: hits })),
    ),
    histogram(
      "mail_wait_seconds",
      "How long the MTA waited for the results of a message.",
      () => tally.waits,
    ),
    histogram("evaluation_lookups", "Terms with DNS lookups in an evaluation.", () => tally.lookups),
    histogram("evaluation_voids", "Terms with void lookups in an evaluation.", () => tally.voids),
    counter("permerrors_total", "Results permerror by what is wrong with the record.", () =>
      tally.permerrors().map(({ problem, count }) => ({ labels: { problem }, value: count })),
    ),
    counter("temperrors_total", "Results temperror by cause.", () =>
      tally.temperrors().map(({ cause, count }) => ({ labels: { cause }, value: count })),
    ),
    counter("cache_hits_total", "Found in a cache.", withShared("hits")),
    counter("cache_misses_total", "Not found in a cache.", withShared("misses")),
    counter(
      "cache_joined_total",
      "Served by an equal question or evaluation that was under way.",
      cache("joined"),
    ),
    counter("cache_evictions_total", "Entries that had to make room before their time.", cache("evictions")),
    counter(
      "cache_renewals_total",
      "Entries asked for again at their end because they were in use.",
      cache("renewals"),
    ),
    gauge("cache_entries", "Entries in a cache.", cache("entries")),
    counter("dns_questions_total", "Questions sent to name servers, each try on its own.", ({ dns }) => [
      { labels: { transport: "udp" }, value: dns.questionsUdp },
      { labels: { transport: "tcp" }, value: dns.questionsTcp },
    ]),
    counter("dns_timeouts_total", "Tries that no name server answered in time.", ({ dns }) =>
      one(dns.timeouts),
    ),
    counter("dns_faults_total", "Answers of name servers that were of no use, by RCODE.", ({ dns }) =>
      FAULT_RCODES.map((rcode) => ({ labels: { rcode }, value: dns.faults[rcode] ?? 0 })),
    ),
    counter("dns_foreign_answers_total", "Messages that answered none of our questions.", ({ dns }) =>
      one(dns.foreign),
    ),
    histogram("dns_answer_seconds", "How long name servers took to answer.", ({ dns }) => dns.answerSeconds),
    gauge("evaluations", "Evaluations of SPF under way.", ({ evaluations: { running, waiting } }) => [
      { labels: { state: "running" }, value: running },
      { labels: { state: "waiting" }, value: waiting },
    ]),
    counter(
      "evaluations_turned_away_total",
      "Evaluations that were not begun because too many were waiting.",
      ({ evaluations }) => one(evaluations.turnedAway),
    ),
    gauge(
      "connections_current",
      "Connections of the MTA: open, and those of them in the middle of a message.",
      ({ connections: { open, busy } }) => [
        { labels: { state: "open" }, value: open },
        { labels: { state: "busy" }, value: busy },
      ],
    ),
    counter("connections_total", "Connections accepted.", ({ connections }) => one(connections.accepted)),
    counter("connections_refused_total", "Connections over MaxConnections.", ({ connections }) =>
      one(connections.refused),
    ),
    counter("connections_closed_total", "Connections that smf-spf closed, by cause.", ({ connections }) =>
      CLOSE_CAUSES.map((cause) => ({ labels: { cause }, value: connections.closed[cause] })),
    ),
    counter("log_lines_lost_total", "Log lines that could not be written.", ({ logLinesLost }) =>
      Object.entries(logLinesLost).map(([sink, lost]) => ({ labels: { sink }, value: lost })),
    ),
    gauge("reload_success", "1 when the last reload, or the start, took the configuration.", ({ reload }) =>
      one(reload.ok ? 1 : 0),
    ),
    gauge("reload_timestamp_seconds", "When the configuration was last read.", ({ reload }) =>
      one(reload.timeMs / 1000),
    ),
    gauge(
      "shared_cache_up",
      "1 while the shared cache answers; no sample without SharedCache.",
      ({ sharedCache }) => (sharedCache === undefined ? [] : one(sharedCache.up ? 1 : 0)),
    ),
    counter("shared_cache_errors_total", "Errors of the shared cache, by kind.", ({ sharedCache }) =>
      SHARED_CACHE_ERRORS.map((kind) => ({ labels: { kind }, value: sharedCache?.errors[kind] ?? 0 })),
    ),
    counter("shared_cache_writes_total", "Answers put into the shared cache.", ({ sharedCache }) =>
      one(sharedCache?.writes ?? 0),
    ),
  ];
}

const one = (value: number): readonly Sample[] => [{ value }];

function counter(name: string, help: string, samples: Family["samples"]): Family {
  return { name, type: "counter", help, samples };
}

function gauge(name: string, help: string, samples: Family["samples"]): Family {
  return { name, type: "gauge", help, samples };
}

function histogram(name: string, help: string, counts: (figures: Figures) => HistogramCounts): Family {
  return {
    name,
    type: "histogram",
    help,
    samples: (figures) => {
      const { bounds, counts: buckets, sum } = counts(figures);
      const samples: Sample[] = [];
      let below = 0;
      for (let index = 0; index <= bounds.length; index++) {
        below += buckets[index] ?? 0;
        const le = bounds[index] ?? "+Inf";
        samples.push({ metricName: `smfspf_${name}_bucket`, labels: { le }, value: below });
      }
      samples.push({ metricName: `smfspf_${name}_sum`, value: sum });
      samples.push({ metricName: `smfspf_${name}_count`, value: below });
      return samples;
    },
  };
}

/** The metrics that every program has, under the names of the Prometheus client libraries. */
function processFamilies({ product, eventLoopLagSeconds }: MetricSources): Family[] {
  const measured =
    (value: () => number | undefined): Family["samples"] =>
    () => {
      const found = value();
      return found === undefined ? [] : one(found);
    };
  const cpuSeconds = (): number => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  };
  return [
    counter("process_cpu_seconds_total", "Processor time in user and system mode.", () => one(cpuSeconds())),
    gauge(
      "process_start_time_seconds",
      "When the process started.",
      measured(() => product.startedMs / 1000),
    ),
    gauge(
      "process_resident_memory_bytes",
      "Resident memory.",
      measured(() => process.memoryUsage.rss()),
    ),
    gauge(
      "process_heap_bytes",
      "Heap of JavaScript in use.",
      measured(() => process.memoryUsage().heapUsed),
    ),
    gauge("process_open_fds", "Open file descriptors.", measured(openDescriptors)),
    gauge("process_max_fds", "Most file descriptors that may be open.", measured(descriptorLimit)),
    gauge("nodejs_eventloop_lag_seconds", "How late the event loop is.", measured(eventLoopLagSeconds)),
  ];
}

function openDescriptors(): number | undefined {
  try {
    // The one that reads the directory is among them.
    return readdirSync("/proc/self/fd").length - 1;
  } catch {
    return undefined;
  }
}

function descriptorLimit(): number | undefined {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "latin1")) ?? [];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined;
  }
}
