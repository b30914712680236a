import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { userInfo } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { PATIENCE_MS } from "../../support/child-process.ts";
import { Installed } from "./installed.ts";

const SCRIPT = join(import.meta.dirname, "../../../init/debian/source/tests/message.cjs");

it("is seen to refuse and to accept by the test of the Debian package", async () => {
  const installed = new Installed();
  try {
    const user = process.getuid?.() === 0 ? "nobody" : userInfo().username;
    const env = { ...process.env, SMF_SPF: installed.program, SMF_SPF_USER: user };
    const said = execFileSync(process.execPath, [SCRIPT], { env, encoding: "utf8", timeout: PATIENCE_MS });
    assert.match(said, /^a message that fails was refused, one that passes was accepted$/m);
  } finally {
    await installed.close();
  }
});
