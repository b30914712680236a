import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";

const ROOT = join(import.meta.dirname, "../../..");

interface LockedPackage {
  readonly dev?: boolean;
  readonly link?: boolean;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly hasInstallScript?: boolean;
}

const read = (name: string): string => readFileSync(join(ROOT, name), "utf8");
const { packages } = JSON.parse(read("package-lock.json")) as { packages: Record<string, LockedPackage> };
const { dependencies } = JSON.parse(read("package.json")) as { dependencies: Record<string, string> };
const locked = Object.entries(packages).filter(
  // Our own workspaces come from no registry.
  ([path]) => path !== "" && !path.startsWith("src/"),
);
const shipped = locked.filter(([, { dev }]) => dev !== true);

describe("packages", () => {
  it("run no script of their own when they are installed", () => {
    assert.match(read(".npmrc"), /^ignore-scripts=true$/m);
  });

  it("that are shipped have none at all", () => {
    assert.ok(shipped.length >= Object.keys(dependencies).length);
    assert.deepEqual(
      shipped.filter(([, { hasInstallScript }]) => hasInstallScript === true),
      [],
    );
  });

  it("that are shipped are those that have been chosen, at one version each", () => {
    assert.deepEqual(Object.keys(dependencies).sort(), [
      "commander",
      "d3-scale",
      "d3-shape",
      "dns-packet",
      "iovalkey",
      "lru-cache",
      "prom-client",
      "uplot",
    ]);
    for (const version of Object.values(dependencies)) assert.match(version, /^\d+\.\d+\.\d+$/);
  });

  it("come from a registry, with a sum that npm checks", () => {
    for (const [path, { resolved, integrity, link }] of locked) {
      if (link === true) continue;
      // Where no place is given npm asks the registry that is set.
      if (resolved !== undefined) assert.match(resolved, /^https:\/\/registry\.npmjs\.org\//, path);
      assert.match(integrity ?? "", /^sha512-/, path);
    }
  });
});
