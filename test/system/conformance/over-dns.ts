import { checkHost, type Outcome, withDefaultExplanation } from "spf-check";
import { drive, Resolver } from "../../../src/dns/index.ts";
import { type Nameserver, startNameserver, type Zone } from "../../support/nameserver/index.ts";
import { nowOrLater } from "../../support/now-or-later.ts";
import { inputOf } from "./case-input.ts";
import type { ConformanceCase } from "./conformance-case.ts";
import { usesTimeout } from "./evaluate-case.ts";
import { judge } from "./judge.ts";
import type { TimeoutKind } from "./zone.ts";

/** Long enough for any answer on a busy machine. */
const PATIENT_MS = 10_000;
/** For servers that stay silent: a late answer still counts while the second try waits. */
const SILENCE_MS = 300;
const SILENCE_TRIES = 2;

/**
 * What is wrong with the outcome of a case whose zone is served over UDP and TCP on loopback, with time-outs seen
 * both ways; empty where nothing is.
 */
export async function runCaseOverDns(one: ConformanceCase): Promise<string[]> {
  const wrong = judge(one, await evaluateOverDns(one, "SERVFAIL"));
  if (!usesTimeout(one)) return wrong;
  const silent = judge(one, await evaluateOverDns(one, "silence"));
  return [...wrong, ...silent.map((text) => `${text} (time-out as silence)`)];
}

/** Serves the zone of a case while something is done with its server. */
export async function withServerOf<T>(
  one: ConformanceCase,
  timeoutAs: TimeoutKind,
  use: (server: Nameserver) => Promise<T>,
): Promise<T> {
  const server = await startNameserver(one.zonedata as Zone, { timeoutAs });
  try {
    return await use(server);
  } finally {
    await server.close();
  }
}

async function evaluateOverDns(one: ConformanceCase, timeoutAs: TimeoutKind): Promise<Outcome> {
  const silent = timeoutAs === "silence" && usesTimeout(one);
  return withServerOf(one, timeoutAs, async (server) => {
    const resolver = new Resolver({
      servers: [server],
      timeoutMs: silent ? SILENCE_MS : PATIENT_MS,
      tries: silent ? SILENCE_TRIES : 1,
    });
    const input = inputOf(one);
    const outcome = await new Promise<Outcome>((resolve, reject) => {
      const onThrow = (error: unknown): Outcome => {
        reject(error instanceof Error ? error : new Error(String(error)));
        throw error;
      };
      nowOrLater((done) => drive(checkHost(input), { source: resolver, onThrow }, done), resolve);
    });
    resolver.close();
    return withDefaultExplanation(input, outcome);
  });
}
