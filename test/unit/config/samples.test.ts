import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { formatNetwork } from "../../../src/address/index.ts";
import { OPTION_NAMES } from "../../../src/config/table.ts";
import { inUse, optionOf, parse, reports, settingsOf, withoutOrigins } from "./reading.ts";

const sample = (name: string): string => readFileSync(join(import.meta.dirname, "samples", name), "utf8");
const ours = readFileSync(join(import.meta.dirname, "../../../etc/smf-spf.conf"), "utf8");

const PRIVATE = ["127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"];

describe("the sample files of 2.0.2 and 2.5", () => {
  for (const name of ["smf-spf-2.0.2.conf", "smf-spf-2.5.conf"]) {
    it(`${name} starts unchanged, without a word, with the defaults`, () => {
      assert.deepEqual(reports(parse(sample(name))), []);
      const settings = settingsOf(sample(name));
      assert.deepEqual(settings.whitelistIP.map(formatNetwork), PRIVATE);
      assert.deepEqual({ ...withoutOrigins(settings), whitelistIP: [] }, withoutOrigins(settingsOf("")));
    });
  }

  it("2.0.2 means what it meant where every line is in use", () => {
    const text = inUse(sample("smf-spf-2.0.2.conf"));
    const settings = settingsOf(text);
    assert.deepEqual(settings.whitelistPTR, [".friendlydomain.tld", "friendlyhost.friendlydomain.tld"]);
    assert.deepEqual(
      settings.whitelistFrom.map(({ kind, text: pattern }) => `${kind} ${pattern}`),
      ["localPart friend", "domain friendlydomain.tld", "address friend@friendlydomain.tld"],
    );
    assert.deepEqual(
      settings.whitelistTo.map(({ kind, text: pattern }) => `${kind} ${pattern}`),
      ["localPart postmaster", "domain yourspamloverdomain.tld", "address spamlover@yourdomain.tld"],
    );
    assert.equal(settings.quarantineBox, "spambox@yourdomain.tld");
    assert.deepEqual(
      parse(text).warnings.map(({ option }) => option),
      ["QuarantineBox"],
    );
  });

  it("2.5 means what it meant where every line is in use", () => {
    const settings = settingsOf(inUse(sample("smf-spf-2.5.conf")));
    assert.equal(settings.fixedClientIP, "192.0.2.1");
    assert.deepEqual(settings.clientIPNAT, [{ from: "192.168.1.1", to: "192.0.2.1" }]);
    assert.equal(settings.rejectReason, "Rejected, sender %1$s is not permitted to use %2$s, says %3$s");
    assert.equal(settings.addReceivedHeader, false);
    assert.equal(settings.logTo, "/var/log/smf-spf.log");
    assert.equal(settings.authservID, "mx.yourdomain.tld");
  });
});

describe("etc/smf-spf.conf", () => {
  it("starts without a word; only WhitelistIP and CacheFile are in use", () => {
    assert.deepEqual(reports(parse(ours)), []);
    const settings = settingsOf(ours);
    assert.deepEqual(settings.whitelistIP.map(formatNetwork), [...PRIVATE, "::1"]);
    assert.equal(settings.cacheFile, "/var/lib/smfs/cache");
    const others = { ...withoutOrigins(settings), whitelistIP: [], cacheFile: undefined };
    assert.deepEqual(others, withoutOrigins(settingsOf("")));
  });

  it("shows every option once or more, in the order of the table, with its default", () => {
    const shownOptions = ours.split("\n").flatMap((line) => {
      const [, key = "", value = ""] = /^#?(\w+)[ \t]+(.*)$/.exec(line) ?? [];
      return OPTION_NAMES.some((name) => name === key) ? [{ key, value: value.trim() }] : [];
    });
    const keys = [...new Set(shownOptions.map(({ key }) => key))];
    assert.deepEqual(keys, [...OPTION_NAMES]);
    for (const name of OPTION_NAMES) {
      const values = shownOptions.filter(({ key }) => key === name).map(({ value }) => value);
      const expected = optionOf(name).sample;
      // Lists of networks are in use; their sample is one of several lines.
      assert.ok(name === "WhitelistIP" || values.includes(expected), `${name} ${expected}`);
    }
  });

  it("is good with every line in use", () => {
    const { faults, unknown } = parse(inUse(ours));
    assert.deepEqual([...faults, ...unknown], []);
  });
});
