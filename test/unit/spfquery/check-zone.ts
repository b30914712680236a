import { type AnswerSource, checkHost, temperror } from "spf-check";
import { drive, Resolver } from "../../../src/dns/index.ts";
import { parseArguments } from "../../../src/spfquery/arguments.ts";
import { makeReport, type Report } from "../../../src/spfquery/query.ts";
import { startNameserver, type Zone } from "../../support/nameserver/index.ts";
import { nowOrLater } from "../../support/now-or-later.ts";

/** Makes the check that a command line asks for against a zone on loopback; every answer takes 1.5 ms. */
export async function checkZone(zone: Zone, ...argv: string[]): Promise<Report> {
  const request = parseArguments(argv, "mx.example.net");
  if (request.action !== "check") throw new Error(`${request.action} instead of a check`);
  const nameserver = await startNameserver(zone);
  const resolver = new Resolver({ servers: [nameserver], timeoutMs: 2000, tries: 2 });
  let nowMs = 0;
  const source: AnswerSource = {
    ask: (question, done) =>
      resolver.ask(question, (answer) => {
        nowMs += 1.5;
        done(answer);
      }),
  };
  try {
    return await makeReport(
      request.query,
      request.settings,
      {
        source,
        evaluate: (input, answers) =>
          new Promise((resolve) => {
            const onThrow = (error: unknown) => temperror(input.domain, String(error));
            nowOrLater((done) => drive(checkHost(input), { source: answers, onThrow }, done), resolve);
          }),
        nowMs: () => nowMs,
        nowSeconds: 1_700_000_000,
      },
      true,
    );
  } finally {
    resolver.close();
    await nameserver.close();
  }
}
