// Preloaded into the daemon of `make screenshots`: its clock is so many milliseconds off as CLOCK_FILE says, so that an
// hour of mail takes some seconds.
import { readFileSync } from "node:fs";

// The daemon empties its environment.
const file = process.env.CLOCK_FILE;
const realNow = Date.now;
let offMs = 0;
const read = () => {
  offMs = Number(readFileSync(file, "utf8"));
};
read();
setInterval(read, 2).unref();
Date.now = () => realNow() + offMs;
