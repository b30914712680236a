import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { gunzipSync } from "node:zlib";
import { brokenLinks, COMPLETIONS, PAGES, runProgram, Tree } from "./tree.ts";

const SKIP = !existsSync("/usr/bin/dpkg-deb") && "dpkg-deb is not installed";
const ENVIRONMENT = {
  SOURCE_DATE_EPOCH: "1700000000",
  DEBFULLNAME: "A Packager",
  DEBEMAIL: "packager@example.org",
};

describe("make dist", { skip: SKIP }, () => {
  let tree: Tree;
  let version: string;
  let unpacked: string;
  let control: string;
  let listing: string[];

  before(() => {
    tree = new Tree();
    version = (JSON.parse(readFileSync(join(tree.source, "package.json"), "utf8")) as { version: string })
      .version;
    build("dist");
    unpacked = join(tree.folder, "unpacked");
    const deb = join(tree.source, "dist", `smf-spf_${version}_all.deb`);
    execFileSync("dpkg-deb", ["--raw-extract", deb, unpacked]);
    control = join(unpacked, "DEBIAN");
    listing = execFileSync("dpkg-deb", ["--contents", deb], { encoding: "utf8" }).trim().split("\n");
  });

  after(() => {
    tree.close();
  });

  function build(folder: string): void {
    const options = { cwd: tree.source, env: ENVIRONMENT };
    const { code, err } = runProgram("sh", ["init/dist.sh", folder], options);
    assert.equal(code, 0, err);
  }

  const read = (path: string): string => readFileSync(join(unpacked, path), "utf8");

  it("makes a tarball from which make install needs neither npm nor git", () => {
    const folder = join(tree.folder, "release");
    mkdirSync(folder);
    const tarball = join(tree.source, "dist", `smf-spf-${version}.tar.gz`);
    execFileSync("tar", ["-xzf", tarball, "-C", folder, "--strip-components=1"]);
    const destination = join(tree.folder, "from-release");
    const { code, err } = runProgram("make", [
      ...["-C", folder, "install", `DESTDIR=${destination}`, "INIT=sysv"],
      ...[`NODE=${process.execPath}`, "NPM=false"],
    ]);
    assert.equal(code, 0, err);
    assert.ok(existsSync(join(destination, "usr/local/sbin/smf-spf")));
  });

  it("makes the same octets of the same sources", () => {
    mkdirSync(join(tree.source, "again"));
    build("again");
    for (const name of [`smf-spf-${version}.tar.gz`, `smf-spf_${version}_all.deb`]) {
      const [once, again] = ["dist", "again"].map((folder) => readFileSync(join(tree.source, folder, name)));
      assert.ok(once?.equals(again ?? Buffer.of()), name);
    }
  });

  it("names what the package needs", () => {
    const fields = Object.fromEntries(
      [...read("DEBIAN/control").matchAll(/^([A-Z][A-Za-z-]+): (.*)$/gm)].map(([, name, value]) => [
        name,
        value,
      ]),
    ) as Record<string, string>;
    assert.equal(fields["Package"], "smf-spf");
    assert.equal(fields["Version"], version);
    assert.equal(fields["Architecture"], "all");
    assert.match(fields["Depends"] ?? "", /\bnodejs \(>= 20\.19\)/);
    assert.ok(Number(fields["Installed-Size"]) > 0);
    assert.ok((fields["Description"] ?? "").length < 80);
    assert.doesNotMatch(read("DEBIAN/control"), /@[A-Z]+@/);
  });

  it("holds programs for Debian's node, units, script, pages and documents", () => {
    const files = [
      "etc/init.d/smf-spf",
      "etc/mail/smfs/smf-spf.conf",
      "usr/bin/spfquery.smf-spf",
      "usr/bin/spfreport",
      "usr/lib/systemd/system/smf-spf.service",
      "usr/lib/systemd/system/smf-spf.socket",
      "usr/lib/sysusers.d/smf-spf.conf",
      "usr/lib/tmpfiles.d/smf-spf.conf",
      "usr/sbin/smf-spf",
      "usr/share/doc/smf-spf/ARCHITECTURE.md",
      "usr/share/doc/smf-spf/CHANGELOG.md.gz",
      "usr/share/doc/smf-spf/CONTRIBUTING.md",
      "usr/share/doc/smf-spf/README.ja.md",
      "usr/share/doc/smf-spf/README.md",
      "usr/share/doc/smf-spf/SECURITY.md",
      "usr/share/doc/smf-spf/changelog.gz",
      "usr/share/doc/smf-spf/copyright",
      ...PAGES.map((page) => `usr/share/doc/smf-spf/${page}`),
      "usr/share/doc/smf-spf/examples/logwatch/smf-spf",
      "usr/share/doc/smf-spf/examples/logwatch/smf-spf.conf",
      "usr/share/doc/smf-spf/examples/smf-spf.conf.sample",
      "usr/share/doc/smf-spf/examples/smf-spf.logrotate",
      "usr/share/doc/smf-spf/examples/spfreport.cron",
      "usr/share/man/man1/spfquery.smf-spf.1.gz",
      "usr/share/man/man1/spfreport.1.gz",
      "usr/share/man/man5/smf-spf.conf.5.gz",
      "usr/share/man/man8/smf-spf.8.gz",
      "usr/share/smf-spf/grafana-dashboard.json",
      "usr/share/smf-spf/prometheus-rules.yml",
      ...COMPLETIONS.map(
        (path) => `usr/share/${path.replace("zsh/site-functions", "zsh/vendor-completions")}`,
      ),
      "usr/share/smf-spf/shared-cache.cjs",
      "usr/share/smf-spf/status.cjs",
    ];
    const found = readdirSync(unpacked, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory() && !entry.parentPath.startsWith(control))
      .map((entry) => join(entry.parentPath, entry.name).slice(unpacked.length + 1));
    assert.deepEqual(found.sort(), files.sort());
    assert.deepEqual(brokenLinks(join(unpacked, "usr/share/doc/smf-spf")), []);
    assert.match(read("usr/sbin/smf-spf"), /^#!\/usr\/bin\/node\n/);
    assert.match(
      read("usr/lib/systemd/system/smf-spf.service"),
      /^ExecStart=\/usr\/bin\/node \/usr\/sbin\/smf-spf /m,
    );
  });

  it("belongs to root, and nobody else may write to it", () => {
    for (const line of listing) assert.match(line, /^[-d]r[-w][-x]r-[-x]r-[-x] root\/root /, line);
    for (const line of listing) {
      const executable = /\/(?:s?bin|init\.d)\/[^/]+$/.test(line);
      assert.equal(/^-rwx/.test(line), executable && line.startsWith("-"), line);
    }
  });

  it("has the sums of all files but the configuration, which dpkg keeps when it is changed", () => {
    const configuration = read("DEBIAN/conffiles").trim().split("\n");
    assert.deepEqual(configuration, ["/etc/init.d/smf-spf", "/etc/mail/smfs/smf-spf.conf"]);
    const sums = new Map(
      read("DEBIAN/md5sums")
        .trim()
        .split("\n")
        .map((line) => [line.slice(34), line.slice(0, 32)] as const),
    );
    const files = listing
      .filter((line) => line.startsWith("-"))
      .map((line) => line.replace(/^.* \.\//, ""))
      .filter((path) => !configuration.includes(`/${path}`));
    assert.deepEqual([...sums.keys()].sort(), files.sort());
    for (const [path, sum] of sums) {
      assert.equal(
        createHash("md5")
          .update(readFileSync(join(unpacked, path)))
          .digest("hex"),
        sum,
        path,
      );
    }
  });

  it("has scripts that can be run, and the licences of what is bundled", () => {
    for (const script of ["postinst", "prerm", "postrm"]) {
      assert.equal(statSync(join(control, script)).mode & 0o777, 0o755);
      assert.match(read(`DEBIAN/${script}`), /^#!\/bin\/sh\nset -e\n/);
    }
    assert.match(read("usr/share/doc/smf-spf/copyright"), /^ a library$/m);
    assert.match(read("usr/share/doc/smf-spf/copyright"), /^ MIT License$/m);
    const changelog = gunzipSync(
      readFileSync(join(unpacked, "usr/share/doc/smf-spf/changelog.gz")),
    ).toString();
    assert.ok(changelog.startsWith(`smf-spf (${version}) `));
    assert.match(changelog, /^ -- A Packager <packager@example\.org> {2}Tue, 14 Nov 2023 22:13:20 \+0000$/m);
    const page = gunzipSync(readFileSync(join(unpacked, "usr/share/man/man8/smf-spf.8.gz"))).toString();
    assert.ok(/^\.(?:TH|Dt) SMF-SPF 8/im.test(page));
  });
});
