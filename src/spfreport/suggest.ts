import { type PathStep, parseRecord, type SpfResult } from "spf-check";
import { isHostName, isWithinDomain, parseIpAddress } from "../address/index.ts";
import { decideAtConnect, type PolicySettings } from "../policy/index.ts";
import { isIpv6, type Ours } from "./names.ts";
import {
  type ClientTally,
  DOMAINS_MAX,
  type ErrorTally,
  type LocalTally,
  type OwnFailTally,
  type Tally,
} from "./tally.ts";

/** Something that mends what the log shows. */
export interface Suggestion {
  readonly kind:
    | "TrustedRelay"
    | "WhitelistIP"
    | "TrustedForwarder"
    | "WhitelistPTR"
    | "include"
    | "postmaster";
  readonly value: string;
  /** The line for smf-spf.conf; undefined where it is not our file that is to be changed. */
  readonly line: string | undefined;
  /** Whose policy it is about. */
  readonly domain: string | undefined;
  /** Messages that it is about. */
  readonly count: number;
  readonly days: number;
  /** What it opens, in a sentence. */
  readonly risk: string;
  /** What speaks for it, in a sentence. */
  readonly evidence: string;
  /** The clients that the line is for. */
  readonly clients: readonly string[];
}

/** A suggestion for one client, with the dates on which its messages came. */
type Single = Omit<Suggestion, "days"> & { readonly dates: readonly string[] };

/** What SPF says of a client under some domain's policy. */
export interface Answer {
  readonly domain: string;
  readonly result: SpfResult;
  /** From the domain's record down to the directive that decided. */
  readonly path: readonly PathStep[];
}

/** A client whose own names are to be asked about, the most telling first. */
export interface Question {
  readonly ip: string;
  readonly helo: string;
  readonly domains: readonly string[];
}

/** Distinct foreign sender domains that make a client in our networks a relay. */
const RELAY_DOMAINS_MIN = 3;
/** What makes a client look like a forwarder. */
const FORWARDER_DOMAINS_MIN = 3;
const FORWARDER_DAYS_MIN = 2;
/** So many clients are asked about at most. */
const ASKED_MAX = 40;
const PARENTS_MAX = 4;
/** A pass for a network wider than this lets strangers in. */
const PREFIX_MIN = { 4: 16, 6: 32 } as const;

/** What looks worth a suggestion, before DNS is asked. */
export interface Candidates {
  readonly relays: readonly LocalTally[];
  readonly ownHosts: readonly LocalTally[];
  readonly forwarders: readonly ClientTally[];
  readonly ownFails: readonly OwnFailTally[];
  readonly errors: readonly ErrorTally[];
}

/** The rules that need nothing but the log. What the settings exempt already is left out. */
export function findCandidates(tally: Tally, settings: PolicySettings): Candidates {
  const isOpen = (client: { readonly ip: string; readonly ptr: string }): boolean =>
    isChangeable(client, settings);
  const locals = [...tally.locals.values()].filter((client) => client.acted > 0 && isOpen(client));
  return {
    relays: locals.filter(({ foreignDomains }) => foreignDomains.length >= RELAY_DOMAINS_MIN).sort(byActed),
    ownHosts: locals.filter(({ own, foreign }) => own > 0 && foreign === 0).sort(byActed),
    forwarders: [...tally.clients.values()]
      .filter(
        (client) =>
          client.failedDomains.length >= FORWARDER_DOMAINS_MIN &&
          client.failedDays.length >= FORWARDER_DAYS_MIN &&
          isHostName(client.ptr) &&
          !tally.locals.get(client.ip) &&
          isOpen(client),
      )
      .sort((a, b) => b.failed - a.failed)
      .slice(0, ASKED_MAX),
    ownFails: [...tally.ownFails.values()].filter(isOpen).sort(byCount).slice(0, ASKED_MAX),
    errors: [...tally.errors.values()]
      .filter(({ result, domain }) => result === "permerror" && isHostName(domain))
      .sort(byCount),
  };
}

/** Whether a line for this client would change anything, and would be for it alone. */
function isChangeable(
  { ip, ptr }: { readonly ip: string; readonly ptr: string },
  settings: PolicySettings,
): boolean {
  // An address that is shared by many clients, or for another one.
  if (settings.fixedClientIP === ip || settings.clientIPNAT.some(({ to }) => to === ip)) return false;
  if (parseIpAddress(ip) === undefined) return false;
  const plain = { ...settings, fixedClientIP: undefined, clientIPNAT: [] };
  const facts = { hostname: ptr, family: isIpv6(ip) ? "inet6" : "inet", address: ip } as const;
  return decideAtConnect(plain, facts).kind === "check";
}

/** What DNS is to be asked, one question for each client. */
export function questionsFor({ forwarders, ownFails }: Candidates): Question[] {
  const questions = new Map<string, Question>();
  for (const { ip, ptr, helo } of [...forwarders, ...ownFails]) {
    const domains = namesOf(ptr, helo);
    if (domains.length > 0 && !questions.has(ip)) questions.set(ip, { ip, helo, domains });
  }
  return [...questions.values()];
}

/** The verified name of a client and the domains above it, then those of its HELO name. */
function namesOf(ptr: string, helo: string): string[] {
  const names = [ptr, helo].filter(isHostName).flatMap((name) => {
    const labels = name.toLowerCase().split(".");
    return labels.slice(0, -1).flatMap((_, at) => (at <= PARENTS_MAX ? [labels.slice(at).join(".")] : []));
  });
  return [...new Set(names)];
}

/**
 * The suggestions, most messages first.
 *
 * @param answers by address, what the questions came to; undefined where DNS was not asked
 */
export function suggest(
  candidates: Candidates,
  answers: ReadonlyMap<string, readonly Answer[]> | undefined,
  settings: PolicySettings,
  ours: Ours,
): Suggestion[] {
  const asked = answers ?? new Map<string, readonly Answer[]>();
  return merged([
    ...candidates.relays.map(relaySuggestion),
    ...candidates.ownHosts.map(ownHostSuggestion),
    ...candidates.forwarders.flatMap((client) => forwarderSuggestion(client, asked.get(client.ip), settings)),
    ...candidates.ownFails.flatMap((fail) => includeSuggestion(fail, asked.get(fail.ip), ours)),
    ...candidates.errors.map(postmasterSuggestion),
  ]);
}

/** The same, with those first that are lines for smf-spf.conf. */
export function linesFirst(suggestions: readonly Suggestion[]): Suggestion[] {
  return [
    ...suggestions.filter(({ line }) => line !== undefined),
    ...suggestions.filter(({ line }) => line === undefined),
  ];
}

function relaySuggestion({ ip, ptr, foreignDomains, acted, actedDays }: LocalTally): Single {
  return {
    kind: "TrustedRelay",
    value: ip,
    line: `TrustedRelay ${ip}`,
    domain: undefined,
    count: acted,
    dates: actedDays,
    risk: "It must write a Received field that names the client: that client is then checked.",
    evidence: `${nameOf(ip, ptr)} is in your network and brings mail of ${atLeast(foreignDomains)} other domains`,
    clients: [ip],
  };
}

function ownHostSuggestion({ ip, ptr, acted, actedDays }: LocalTally): Single {
  return {
    kind: "WhitelistIP",
    value: ip,
    line: `WhitelistIP ${ip}`,
    domain: undefined,
    count: acted,
    dates: actedDays,
    risk: "Mail of this host is no longer checked, whatever sender it names.",
    evidence: `${nameOf(ip, ptr)} is in your network and sends for your own domains only`,
    clients: [ip],
  };
}

function forwarderSuggestion(
  client: ClientTally,
  answers: readonly Answer[] | undefined,
  { trustedForwarder }: PolicySettings,
): Single[] {
  if (answers === undefined || answers.length === 0) return [];
  // Spared by now, though it was not when the log was written.
  if (answers.some(({ result, domain }) => result === "pass" && trustedForwarder.includes(domain))) return [];
  const { ip, ptr, failed, failedDomains, failedDays } = client;
  const pass = answers.find(isNarrowPass);
  const common = { count: failed, dates: failedDays, clients: [ip] };
  const brings = `${nameOf(ip, ptr)} failed for ${atLeast(failedDomains)} domains`;
  if (pass !== undefined) {
    const { domain } = pass;
    return [
      {
        ...common,
        kind: "TrustedForwarder",
        value: domain,
        line: `TrustedForwarder ${domain}`,
        domain,
        risk: isShared(pass)
          ? "It sends through a provider: any customer there may pass for it. Only if you know it."
          : "Forged mail sent through it is no longer refused. Only if you know it and forward there.",
        evidence: `${brings}; SPF of ${domain} passes for it (${pass.path.at(-1)?.term ?? ""})`,
      },
    ];
  }
  if (!answers.every(({ result }) => result === "none")) return [];
  const name = ptr.toLowerCase();
  return [
    {
      ...common,
      kind: "WhitelistPTR",
      value: name,
      line: `WhitelistPTR ${name}`,
      domain: name,
      risk: "Nothing but its name says who it is; its mail is no longer checked. Only if you know it.",
      evidence: `${brings}; its names publish no SPF record`,
    },
  ];
}

function includeSuggestion(
  { ip, ptr, domain, count, days }: OwnFailTally,
  answers: readonly Answer[] | undefined,
  ours: Ours,
): Single[] {
  const pass = answers?.find((answer) => isNarrowPass(answer) && !isOwn(answer.domain, ours));
  if (pass === undefined || !isHostName(domain)) return [];
  return [
    {
      kind: "include",
      value: pass.domain,
      line: undefined,
      domain,
      count,
      dates: days,
      risk: `Only if you send through ${pass.domain}; else this is forged mail, rightly refused.`,
      evidence: `${nameOf(ip, ptr)} sends for ${domain} and passes for ${pass.domain}`,
      clients: [],
    },
  ];
}

function postmasterSuggestion({ domain, count, days, problem }: ErrorTally): Single {
  return {
    kind: "postmaster",
    value: domain,
    line: undefined,
    domain,
    count,
    dates: days,
    risk: "None.",
    evidence: `The SPF record of ${domain} is in error${problem === undefined ? "" : `: ${problem}`}`,
    clients: [],
  };
}

/** A pass that says something of this client: not for everybody, not for a name, not for half the Internet. */
export function isNarrowPass({ result, path }: Answer): boolean {
  const term = path.at(-1)?.term;
  if (result !== "pass" || term === undefined) return false;
  const parsed = parseRecord(`v=spf1 ${term}`);
  const mechanism = "record" in parsed ? parsed.record.directives[0]?.mechanism : undefined;
  switch (mechanism?.kind) {
    case "ip4":
      return mechanism.prefixLength >= PREFIX_MIN[4];
    case "ip6":
      return mechanism.prefixLength >= PREFIX_MIN[6];
    case "a":
    case "mx":
      return mechanism.cidr.ip4 >= PREFIX_MIN[4] && mechanism.cidr.ip6 >= PREFIX_MIN[6];
    // Macros can let anybody in, and nobody sees how many.
    case "all":
    case "ptr":
    case "exists":
    case "include":
    case undefined:
      return false;
  }
}

/** Whether the pass comes out of a record of somebody else. */
function isShared({ domain, path }: Answer): boolean {
  return path.some((step) => !isWithinDomain(step.domain, domain));
}

function isOwn(domain: string, { domains }: Ours): boolean {
  return domains.some((own) => isWithinDomain(domain, own));
}

function nameOf(ip: string, ptr: string): string {
  return isHostName(ptr) ? `${ptr} [${ip}]` : ip;
}

function atLeast(values: readonly string[]): string {
  return values.length >= DOMAINS_MAX ? `${DOMAINS_MAX} or more` : String(values.length);
}

/** One suggestion for each thing to do: several clients may call for the same. */
function merged(singles: readonly Single[]): Suggestion[] {
  const byThing = new Map<string, Single>();
  for (const single of singles) {
    const key = `${single.kind} ${single.value} ${single.domain ?? ""}`;
    const known = byThing.get(key);
    byThing.set(
      key,
      known === undefined
        ? single
        : {
            ...known,
            count: known.count + single.count,
            dates: [...new Set([...known.dates, ...single.dates])],
            clients: [...known.clients, ...single.clients],
          },
    );
  }
  return [...byThing.values()].map(({ dates, ...rest }) => ({ ...rest, days: dates.length })).sort(byCount);
}

function byCount(a: { readonly count: number }, b: { readonly count: number }): number {
  return b.count - a.count;
}

function byActed(a: LocalTally, b: LocalTally): number {
  return b.acted - a.acted;
}
