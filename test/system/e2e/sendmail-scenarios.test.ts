import { after, before, describe, it } from "node:test";
import { check } from "../scenario/play.ts";
import { loadPlayableScenarios } from "../scenario/scenario.ts";
import { MtaPlayer } from "./mta-player.ts";
import { Sendmail } from "./sendmail.ts";

describe("scenarios behind Sendmail", () => {
  let player: MtaPlayer;
  before(async () => {
    player = await MtaPlayer.open(() => Sendmail.start());
  });
  after(() => player.close());
  for (const scenario of loadPlayableScenarios("sendmail")) {
    it(`${scenario.name}: ${scenario.title}`, () => check(player, scenario));
  }
});
