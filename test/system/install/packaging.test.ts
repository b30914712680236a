import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { loadConfig } from "../../../src/config/index.ts";
import { runProgram, Tree } from "./tree.ts";

const ROOT = join(import.meta.dirname, "../../..");
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
const missing = (path: string): string | false => !existsSync(path) && `${path} is not installed`;

describe("the packages of other systems", () => {
  let tree: Tree;
  let folder: string;

  before(() => {
    tree = new Tree();
    folder = mkdtempSync(join(tmpdir(), "smf-spf-packaging-"));
    const { code, err } = runProgram("sh", ["init/dist.sh", "dist"], { cwd: tree.source });
    assert.equal(code, 0, err);
  });
  after(() => {
    tree.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("have a .deb without a word of lintian's, whoever builds it", {
    skip: missing("/usr/bin/lintian") || missing("/usr/bin/dpkg-deb"),
  }, () => {
    const deb = readdirSync(join(tree.source, "dist")).find((name) => name.endsWith(".deb")) ?? "";
    const options = ["--allow-root", "--fail-on", "error,warning", join(tree.source, "dist", deb)];
    const { code, out } = runProgram("lintian", options, { env: { HOME: folder } });
    assert.equal(out, "");
    assert.equal(code, 0);
  });

  it("have an SELinux policy that compiles", { skip: missing("/usr/bin/checkmodule") }, () => {
    const module = join(folder, "smf-spf.mod");
    const args = ["-M", "-m", "-o", module, join(ROOT, "init/selinux/smf-spf.te")];
    const { code, err, out } = runProgram("checkmodule", args);
    assert.equal(code, 0, out + err);
  });

  it("have a spec that makes the daemon's package and the policy's", {
    skip: missing("/usr/bin/rpmbuild") || missing("/usr/bin/checkmodule"),
  }, () => {
    const tarball = readdirSync(join(tree.source, "dist")).find((name) => name.endsWith(".tar.gz")) ?? "";
    const args = ["-ta", "--nodeps", "--define", `_topdir ${folder}/rpm`, join(tree.source, "dist", tarball)];
    const { code, err } = runProgram("rpmbuild", args, {
      env: { HOME: folder, PATH: `${process.env["PATH"]}` },
    });
    assert.equal(code, 0, err);
    const made = readdirSync(join(folder, "rpm", "RPMS", "noarch"));
    assert.deepEqual(made.map((name) => name.replace(/-\d.*/, "")).sort(), ["smf-spf", "smf-spf-selinux"]);
  });

  it("have the rc script of FreeBSD with the names of its ports tree", () => {
    const names: Record<string, string> = {
      "@CONFDIR@": "%%PREFIX%%/etc/smfs",
      "@SBINDIR@": "%%PREFIX%%/sbin",
      "@NODE@": "%%LOCALBASE%%/bin/node",
      "@RUNDIR@": "/var/run/smfs",
    };
    const script = read("init/smfspf.freebsd").replace(/@[A-Z]+@/g, (name) => names[name] ?? name);
    assert.equal(read("init/freebsd-port/files/smfspf.in"), script);
  });

  it("have a list of FreeBSD's files with all that is installed for readers and monitors", () => {
    const { code, err } = tree.make("install", "INIT=none", "DATADIR=/data", "DOCDIR=/docs");
    assert.equal(code, 0, err);
    const files = tree.files().flatMap((file) => {
      const [, where = "", name = ""] = /^\/(data|docs)\/(.*)$/.exec(file) ?? [];
      return where === "" || name === "installed" ? [] : [`%%${where.toUpperCase()}DIR%%/${name}`];
    });
    const listed = read("init/freebsd-port/pkg-plist").match(/^%%(?:DATA|DOCS)DIR%%.*$/gm) ?? [];
    assert.deepEqual([...listed].sort(), files.sort());
  });

  it("have a container whose files are there, and whose configuration has no faults", () => {
    const copied = [...read("Containerfile").matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(
      ([, names = ""]) => names.split(" "),
    );
    assert.ok(copied.length > 5);
    for (const name of copied) assert.ok(existsSync(join(ROOT, name)), name);
    const { faults, unknown } = loadConfig(join(ROOT, "init/container/smf-spf.conf"), {
      mustExist: true,
      env: {},
    });

    assert.deepEqual([...faults, ...unknown], []);
  });
});
