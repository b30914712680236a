/** The filter with a real check_host() over a zone in memory, played to by an MTA. */

import { checkHost, withDefaultExplanation } from "spf-check";
import { parseConfig, type Settings } from "../../../src/config/index.ts";
import { createFilter, type EvaluationRequest, type FilterEvent } from "../../../src/filter/index.ts";
import { inMemory, MtaPlayer, type PlayerOptions } from "../../support/mta-player.ts";
import { type Zone, ZoneTable } from "../../support/nameserver/zone.ts";
import { answerFrom } from "../scenario/zone-answers.ts";

/** The settings of a configuration text, which must have no fault. */
export function settingsOf(text: string): Settings {
  const { settings, faults } = parseConfig(text, {
    file: "test.conf",
    env: {},
    readList: (path) => ({ problem: `no list ${path}` }),
  });
  if (settings === undefined) throw new Error(faults.map(({ reason }) => reason).join("; "));
  return settings;
}

/** One filter for each MTA that connects; what they tell the operator is gathered. */
export class FilterBench {
  readonly events: FilterEvent[] = [];
  readonly settings: Settings;
  readonly #zone: ZoneTable;

  constructor(configuration: string, zone: Zone) {
    this.settings = settingsOf(configuration);
    this.#zone = new ZoneTable(zone);
  }

  /** An MTA that has not connected yet. */
  mta(options: PlayerOptions = {}): MtaPlayer {
    const { settings } = this;
    const { localPolicy } = settings;
    const nowSeconds = 0;
    const ports = {
      settings,
      transport: "unix",
      hostname: "mx.here.test",
      nowMs: () => performance.now(),
      report: (event: FilterEvent) => {
        this.events.push(event);
      },
      evaluator: {
        evaluate: (request: EvaluationRequest) => {
          const evaluation = checkHost({
            ...request,
            nowSeconds,
            limits: settings,
            localPolicy,
            hints: false,
            trace: false,
          });
          let step = evaluation.next();
          while (step.done !== true) {
            const { value } = step;
            step = evaluation.next(value.kind === "ask" ? answerFrom(this.#zone, value.question) : undefined);
          }
          const outcome = withDefaultExplanation({ ...request, nowSeconds, localPolicy }, step.value);
          return { outcome, cached: false, elapsedMs: 0 };
        },
      },
    } as const;
    return new MtaPlayer(
      inMemory((resume) => createFilter(ports, resume)),
      options,
    );
  }
}
