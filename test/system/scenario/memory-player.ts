/** Plays scenarios to the filter in this process: no socket, no file, no name server. */

import { withDefaultExplanation } from "spf-check";
import { parseConfig, type Settings } from "../../../src/config/index.ts";
import { createFilter, type Evaluator, type FilterEvent } from "../../../src/filter/index.ts";
import { eventLines, JsonLines, levelOf } from "../../../src/logging/event-line.ts";
import { isWanted } from "../../../src/logging/sink.ts";
import { VerdictCache } from "../../../src/verdicts/index.ts";
import { inMemory } from "../../support/mta-player.ts";
import { ZoneTable } from "../../support/nameserver/zone.ts";
import { drive } from "../conformance/drive.ts";
import type { MtaName } from "./lines.ts";
import type { LoggedLine, Observation } from "./observation.ts";
import { type Player, playSteps } from "./play.ts";
import type { Scenario } from "./scenario.ts";
import { VirtualMta } from "./virtual-mta.ts";
import { answerFrom } from "./zone-answers.ts";

/** Where the settings of scenarios find their files. */
const FILES = "/scenario-files";

/** A player in the manner of that MTA. */
export function memoryPlayer(style: MtaName): Player {
  return {
    async play(scenario): Promise<Observation> {
      const settings = settingsOf(scenario);
      const log: LoggedLine[] = [];
      const json = new JsonLines(() => new Date(0));
      const ports = {
        settings,
        evaluator: evaluatorOver(scenario, settings),
        report: (event: FilterEvent) => {
          const level = levelOf(event);
          if (!isWanted(level, settings.logLevel)) return;
          const lines =
            settings.logFormat === "json" ? json.events(event) : eventLines(event, settings.logFormat);
          for (const text of lines) log.push({ level, text });
        },
        nowMs: () => performance.now(),
        transport: "unix",
        hostname: "mx.rig.test",
      } as const;
      const mta = new VirtualMta(
        style,
        () => Promise.resolve(inMemory((resume) => createFilter(ports, resume))),
        new ZoneTable(scenario.zone),
        scenario.missing,
      );
      const exchanges = await playSteps(scenario.steps, mta);
      return { exchanges, delivered: mta.delivered, held: mta.held, log };
    },
  };
}

function settingsOf({ settings: text, files, environment, name }: Scenario): Settings {
  const { settings, faults } = parseConfig(utf8(text).replaceAll("$FILES", FILES), {
    file: name,
    env: environment,
    readList: (path) => {
      const content = files.get(path.slice(FILES.length + 1));
      return content === undefined ? { problem: "no such file" } : { text: utf8(content) };
    },
  });
  if (settings === undefined)
    throw new Error(faults.map(({ line, reason }) => `${line}: ${reason}`).join("; "));
  return settings;
}

/** Scenario files are octets; what an administrator writes is UTF-8. */
function utf8(octets: string): string {
  return Buffer.from(octets, "latin1").toString("utf8");
}

/** Evaluates at once. Verdicts are remembered where the scenario gives records a TTL. */
function evaluatorOver({ zone: data, remembers }: Scenario, settings: Settings): Evaluator {
  const zone = new ZoneTable(data);
  const nowSeconds = 0;
  const { localPolicy } = settings;
  const verdicts = new VerdictCache({
    ttlSeconds: remembers ? settings.ttlSeconds : 0,
    entriesMax: settings.cacheSize,
    onError: (error) => {
      throw error;
    },
    check: (input) => {
      const rest = { nowSeconds, limits: settings, localPolicy, hints: false, trace: false };
      return drive({ ...input, ...rest }, (question) => answerFrom(zone, question)).outcome;
    },
  });
  return {
    evaluate: (request, done) => {
      const answer = verdicts.evaluate(request, done);
      if ("cancel" in answer) throw new Error("an answer of the zone comes at once");
      const explained = withDefaultExplanation({ ...request, nowSeconds, localPolicy }, answer.outcome);
      return { ...answer, outcome: explained };
    },
  };
}
