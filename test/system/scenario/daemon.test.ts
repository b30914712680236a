import { after, before, describe, it } from "node:test";
import { DaemonPlayer } from "./daemon-player.ts";
import { MTA_NAMES } from "./lines.ts";
import { check } from "./play.ts";
import { loadScenarios, type Scenario } from "./scenario.ts";

/**
 * All scenarios where SCENARIOS is "all"; else those of basic/ and the first of each other directory. Every one of
 * them is played in memory too, so what this adds is the socket, the reload and the log.
 */
function chosen(all: readonly Scenario[]): readonly Scenario[] {
  if (process.env["SCENARIOS"] === "all") return all;
  const seen = new Set<string>();
  return all.filter(({ name }) => {
    const [directory = ""] = name.split("/");
    const isFirst = !seen.has(directory);
    seen.add(directory);
    return isFirst || directory === "basic";
  });
}

for (const mta of MTA_NAMES) {
  describe(`daemon over its socket, in the manner of ${mta}`, () => {
    let player: DaemonPlayer;
    before(async () => {
      player = await DaemonPlayer.open(mta);
    });
    after(() => player.close());
    for (const scenario of chosen(loadScenarios(mta))) {
      it(`${scenario.name}: ${scenario.title}`, () => check(player, scenario));
    }
  });
}
