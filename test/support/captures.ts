import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** One recorded milter connection. */
export interface Capture {
  readonly name: string;
  /** Packets that the MTA has sent, length included. */
  readonly mta: readonly Buffer[];
  /** Packets that the filter has sent. */
  readonly filter: readonly Buffer[];
}

/** Recordings that are part of this repository. */
export const OWN_CAPTURES = join(import.meta.dirname, "../unit/milter-protocol/captures");
/** Recordings of real MTAs, which may be absent. */
export const MTA_CAPTURES =
  process.env["MILTER_CAPTURES"] ?? join(import.meta.dirname, "../../../shared/captures");

/** Reads a folder of `NAME.mta.hex` and `NAME.milter.hex`, one packet a line; empty where there is no folder. */
export function readCaptures(folder: string): Capture[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith(".mta.hex"))
    .sort()
    .map((file) => {
      const name = file.slice(0, -".mta.hex".length);
      return {
        name,
        mta: readPackets(join(folder, file)),
        filter: readPackets(join(folder, `${name}.milter.hex`)),
      };
    });
}

function readPackets(path: string): Buffer[] {
  return readFileSync(path, "latin1")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => Buffer.from(line, "hex"));
}
