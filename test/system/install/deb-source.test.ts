import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { runProgram, Tree } from "./tree.ts";

const has = (program: string): boolean => existsSync(`/usr/bin/${program}`);
const MISSING = ["dpkg-source", "dpkg-buildpackage", "lintian"].filter((program) => !has(program));
const SKIP = MISSING.length > 0 && `${MISSING.join(", ")}: not installed`;

describe("the Debian source package", { skip: SKIP }, () => {
  let tree: Tree;
  let folder: string;
  let built: string;
  const env = {
    PATH: process.env["PATH"],
    SOURCE_DATE_EPOCH: "1700000000",
    DEBFULLNAME: "A Packager",
    DEBEMAIL: "packager@example.org",
  };

  before(() => {
    tree = new Tree();
    folder = join(tree.folder, "packages");
    built = join(tree.folder, "built");
    mkdirSync(folder);
    mkdirSync(built);
    const { code, err } = runProgram("sh", ["init/dist.sh", folder], { cwd: tree.source, env });
    assert.equal(code, 0, err);
    const dsc = readdirSync(folder).find((name) => name.endsWith(".dsc")) ?? "";
    execFileSync("dpkg-source", ["-x", join(folder, dsc), join(built, "source")], { stdio: "pipe" });
    const options = { cwd: join(built, "source"), env, stdio: "pipe" } as const;
    execFileSync("dpkg-buildpackage", ["-us", "-uc", "-b", "-d"], options);
  });

  after(() => {
    tree.close();
  });

  const named = (directory: string, end: string): string =>
    join(directory, readdirSync(directory).find((name) => name.endsWith(end)) ?? "");
  const contents = (deb: string): string[] =>
    execFileSync("dpkg-deb", ["--contents", deb], { encoding: "utf8" })
      .split("\n")
      .map((line) => line.replace(/^\S+\s+\S+\s+\d+ \S+ \S+ /, ""))
      .filter((path) => !/changelog/i.test(path))
      .sort();

  it("builds the package that make dist makes", () => {
    assert.deepEqual(contents(named(built, "_all.deb")), contents(named(folder, "_all.deb")));
  });

  for (const what of [".dsc", ".changes"] as const) {
    it(`gives lintian nothing to complain of in its ${what}`, () => {
      const directory = what === ".dsc" ? folder : built;
      const { stdout, stderr } = spawnSync(
        "lintian",
        ["--fail-on", "error,warning", named(directory, what)],
        {
          encoding: "utf8",
          env: { ...env, LC_ALL: "C.UTF-8" },
        },
      );
      // Whatever it says of the stand-ins for the programs of this test.
      assert.deepEqual(`${stdout}${stderr}`.match(/^[EW]: .*$/gm) ?? [], []);
    });
  }

  it("has a test for autopkgtest that plays a message", () => {
    const control = readFileSync(join(built, "source", "debian/tests/control"), "utf8");
    const [, script = ""] = /^Test-Command: node debian\/(\S+)$/m.exec(control) ?? [];
    assert.ok(existsSync(join(built, "source", "debian", script)), script);
  });
});
