import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { migrate } from "../../../src/smf-spf/migrate.ts";

describe("migrate", () => {
  let folder: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "smf-spf-migrate-"));
    mkdirSync(join(folder, "control"));
    writeFileSync(join(folder, "control", "spfbehavior"), "4\n");
    writeFileSync(join(folder, "tcp.smtp"), '192.0.2.:allow,SPFBEHAVIOR="1"\n');
    writeFileSync(join(folder, "old.conf"), "RefuseFail off\n");
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  it("reads a file, and a control directory with rules", () => {
    const file = migrate(join(folder, "old.conf"), undefined);
    assert.ok(file.exitCode === 0 && file.lines.includes("RefuseFail off"));
    const qmail = migrate(join(folder, "control"), join(folder, "tcp.smtp"));
    assert.ok(qmail.exitCode === 0 && qmail.lines.includes("SPFBehavior 4"));
    assert.ok(qmail.lines.includes("PolicyFor ip=192.0.2.0/24 SPFBehavior=1"));
  });

  it("says what cannot be read, with 66, and what does not go together, with 64", () => {
    assert.deepEqual(migrate(join(folder, "none"), undefined).exitCode, 66);
    assert.match(migrate(join(folder, "control"), join(folder, "none")).problems.join(), /none: /);
    assert.match(migrate(folder, undefined).problems.join(), /not a qmail control directory/);
    assert.equal(migrate(join(folder, "old.conf"), join(folder, "tcp.smtp")).exitCode, 64);
  });

  it("warns where a file is for smf-spf 3 already, and takes none for one that has no option", () => {
    const at = (name: string, text: string): ReturnType<typeof migrate> => {
      writeFileSync(join(folder, name), text);
      return migrate(join(folder, name), undefined);
    };
    const ours = at("ours.conf", "#SkipAuth on\nRefuseFail off\nCacheFile /var/lib/smfs/cache\n");
    assert.equal(ours.exitCode, 0);
    assert.match(
      ours.problems.join(),
      /ours\.conf: warning: CacheFile is an option of smf-spf 3; .* keep it/,
    );
    assert.deepEqual(at("old25.conf", "SkipAuth on\nWhitelistIP6 ::1\n").problems, []);
    assert.deepEqual(at("comments.conf", "# RefuseFail on\n").problems, []);
    const rules = migrate(join(folder, "tcp.smtp"), undefined);
    assert.equal(rules.exitCode, 66);
    assert.deepEqual(rules.lines, []);
    assert.match(rules.problems.join("\n"), /tcp\.smtp: no line of it .*\n.*--tcprules FILE/);
  });
});
