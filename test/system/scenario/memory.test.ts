import { describe, it } from "node:test";
import { MTA_NAMES } from "./lines.ts";
import { memoryPlayer } from "./memory-player.ts";
import { check } from "./play.ts";
import { loadScenarios } from "./scenario.ts";

for (const mta of MTA_NAMES) {
  describe(`filter in memory, in the manner of ${mta}`, () => {
    const player = memoryPlayer(mta);
    for (const scenario of loadScenarios(mta)) {
      it(`${scenario.name}: ${scenario.title}`, () => check(player, scenario));
    }
  });
}
