import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { describe, it } from "node:test";
import { whyTooManyConnections } from "../../../src/process/index.ts";

const MODULE = join(import.meta.dirname, "../../../src/process/descriptor-limit.ts");

describe("whyTooManyConnections", () => {
  const table: [number, number | undefined, boolean][] = [
    [1000, 1128, true],
    [1000, 1127, false],
    [1, 129, true],
    [1, 64, false],
    [100_000, Infinity, true],
  ];
  for (const [connections, limit, fits] of table) {
    it(`${fits ? "says nothing" : "warns"} when ${connections} connections meet a limit of ${limit}`, () => {
      const reason = whyTooManyConnections(connections, limit);
      if (fits) assert.equal(reason, undefined);
      else assert.match(reason ?? "", new RegExp(`MaxConnections ${connections} .* ${limit} files`));
    });
  }

  it("finds the limit of the process itself", () => {
    const program = `
      const { whyTooManyConnections } = await import(${JSON.stringify(MODULE)});
      console.log(whyTooManyConnections(100), "|", whyTooManyConnections(300));
    `;
    const command = 'ulimit -n 256 && exec "$0" --import tsx --input-type=module -e "$1"';
    const out = execFileSync("sh", ["-c", command, process.execPath, program], { encoding: "utf8" });
    assert.match(out, /^undefined \| MaxConnections 300 cannot be reached: this process may have 256 files/);
  });
});
