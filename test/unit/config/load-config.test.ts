import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { formatFault, loadConfig } from "../../../src/config/index.ts";

const folder = mkdtempSync(join(tmpdir(), "smf-spf-config-"));
after(() => {
  rmSync(folder, { recursive: true });
});

const load = (name: string, mustExist = true) => loadConfig(join(folder, name), { mustExist, env: {} });

describe("loadConfig", () => {
  it("reads a file", () => {
    writeFileSync(join(folder, "good.conf"), "RefuseFail off\n");
    const { settings, faults, noInput } = load("good.conf");
    assert.deepEqual(faults, []);
    assert.equal(settings?.refuseFail, "off");
    assert.equal(noInput, false);
  });

  it("warns and takes the defaults where the default file is missing", () => {
    const { settings, warnings, faults, noInput } = load("missing.conf", false);
    assert.equal(settings?.user, "smfs");
    assert.deepEqual(faults, []);
    assert.equal(noInput, false);
    assert.deepEqual(warnings.map(formatFault), [`${folder}/missing.conf: no such file; using the defaults`]);
  });

  it("reads the environment where the default file is missing", () => {
    const { settings } = loadConfig(join(folder, "missing.conf"), {
      mustExist: false,
      env: { SPFBEHAVIOR: "4" },
    });
    assert.equal(settings?.refuseSoftFail, true);
  });

  it("faults a missing file that was named", () => {
    const { settings, faults, noInput } = load("missing.conf");
    assert.equal(settings, undefined);
    assert.equal(noInput, true);
    assert.deepEqual(faults.map(formatFault), [`${folder}/missing.conf: no such file`]);
  });

  it("faults a directory, also as default file", () => {
    for (const mustExist of [true, false]) {
      const { settings, faults, noInput } = loadConfig(folder, { mustExist, env: {} });
      assert.equal(settings, undefined);
      assert.equal(noInput, true);
      assert.deepEqual(faults.map(formatFault), [`${folder}: is a directory`]);
    }
  });

  it("faults a path through a file and a circle of links", () => {
    writeFileSync(join(folder, "file"), "");
    assert.deepEqual(load("file/x.conf", false).faults.map(formatFault), [
      `${folder}/file/x.conf: no such file: part of the path is not a directory`,
    ]);
    assert.deepEqual(load("a\0b").faults.length, 1);
  });

  it("faults a file that never ends", () => {
    assert.deepEqual(loadConfig("/dev/zero", { mustExist: true, env: {} }).faults.map(formatFault), [
      "/dev/zero: is larger than 16 MiB",
    ]);
  });

  it("takes an empty device for an empty file", () => {
    const { settings, warnings } = loadConfig("/dev/null", { mustExist: true, env: {} });
    assert.equal(settings?.refuseFail, "on");
    assert.deepEqual(warnings, []);
  });

  it("reads list files anew each time, and names them in faults", () => {
    const list = join(folder, "senders");
    writeFileSync(join(folder, "lists.conf"), `WhitelistFrom file:${list}\nWhitelistFrom @own.example\n`);
    writeFileSync(list, "# friends\n@one.example\n\n@two.example # the second\n");
    assert.deepEqual(
      load("lists.conf").settings?.whitelistFrom.map(({ text }) => text),
      ["one.example", "two.example", "own.example"],
    );
    writeFileSync(list, "@three.example\n@\n");
    const again = load("lists.conf");
    assert.equal(again.settings, undefined);
    assert.deepEqual(again.faults.map(formatFault), [
      `${list}:2: WhitelistFrom: invalid address pattern "@": expected user@example.net, @example.net, user@ or .example.net`,
    ]);
    rmSync(list);
    mkdirSync(list);
    assert.deepEqual(load("lists.conf").faults.map(formatFault), [
      `${folder}/lists.conf:1: WhitelistFrom: cannot read ${list}: is a directory`,
    ]);
  });

  it("says that permission is missing, where it is", () => {
    const path = join(folder, "secret.conf");
    writeFileSync(path, "RefuseFail off\n");
    chmodSync(path, 0);
    const { settings, faults } = loadConfig(path, { mustExist: false, env: {} });
    // root may read everything.
    if (process.getuid?.() === 0) assert.equal(settings?.refuseFail, "off");
    else assert.deepEqual(faults.map(formatFault), [`${path}: may not be read (permission denied)`]);
  });
});
