import { after, before, describe, it } from "node:test";
import { DaemonPlayer } from "./daemon-player.ts";
import { MTA_NAMES } from "./lines.ts";
import { check } from "./play.ts";
import { loadScenarios } from "./scenario.ts";

for (const mta of MTA_NAMES) {
  describe(`daemon over its socket, in the manner of ${mta}`, () => {
    let player: DaemonPlayer;
    before(async () => {
      player = await DaemonPlayer.open(mta);
    });
    after(() => player.close());
    for (const scenario of loadScenarios(mta)) {
      it(`${scenario.name}: ${scenario.title}`, () => check(player, scenario));
    }
  });
}
