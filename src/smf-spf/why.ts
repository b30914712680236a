/** The evaluation that /why gives: it is not counted as mail, and shares neither cache nor resolver with mail. */
import { isIP } from "node:net";
import { hostname } from "node:os";
import { octetsOfText, parseIpAddress, unmapIpv4 } from "../address/index.ts";
import type { Settings } from "../config/index.ts";
import { Resolver } from "../dns/index.ts";
import { jsonReport } from "../spfquery/json-report.ts";
import { evaluate, makeReport, type Query, type QuerySettings } from "../spfquery/query.ts";
import type { WhyQuery } from "../status/index.ts";
import type { Engine } from "./engine.ts";

/** It ends before the request does. */
const WHY_MS_MAX = 4_500;
const SENDER_OCTETS_MAX = 320;
const HELO_OCTETS_MAX = 255;

/** As `spfquery --trace --json` with the settings and the name servers of the daemon. */
export function evaluateWhy(
  why: WhyQuery,
  settings: Settings,
  servers: ReturnType<Engine["nameservers"]>,
  signal: AbortSignal,
): Promise<string> | undefined {
  const query = queryOf(why);
  if (query === undefined) return undefined;
  const { lookupLimit, voidLookupLimit, localPolicy, lookupTimeMs } = settings;
  const querySettings = {
    receiver: octetsOfText(hostname()),
    limits: { lookupLimit, voidLookupLimit },
    localPolicy,
    nameservers: servers,
    timeoutMs: Math.min(lookupTimeMs, WHY_MS_MAX),
  };
  return check(query, querySettings, settings, signal);
}

/** The query, or undefined for what no MTA would ask. */
function queryOf({ ip, helo, sender }: WhyQuery): Query | undefined {
  const address = isIP(ip) === 0 ? undefined : parseIpAddress(ip);
  const [heloOctets, senderOctets] = [octetsOfText(helo), octetsOfText(sender)];
  if (address === undefined || !isText(heloOctets, HELO_OCTETS_MAX)) return undefined;
  if (!isText(senderOctets, SENDER_OCTETS_MAX)) return undefined;
  const isNull = senderOctets === "" || senderOctets === "<>";
  if (isNull ? heloOctets === "" : !/.@./s.test(senderOctets)) return undefined;
  return { ip: unmapIpv4(address), helo: heloOctets, sender: isNull ? "" : senderOctets, scope: "mfrom" };
}

function isText(octets: string, octetsMax: number): boolean {
  return octets.length <= octetsMax && !/[\0-\x20\x7f]/.test(octets);
}

/** When the signal is aborted, what is not answered yet never will be. */
async function check(
  query: Query,
  querySettings: QuerySettings,
  { dnsTimeoutMs, dnsTries }: Settings,
  signal: AbortSignal,
): Promise<string> {
  const resolver = new Resolver({
    servers: querySettings.nameservers,
    // Half of the time is left for a second try.
    timeoutMs: Math.min(dnsTimeoutMs, querySettings.timeoutMs / 2),
    tries: dnsTries,
  });
  const close = (): void => {
    resolver.close();
  };
  signal.addEventListener("abort", close);
  try {
    const ports = {
      source: resolver,
      evaluate,
      nowMs: () => performance.now(),
      nowSeconds: Math.floor(Date.now() / 1000),
    };
    return JSON.stringify(jsonReport(await makeReport(query, querySettings, ports, true)));
  } finally {
    signal.removeEventListener("abort", close);
    close();
  }
}
