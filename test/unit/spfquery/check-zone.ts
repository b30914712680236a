import { checkHost } from "spf-check";
import { createResolver, drive } from "../../../src/dns/index.ts";
import { makeReport, parseArguments, type Report } from "../../../src/spfquery/index.ts";
import { temperror } from "../../../src/verdicts/index.ts";
import { startNameserver, type Zone } from "../../support/nameserver/index.ts";

/** Makes the check that a command line asks for against a zone on loopback; every answer takes one tick of 1.5 ms. */
export async function checkZone(zone: Zone, ...argv: string[]): Promise<Report> {
  const request = parseArguments(argv, "mx.example.net");
  if (request.action !== "check") throw new Error(`${request.action} instead of a check`);
  const nameserver = await startNameserver(zone);
  const resolver = createResolver({ servers: [nameserver], timeoutMs: 2000, tries: 2 });
  let ticks = 0;
  try {
    return await makeReport(
      request.query,
      request.settings,
      {
        source: resolver,
        evaluate: (input, source) =>
          new Promise((resolve) => {
            const onThrow = (error: unknown) => temperror(input.domain, String(error));
            drive(checkHost(input), { source, deadlineMs: performance.now() + 10_000, onThrow }, resolve);
          }),
        nowMs: () => 1.5 * ticks++,
        nowSeconds: 1_700_000_000,
      },
      true,
    );
  } finally {
    resolver.close();
    await nameserver.close();
  }
}
