/** Settings in force, and what serves under them and after them: a reload takes over what it can. */
import { createHash } from "node:crypto";
import type { MilterHandler } from "milter-protocol";
import {
  type AnswerSource,
  type CheckHostInput,
  checkHost,
  type Outcome,
  type Question,
  temperror,
  withDefaultExplanation,
} from "spf-check";
import { diffSettings, type Settings } from "../config/index.ts";
import {
  ANSWER_TIME_BOUNDS_MS,
  AnswerCache,
  drive,
  EarlyShares,
  foresee,
  formatNameserver,
  type Remembered,
  Resolver,
  type ResolverCounters,
  type ServerHealth,
  type ServerState,
  SystemNameservers,
} from "../dns/index.ts";
import {
  createFilter,
  type Evaluation,
  type EvaluationRequest,
  type Evaluator,
  type FilterEvent,
  type FilterPorts,
  type Resume,
} from "../filter/index.ts";
import { HeapGrowth, heapShare } from "../node-tuning.ts";
import type { Transport } from "../server/index.ts";
import type { SharedCache } from "../shared-cache/index.ts";
import type { Figures } from "../status/index.ts";
import { sharesOf, VerdictCache } from "../verdicts/index.ts";
import { CacheFile } from "./cache-file.ts";
import { Renewals } from "./renewals.ts";
import { VERSION } from "./version.ts";

/** What generations take from their surroundings. */
export interface GenerationPorts {
  readonly hostname: string;
  readonly report: (event: FilterEvent) => void;
  /** See {@link FilterPorts.waited}. */
  readonly waited?: FilterPorts["waited"];
  readonly onError: (error: unknown) => void;
  /** Is told what the operator should know, in words. */
  readonly tell: (text: string) => void;
  /** Answers that other hosts have found, with SharedCache. */
  readonly shared?: SharedCache | undefined;
}

/** One set of settings, whole and unchanging: a connection keeps the generation that it began with. */
export interface Generation {
  readonly settings: Settings;
  readonly engine: Engine;
  /** The handler of one connection. */
  readonly createHandler: (transport: Transport, resume: Resume) => MilterHandler;
}

/** With the caches and the resolver of the former one, unless what they are made of has changed. */
export function createGeneration(
  settings: Settings,
  ports: GenerationPorts,
  former?: Pick<Generation, "settings" | "engine">,
): Generation {
  const { hostname, report, waited, onError, tell, shared } = ports;
  const keepsEngine = former !== undefined && !diffSettings(former.settings, settings).clearsCache;
  const engine = keepsEngine ? former.engine : new Engine(settings, onError, tell, shared);
  if (keepsEngine) engine.adjust(settings);
  else former?.engine.retire();
  const common = {
    settings,
    evaluator: engine.evaluatorFor(settings),
    report,
    waited,
    nowMs: () => performance.now(),
    hostname,
  };
  const filterPorts: Readonly<Record<Transport, FilterPorts>> = {
    unix: { ...common, transport: "unix" },
    inet: { ...common, transport: "inet" },
  };
  return {
    settings,
    engine,
    createHandler: (transport, resume) => createFilter(filterPorts[transport], resume),
  };
}

/** The settings that may change in an engine at work. */
type AdjustableSettings = Pick<Settings, "cacheSize" | "ttlSeconds" | "prefetch">;

/** The settings that an engine is made of; it lives as long as those that are not adjustable stay the same. */
export type EngineSettings = AdjustableSettings &
  Pick<
    Settings,
    "nameserver" | "dnsTimeoutMs" | "dnsTries" | "lookupLimit" | "voidLookupLimit" | "localPolicy"
  >;

/** What an ordinary verdict weighs, which is more than an answer does. */
const ENTRY_OCTETS = 700;
const NOTHING: readonly Question[] = [];
const CACHE_OCTETS = 64 * 1024 * 1024;

/**
 * What a cache of so many entries may weigh, so that large records do not fill the memory: no more than an eighth
 * of the heap, which on a small machine is small.
 */
function cacheOctets(entriesMax: number): number {
  return heapShare(Math.max(CACHE_OCTETS, entriesMax * ENTRY_OCTETS));
}

/**
 * Caches and resolver; several generations of settings may share one. The way to a verdict: verdict cache → evaluator →
 * answer cache → resolver.
 */
export class Engine {
  readonly #resolver: Resolver;
  readonly #answers: AnswerCache;
  readonly #verdicts: VerdictCache;
  readonly #renewals: Renewals;
  readonly #heap = new HeapGrowth();
  readonly #shared: SharedCache | undefined;
  /** Outcomes for which no answer had to come from DNS, and one at least came from another host. */
  readonly #sharedOutcomes = new WeakSet<Outcome>();
  readonly #onError: (error: unknown) => void;
  readonly #settings: EngineSettings;
  #adjusted: AdjustableSettings;

  /**
   * @param onError told of defects: what an evaluation or a filter has thrown
   * @param tell is told what the operator should know about the name servers, in words
   * @param shared answers that other hosts have found; it is the caller's to close
   */
  constructor(
    settings: EngineSettings,
    onError: (error: unknown) => void,
    tell: (text: string) => void = () => undefined,
    shared?: SharedCache,
  ) {
    this.#settings = settings;
    this.#onError = onError;
    this.#adjusted = settings;
    this.#shared = shared;
    this.#resolver = new Resolver({
      servers: nameserversOf(settings),
      timeoutMs: settings.dnsTimeoutMs,
      tries: settings.dnsTries,
      onServer: (server, state) => {
        tell(`name server ${formatNameserver(server)} ${IN_WORDS[state]}`);
      },
      onServers: (servers) => {
        tell(`resolv.conf has changed, name servers: ${servers.map(formatNameserver).join(", ")}`);
      },
    });
    this.#renewals = new Renewals({
      mayAsk: () => this.#adjusted.prefetch && this.#verdicts.counters().waiting === 0,
    });
    const early = new EarlyShares();
    const octetsMax = cacheOctets(settings.cacheSize);
    const onPopular = (expiresMs: number, renew: () => void): void => {
      if (this.#adjusted.prefetch) this.#renewals.note(expiresMs, renew);
    };
    this.#answers = new AnswerCache({
      source: shared === undefined ? this.#resolver : shared.over(this.#resolver),
      entriesMax: settings.cacheSize,
      octetsMax,
      onPopular,
    });
    this.#verdicts = new VerdictCache({
      ttlSeconds: settings.ttlSeconds,
      entriesMax: settings.cacheSize,
      octetsMax,
      onError,
      onPopular,
      isShared: shared === undefined ? undefined : (outcome) => this.#sharedOutcomes.has(outcome),
      check: ({ ip, domain, sender, helo, receiver }, done) => {
        this.#heap.evaluated();
        const answers = shared === undefined ? undefined : new AnswersOfOne(this.#answers, shared);
        const input: CheckHostInput = {
          ip,
          domain,
          sender,
          helo,
          receiver,
          nowSeconds: nowSeconds(),
          limits: settings,
          localPolicy: settings.localPolicy,
          hints: this.#adjusted.prefetch,
          trace: false,
        };
        return drive(
          checkHost(input),
          {
            source: answers ?? this.#answers,
            early: { shares: early, key: sharesOf({ ip, domain })[0]?.key ?? "" },
            foresee: () => this.#foresee(input),
            onThrow: (error) => {
              onError(error);
              return temperror(domain, "internal error in the evaluation");
            },
          },
          answers === undefined
            ? done
            : (late) => {
                if (answers.areShared) this.#sharedOutcomes.add(late);
                done(late);
              },
        );
      },
    });
  }

  /** Most domains lead where they led the last time. */
  #foresee(input: CheckHostInput): readonly Question[] {
    const recall = (question: Question): Remembered | undefined => this.#answers.recall(question);
    const isKnown = recall({ name: input.domain, type: "TXT" }) !== undefined;
    return isKnown && input.hints ? foresee(checkHost(input), recall) : NOTHING;
  }

  /** Puts other settings in force; what is in memory stays as far as they let it. */
  adjust(settings: AdjustableSettings): void {
    const { cacheSize, ttlSeconds } = this.#adjusted;
    this.#adjusted = settings;
    const limits = { entriesMax: settings.cacheSize, octetsMax: cacheOctets(settings.cacheSize) };
    if (settings.cacheSize !== cacheSize) this.#answers.setLimits(limits);
    if (settings.cacheSize !== cacheSize || settings.ttlSeconds !== ttlSeconds) {
      this.#verdicts.setLimits({ ...limits, ttlSeconds: settings.ttlSeconds });
    }
  }

  /** Empties both caches. */
  flush(): void {
    const settings = this.#adjusted;
    this.#shared?.forget();
    this.#renewals.clear();
    this.adjust({ ...settings, cacheSize: 0 });
    this.adjust(settings);
  }

  /** An evaluator with an operator's explanation; that comes after the cache, for it may name the sender. */
  evaluatorFor({ localPolicy }: Pick<Settings, "localPolicy">): Evaluator {
    if (localPolicy.explanation === undefined) return this.#verdicts;
    return {
      evaluate: (request, done) => {
        const answer = this.#verdicts.evaluate(request, (evaluation) => {
          done(this.#explained(evaluation, request, localPolicy));
        });
        return "cancel" in answer ? answer : this.#explained(answer, request, localPolicy);
      },
    };
  }

  /** A defect costs the explanation and no more: the verdict is given all the same. */
  #explained(
    evaluation: Evaluation,
    request: EvaluationRequest,
    localPolicy: Settings["localPolicy"],
  ): Evaluation {
    const { ip, sender, helo, receiver, clientName } = request;
    try {
      const input = { ip, sender, helo, receiver, clientName, nowSeconds: nowSeconds(), localPolicy };
      const outcome = withDefaultExplanation(input, evaluation.outcome);
      return outcome === evaluation.outcome ? evaluation : { ...evaluation, outcome };
    } catch (error) {
      this.#onError(error);
      return evaluation;
    }
  }

  /** Another engine takes its place: it still answers where it is asked, but renews nothing any more. */
  retire(): void {
    this.#renewals.stop();
  }

  /** Ends what is under way. An engine that nobody uses any more needs no call: it holds nothing open. */
  close(): void {
    this.#renewals.stop();
    this.#resolver.close();
  }

  /** The name servers in force and how they do. */
  nameservers(): readonly ServerHealth[] {
    return this.#resolver.health();
  }

  /** For the status page. */
  figures(): Pick<Figures, "caches" | "dns" | "dnsProblem" | "nameservers" | "evaluations"> {
    const { running, waiting, refused, ...verdicts } = this.#verdicts.counters();
    const dns = this.#resolver.counters();
    const nameservers = this.#resolver
      .health()
      .map(({ address, port, answerMs, isDown }) => ({ address, port, answerMs, down: isDown }));
    return {
      caches: { verdicts, answers: this.#answers.counters() },
      dns: {
        questionsUdp: dns.questionsSent - dns.questionsSentTcp,
        questionsTcp: dns.questionsSentTcp,
        timeouts: dns.timeouts,
        faults: faultsOf(dns),
        foreign: dns.foreign,
        answerSeconds: {
          bounds: ANSWER_TIME_BOUNDS_MS.map((ms) => ms / 1000),
          counts: dns.answerTimes,
          sum: dns.answerMs / 1000,
        },
      },
      dnsProblem: nameservers.every(({ down }) => down) ? "no name server answers" : undefined,
      nameservers,
      evaluations: { running, waiting, turnedAway: refused },
    };
  }

  /** The file that keeps both caches over a restart. */
  cacheFile(path: string, tell: (text: string) => void): CacheFile {
    const { nameserver, lookupLimit, voidLookupLimit, localPolicy } = this.#settings;
    const { overrides, fallbacks, ...policy } = localPolicy;
    const decisive = [
      VERSION,
      nameserver,
      lookupLimit,
      voidLookupLimit,
      policy,
      [...overrides],
      [...fallbacks],
    ];
    return new CacheFile({
      path,
      answers: this.#answers,
      verdicts: this.#verdicts,
      digest: createHash("sha256").update(JSON.stringify(decisive)).digest("hex"),
      wallMs: () => Date.now(),
      tell,
    });
  }

  /** For the log, in words. */
  counters(): string[] {
    const verdicts = this.#verdicts.counters();
    const answers = this.#answers.counters();
    const dns = this.#resolver.counters();
    return [
      `verdict cache: ${verdicts.hits} hits, ${verdicts.misses} misses, ${verdicts.entries} entries; ` +
        `evaluations: ${verdicts.evaluations}, joined ${verdicts.joined}, out of time ${verdicts.timeouts}, ` +
        `turned away ${verdicts.refused}, running ${verdicts.running}, waiting ${verdicts.waiting}`,
      `DNS cache: ${answers.hits} hits, ${answers.misses} misses, ${answers.joined} joined, ` +
        `${answers.entries} entries; DNS: ${dns.questionsSent} questions, ${dns.questionsSentTcp} over TCP, ` +
        `${dns.timeouts} time-outs, ${dns.faults} faults, ${dns.foreign} foreign answers, ` +
        `${dns.outstanding} outstanding` +
        this.nameservers()
          .filter(({ isDown }) => isDown)
          .map((server) => `, ${formatNameserver(server)} is down`)
          .join(""),
    ];
  }
}

/** The answers of one evaluation, and whether DNS was spared. */
class AnswersOfOne implements AnswerSource {
  readonly #source: AnswerSource;
  readonly #shared: SharedCache;
  #fromShared = 0;
  #fromDns = 0;

  constructor(source: AnswerSource, shared: SharedCache) {
    this.#source = source;
    this.#shared = shared;
  }

  get areShared(): boolean {
    return this.#fromShared > 0 && this.#fromDns === 0;
  }

  ask(...[question, done]: Parameters<AnswerSource["ask"]>): ReturnType<AnswerSource["ask"]> {
    return this.#source.ask(question, (answer) => {
      if (this.#shared.gave(answer)) this.#fromShared++;
      else this.#fromDns++;
      done(answer);
    });
  }
}

const IN_WORDS: Readonly<Record<ServerState, string>> = {
  down: "does not answer: lookups that need it fail at once until it does",
  up: "answers again",
  "without EDNS0": "does not answer questions with EDNS0: it is asked without for a minute",
};

/** Those set, or those of resolv.conf, which is followed. */
function nameserversOf({
  nameserver,
}: Pick<Settings, "nameserver">): ConstructorParameters<typeof Resolver>[0]["servers"] {
  return nameserver.length > 0 ? nameserver : new SystemNameservers();
}

/** The failures that name servers answered with, by name (RFC 6895 section 2.3). */
function faultsOf({ rcodes }: ResolverCounters): Record<string, number> {
  const { 1: FORMERR = 0, 2: SERVFAIL = 0, 4: NOTIMP = 0, 5: REFUSED = 0 } = rcodes;
  const all = rcodes.reduce((sum, count) => sum + count, 0);
  return { FORMERR, SERVFAIL, NOTIMP, REFUSED, other: all - FORMERR - SERVFAIL - NOTIMP - REFUSED };
}

function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}
