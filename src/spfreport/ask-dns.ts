/** Asks DNS, through our own evaluator, what SPF says of clients under their own names. */
import { type CheckHostInput, DEFAULT_INPUT, type Outcome, temperror } from "spf-check";
import { octetsOfText, parseIpAddress } from "../address/index.ts";
import { Resolver, SystemNameservers, withDeadline } from "../dns/index.ts";
import { evaluate } from "../spfquery/query.ts";
import type { Answer, Question } from "./suggest.ts";

const DNS_TIMEOUT_MS = 2_000;
const DNS_TRIES = 2;
const EVALUATION_MS = 8_000;
/** Whatever is not answered by then is left out. */
const ALL_MS = 30_000;
const CONCURRENCY = 24;

/** How DNS is asked. */
export interface AskOptions {
  readonly nameservers: readonly { readonly address: string; readonly port: number }[];
  readonly lookupLimit: number;
  readonly voidLookupLimit: number;
  /** The name of this host, for %{r}. */
  readonly receiver: string;
  /** Told after each evaluation. */
  readonly onProgress: (done: number, all: number) => void;
}

/** The answers by client address, each in the order of its domains. */
export async function askDns(
  questions: readonly Question[],
  options: AskOptions,
): Promise<ReadonlyMap<string, readonly Answer[]>> {
  const resolver = new Resolver({
    servers: options.nameservers.length > 0 ? options.nameservers : new SystemNameservers(),
    timeoutMs: DNS_TIMEOUT_MS,
    tries: DNS_TRIES,
  });
  const endMs = performance.now() + ALL_MS;
  const jobs = questions.flatMap(({ ip, helo, domains }) => domains.map((domain) => ({ ip, helo, domain })));
  const answers = new Map<string, Answer[]>(questions.map(({ ip }) => [ip, []]));
  const results: (Answer | undefined)[] = [];
  let next = 0;
  let done = 0;
  const work = async (): Promise<void> => {
    for (;;) {
      const at = next++;
      const job = jobs[at];
      if (job === undefined) return;
      const outcome = await outcomeOf(inputOf(job, options));
      results[at] = { domain: job.domain, result: outcome.result, path: outcome.path };
      options.onProgress(++done, jobs.length);
    }
  };
  const outcomeOf = (input: CheckHostInput | undefined): Promise<Outcome> => {
    const nowMs = performance.now();
    if (input === undefined || nowMs >= endMs) {
      return Promise.resolve(temperror(input?.domain ?? "", "out of time"));
    }
    return evaluate(input, withDeadline(resolver, Math.min(endMs, nowMs + EVALUATION_MS)));
  };
  try {
    await Promise.all(Array.from({ length: CONCURRENCY }, work));
  } finally {
    resolver.close();
  }
  for (const [at, { ip }] of jobs.entries()) {
    const answer = results[at];
    if (answer !== undefined) answers.get(ip)?.push(answer);
  }
  return answers;
}

function inputOf(
  { ip, helo, domain }: { readonly ip: string; readonly helo: string; readonly domain: string },
  { lookupLimit, voidLookupLimit, receiver }: AskOptions,
): CheckHostInput | undefined {
  const address = parseIpAddress(ip);
  if (address === undefined) return undefined;
  return {
    ...DEFAULT_INPUT,
    ip: address,
    domain,
    sender: `postmaster@${domain}`,
    helo: helo === "" ? "unknown" : helo,
    receiver: octetsOfText(receiver),
    nowSeconds: Math.floor(Date.now() / 1000),
    limits: { lookupLimit, voidLookupLimit },
  };
}
