import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { DEFAULT_CONFIG_FILE } from "../../../src/config/index.ts";
import { checkConfig, readSettings, showConfigOf } from "../../../src/smf-spf/config-check.ts";

const IS_ROOT = process.getuid?.() === 0;

describe("checkConfig and readSettings", () => {
  let folder: string;
  let file: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "smf-spf-conf-"));
    file = join(folder, "smf-spf.conf");
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  const write = (...lines: string[]): { config: string; dryRun: boolean } => {
    writeFileSync(file, ["User nobody", ...lines, ""].join("\n"));
    return { config: file, dryRun: false };
  };

  it("checkConfig() says so, with 0, when there is no fault", () => {
    assert.deepEqual(checkConfig(write("RefuseFail on")), {
      lines: [`${file}: 0 faults, 0 warnings`],
      exitCode: 0,
    });
  });

  it("checkConfig() prints every fault in the order of lines, with 78, an unknown key among them", () => {
    const { lines, exitCode } = checkConfig(write("RefuseFail perhaps", "RefuseFial on", "TTL soon"));
    assert.equal(exitCode, 78);
    assert.deepEqual(
      lines.slice(0, -1).map((line) => line.split(": ").slice(0, 2).join(": ")),
      [`${file}:2: RefuseFail`, `${file}:3: RefuseFial`, `${file}:4: TTL`],
    );
    assert.match(lines[1] ?? "", /did you mean RefuseFail/);
  });

  it("checkConfig() prints a warning as one, and ends with 0", () => {
    const { lines, exitCode } = checkConfig(write("WhitelistIP 192.0.2.1/24"));
    assert.equal(exitCode, 0);
    assert.match(lines[0] ?? "", /:2: WhitelistIP: warning: /);
  });

  it("checkConfig() counts faults, warnings and notes", () => {
    const { lines } = checkConfig(
      write("TTL soon", "X y", "WhitelistIP 192.0.2.1/24", "WhitelistTo a@", "SkipAuth on"),
    );
    assert.equal(lines.at(-1), `${file}: 2 faults, 1 warning, 1 note`);
    assert.match(lines.join("\n"), /:5: WhitelistTo: note: /);
  });

  it("checkConfig() finds what would end the start", () => {
    mkdirSync(join(folder, "open"));
    chmodSync(join(folder, "open"), 0o777);
    writeFileSync(join(folder, "plain"), "");
    const faultsOf = (...lines: string[]): string[] =>
      checkConfig(write(...lines))
        .lines.filter((line) => !/: warning: |: \d+ faults?, /.test(line))
        .map((line) => line.replaceAll(folder, "DIR").replace(`${file}:`, ""));
    assert.deepEqual(faultsOf(`LogTo ${folder}/spf.log`, `PidFile ${folder}/made/spf.pid`), []);
    for (const [line, reason] of [
      ["LogTo DIR/none/spf.log", "the directory DIR/none does not exist"],
      ["LogTo DIR/open", "DIR/open is a directory"],
      ["LogTo DIR/plain/spf.log", "DIR/plain is not a directory"],
      [
        "PidFile DIR/none/none/spf.pid",
        "the directory DIR/none/none does not exist and cannot be made: DIR/none does not exist either",
      ],
      ["Socket unix:DIR/plain/spf.sock", "DIR/plain is not a directory"],
      ["Socket unix:DIR/plain", "DIR/plain exists and is not a socket"],
      [
        "Socket unix:DIR/open/spf.sock",
        "DIR/open is world-writable, so anyone could replace the file (chmod o-w DIR/open)",
      ],
    ] as const) {
      const [option = ""] = line.split(" ");
      assert.deepEqual(faultsOf(line.replace("DIR", folder)), [`DIR/smf-spf.conf:2: ${option}: ${reason}`]);
    }
  });

  it("checkConfig() looks at directories also where a line has a fault, and at none that a faulty line may name", () => {
    const { lines, exitCode } = checkConfig(
      write(
        "RefuseFail perhaps",
        "LogTo /none/spf.log",
        "PidFile relative.pid",
        "Socket unix:/none/none/sock",
      ),
    );
    assert.equal(exitCode, 78);
    assert.deepEqual(
      lines.map((line) => line.replace(`${file}:`, "").split(": ").slice(0, 2).join(": ")),
      ["2: RefuseFail", "3: LogTo", "4: PidFile", "5: Socket", " 4 faults, 0 warnings"],
    );
    assert.match(lines[2] ?? "", /expected/);
  });

  it("checkConfig() says nothing of the default User where the one given cannot be used", () => {
    const { lines } = checkConfig(write('User "no quote', "TTL soon"));
    assert.deepEqual(
      lines.filter((line) => line.includes(" User: ")).map((line) => /no user/.test(line)),
      [false],
    );
  });

  it("checkConfig() takes a PID file that cannot be written for a warning in the foreground", () => {
    const { lines, exitCode } = checkConfig(write("PidFile /none/none/spf.pid", "Daemonize off"));
    assert.equal(exitCode, 0);
    assert.match(lines[0] ?? "", /PidFile: warning: the directory/);
  });

  it("checkConfig() takes a User by number", () => {
    writeFileSync(file, "User 65534\n");
    assert.equal(checkConfig({ config: file, dryRun: false }).exitCode, 0);
  });

  it("checkConfig() ends with 66 when the file named is missing", () => {
    const { lines, exitCode } = checkConfig({ config: join(folder, "none"), dryRun: false });
    assert.equal(exitCode, 66);
    assert.match(lines.join(), /no such file/);
  });

  it("readSettings() takes the defaults for a missing default file at the start only", {
    skip: existsSync(DEFAULT_CONFIG_FILE) && "there is one",
  }, () => {
    const choice = { config: undefined, dryRun: false };
    const atStart = readSettings(choice);
    assert.deepEqual(atStart.warnings, [`${DEFAULT_CONFIG_FILE}: warning: no such file; using the defaults`]);
    const onReload = readSettings(choice, { mustExist: true });
    assert.ok(onReload.settings === undefined);
    assert.deepEqual(onReload.faults, [`${DEFAULT_CONFIG_FILE}: no such file`]);
  });

  it("checkConfig() finds User and SocketGroup missing as root", { skip: !IS_ROOT && "needs root" }, () => {
    const { lines, exitCode } = checkConfig(
      write("User no-such-user-7208", "SocketGroup no-such-group-7208"),
    );
    assert.equal(exitCode, 78);
    const faults = lines.slice(0, -1).filter((line) => !line.includes(": warning: "));
    assert.deepEqual(faults, [
      `${file}:2: User: there is no user "no-such-user-7208" on this system; create it, or name another`,
      `${file}:3: SocketGroup: there is no group "no-such-group-7208" on this system; name one that the MTA is in`,
    ]);
    assert.match(checkConfig(write("User root")).lines.join(), /:2: User: "root" is root/);
  });

  it("checkConfig() finds User missing beside other faults", { skip: !IS_ROOT && "needs root" }, () => {
    const { lines } = checkConfig(write("User no-such-user-7208", "TTL soon"));
    assert.deepEqual(
      lines.slice(0, -1).map((line) => line.split(": ").slice(0, 2).join(": ")),
      [`${file}:2: User`, `${file}:3: TTL`],
    );
  });

  it("checkConfig() finds SocketGroup missing, whoever asks", () => {
    const { lines, exitCode } = checkConfig(write("SocketGroup no-such-group-7208", "SocketMode 0660"));
    assert.equal(exitCode, 78);
    assert.deepEqual(lines, [
      `${file}:2: SocketGroup: there is no group "no-such-group-7208" on this system; name one that the MTA is in`,
      `${file}: 1 fault, 0 warnings`,
    ]);
  });

  it("checkConfig() keeps the lines of each file together", () => {
    const list = join(folder, "friends");
    writeFileSync(list, "nobody\n@\n");
    const { lines } = checkConfig(write("TTL soon", `WhitelistFrom file:${list}`, "Tag [SPF#fail]", "X y"));
    assert.deepEqual(
      lines.slice(0, -1).map((line) => line.split(": ")[0]),
      [`${list}:1`, `${list}:2`, `${file}:2`, `${file}:4`, `${file}:5`],
    );
  });

  it("readSettings() starts an old file in spite of an unknown key, with a warning", () => {
    const read = readSettings(write("RefuseFial on"));
    assert.ok(read.settings !== undefined);
    assert.match(read.warnings.join(), /:2: RefuseFial: warning: unknown option/);
  });

  it("readSettings() sets ReportOnly for every mail when the run is dry", () => {
    const choice = { ...write("PolicyFor from=@a.example ReportOnly=off"), dryRun: true };
    const read = readSettings(choice);
    assert.equal(read.settings?.reportOnly, true);
    assert.deepEqual(
      read.settings.policyFor.map(({ actions }) => actions.reportOnly),
      [true],
    );
  });

  it("showConfigOf() prints the settings, and faults in their place", () => {
    const good = showConfigOf({ ...write("Tag x"), dryRun: true }, { changed: true });
    assert.deepEqual(
      good.lines.map((line) => line.replace(file, "FILE")),
      ["Tag x  # FILE:2", "ReportOnly on  # -n", "User nobody  # FILE:1"],
    );
    assert.equal(good.exitCode, 0);
    const bad = showConfigOf(write("TTL soon"), { changed: true });
    assert.deepEqual(bad.lines, []);
    assert.equal(bad.exitCode, 78);
    assert.match(bad.problems.join(), /:2: TTL: /);
  });
});
