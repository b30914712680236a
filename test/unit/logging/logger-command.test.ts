import assert from "node:assert/strict";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { isSyslogReachable } from "../../../src/logging/index.ts";
import { withFolder } from "./samples.ts";

describe("isSyslogReachable", () => {
  it("is true where a folder of PATH, or one of the system's, has a logger that may be run", () =>
    withFolder((folder) => {
      const logger = join(folder, "logger");
      assert.equal(isSyslogReachable({ PATH: folder }, []), false);
      writeFileSync(logger, "#!/bin/sh\n");
      chmodSync(logger, 0o644);
      assert.equal(isSyslogReachable({ PATH: folder }, []), false);
      chmodSync(logger, 0o755);
      assert.equal(isSyslogReachable({ PATH: `/nonexistent:${folder}` }, []), true);
      assert.equal(isSyslogReachable({}, [folder]), true);
    }));

  it("is not taken in by a JOURNAL_STREAM that is another's", () => {
    assert.equal(isSyslogReachable({ PATH: "/nonexistent", JOURNAL_STREAM: "1:2" }, []), false);
  });
});
