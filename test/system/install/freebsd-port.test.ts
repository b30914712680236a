/**
 * The port, staged by bmake, which is FreeBSD's make, with a stub in the place of the ports framework: what is in the
 * stage is what pkg-plist says.
 */
import assert from "node:assert/strict";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { runProgram, Tree } from "./tree.ts";

const ROOT = join(import.meta.dirname, "../../..");
const PORT = join(ROOT, "init/freebsd-port");
const BMAKE = "/usr/bin/bmake";

/** What the framework replaces in pkg-plist. */
const NAMES: Readonly<Record<string, string>> = {
  "%%DATADIR%%": "share/smf-spf",
  "%%DOCSDIR%%": "share/doc/smf-spf",
};
/** What the framework itself adds to the list. */
const ADDED = ["/usr/local/etc/rc.d/smfspf"];

const lines = readFileSync(join(PORT, "pkg-plist"), "utf8").trimEnd().split("\n");
const absolute = (path: string): string => (path.startsWith("/") ? path : `/usr/local/${path}`);

describe("the port of FreeBSD", { skip: !existsSync(BMAKE) && `${BMAKE} is not installed` }, () => {
  let tree: Tree;
  let stage: string;

  before(() => {
    tree = new Tree();
    stage = join(tree.folder, "stage");
    const dist = runProgram("sh", ["init/dist.sh", "dist"], { cwd: tree.source });
    assert.equal(dist.code, 0, dist.err);
    const tarball =
      readdirSync(join(tree.source, "dist")).find((name) => /^smf-spf-.*\.tar\.gz$/.test(name)) ?? "";
    const port = join(tree.folder, "port");
    const framework = join(tree.folder, "mk");
    cpSync(PORT, port, { recursive: true });
    mkdirSync(framework);
    cpSync(join(import.meta.dirname, "stub.bsd.port.mk"), join(framework, "bsd.port.mk"));
    const staged = runProgram(BMAKE, [
      ...[
        "-r",
        "-C",
        port,
        "-m",
        framework,
        "stage",
        `STAGEDIR=${stage}`,
        `WRKDIR=${join(tree.folder, "work")}`,
      ],
      `DISTFILE=${join(tree.source, "dist", tarball)}`,
    ]);
    assert.equal(staged.code, 0, staged.out + staged.err);
  });
  after(() => {
    tree.close();
  });

  it("stages the files of its list, and no other", () => {
    const staged = readdirSync(stage, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name).slice(stage.length));
    const listed = lines
      .filter((line) => !line.startsWith("@dir"))
      .map((line) => line.replace(/^@sample /, "").replace(/^%%\w+%%/, (name) => NAMES[name] ?? name));
    assert.deepEqual(staged.sort(), [...listed.map(absolute), ...ADDED].sort());
  });

  it("stages the directories of its list, which belong to the daemon", () => {
    const listed = lines.flatMap((line) => /^@dir\((\w+),(\w+),(\d+)\) (.*)$/.exec(line)?.slice(1) ?? []);
    assert.deepEqual(listed, [
      "smfs",
      "smfs",
      "750",
      "/var/lib/smfs",
      "smfs",
      "smfs",
      "755",
      "/var/run/smfs",
    ]);
    for (const path of listed.filter((word) => word.startsWith("/")))
      assert.ok(statSync(join(stage, path)).isDirectory(), path);
  });

  it("has the version of the programs, node's place in them, and its own place of the configuration", () => {
    const read = (path: string): string => readFileSync(join(stage, "usr/local", path), "utf8");
    const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };
    assert.match(
      readFileSync(join(PORT, "Makefile"), "utf8"),
      new RegExp(`^DISTVERSION=\\s+${version}$`, "m"),
    );
    for (const program of ["sbin/smf-spf", "bin/spfquery", "bin/spfreport"])
      assert.match(read(program), /^#!\/usr\/local\/bin\/node\n/, program);
    assert.match(read("etc/rc.d/smfspf"), /"\/usr\/local\/etc\/smfs\/smf-spf\.conf"/);
    assert.doesNotMatch(read("etc/rc.d/smfspf"), /%%/);
    const page = runProgram("gzip", ["-dc", join(stage, "usr/local/share/man/man8/smf-spf.8.gz")]).out;
    assert.doesNotMatch(page, /\/etc\/mail\/smfs/);
  });
});
