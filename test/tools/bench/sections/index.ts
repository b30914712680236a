/** The sections of the benchmark by name, in the order in which they run. */
import { mta } from "../mta/section.ts";
import { big } from "./big.ts";
import { cold } from "./cold.ts";
import { growth } from "./growth.ts";
import { hold } from "./hold.ts";
import { hot } from "./hot.ts";
import { independence } from "./independence.ts";
import { memory } from "./memory.ts";
import { mixed } from "./mixed.ts";
import { restart } from "./restart.ts";
import { scrape } from "./scrape.ts";
import type { Measure } from "./section.ts";
import { shared } from "./shared.ts";
import { start } from "./start.ts";
import { storm } from "./storm.ts";

export type { Section } from "./section.ts";

export const SECTIONS: Readonly<Record<string, Measure>> = {
  hot,
  cold,
  storm,
  big,
  memory,
  start,
  mixed,
  independence,
  restart,
  scrape,
  shared,
  hold,
  growth,
  mta,
};
