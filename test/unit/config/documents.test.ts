import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { DEFAULT_CONFIG_FILE } from "../../../src/config/index.ts";
import type { OptionName } from "../../../src/config/table.ts";
import { optionOf } from "./reading.ts";

/** What other documents than smf-spf.conf(5) and the sample say of defaults, and how often at least. */
const TOLD: readonly (readonly [file: string, option: OptionName, words: RegExp])[] = [
  ["README.md", "RefuseFail", /`RefuseFail` \((.*?)\)/g],
  ["README.md", "Tag", /Subject tagged `(.*?)`/g],
  ["docs/sendmail.md", "LookupTime", /`LookupTime` \((.*?)\)/g],
  ["docs/sendmail.md", "Socket", /[=\s](unix:\/var\/run\S*?)[`,\s]/g],
  ["docs/postfix.md", "Socket", /[=\s](unix:\/var\/run\S*?)[`,\s]/g],
  ["docs/daemon.md", "ShutdownTime", /`ShutdownTime` \((.*?)\)/g],
  ["CHANGELOG.md", "LookupTime", /`LookupTime`, (.*?)\)/g],
  ["CHANGELOG.md", "SocketMode", /`SocketMode (\d+)` is still the default/g],
  ["SECURITY.md", "CacheSize", /CacheSize ([\d,]+)/g],
  ["SECURITY.md", "SocketMode", /\bSocketMode (\d+)/g],
  ["SECURITY.md", "StatusSocketMode", /StatusSocketMode (\d+)/g],
  ["SECURITY.md", "MaxConnections", /MaxConnections (\d+)/g],
  ["SECURITY.md", "IdleTimeout", /IdleTimeout (\w+)/g],
  ["etc/man/smf-spf.8", "Socket", /^\.It Pa (.*\.sock)$/gm],
  ["etc/man/smf-spf.8", "PidFile", /^\.It Pa (.*\.pid)$/gm],
];

const read = (file: string): string => readFileSync(join(import.meta.dirname, "../../..", file), "utf8");

/** As a document may write it: `20 s`, `100,000`, a path without its `unix:`. */
const plain = (value: string): string => value.replace(/[ ,]|^unix:/g, "");

describe("the documents", () => {
  for (const [file, option, words] of TOLD) {
    it(`${file} names the default of ${option}`, () => {
      const told = [...read(file).matchAll(words)].map(([, value = ""]) => plain(value));
      assert.notDeepEqual(told, []);
      for (const value of told) assert.equal(value, plain(optionOf(option).default ?? ""));
    });
  }

  it("name the default configuration file", () => {
    for (const file of [
      "docs/install.md",
      "docs/first-week.md",
      "etc/smf-spf.conf",
      "etc/man/smf-spf.8",
      "etc/man/smf-spf.conf.5",
    ]) {
      const told = read(file).match(/\/etc\/[\w/-]*smf-spf\.conf/g) ?? [];
      assert.deepEqual([...new Set(told)], [DEFAULT_CONFIG_FILE], file);
    }
  });
});
