import { after, before, describe, it } from "node:test";
import { check } from "../scenario/play.ts";
import { loadPlayableScenarios } from "../scenario/scenario.ts";
import { MtaPlayer } from "./mta-player.ts";
import { Postfix } from "./postfix.ts";

describe("scenarios behind Postfix", () => {
  let player: MtaPlayer;
  before(async () => {
    player = await MtaPlayer.open(() => Postfix.start());
  });
  after(() => player.close());
  for (const scenario of loadPlayableScenarios("postfix")) {
    it(`${scenario.name}: ${scenario.title}`, () => check(player, scenario));
  }
});
