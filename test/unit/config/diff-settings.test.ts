import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { diffSettings } from "../../../src/config/index.ts";
import { settingsOf } from "./reading.ts";

const diff = (before: string, after: string) => diffSettings(settingsOf(before), settingsOf(after));

describe("diffSettings", () => {
  const cases: readonly [string, string, ReturnType<typeof diffSettings>][] = [
    ["", "", { changed: [], restartNeeded: [], clearsCache: false }],
    [
      "WhitelistIP 10.0.0.0/8",
      "WhitelistIP 10.1.2.3/8",
      { changed: [], restartNeeded: [], clearsCache: false },
    ],
    ["", "WhitelistIP 10.0.0.0/8", { changed: ["WhitelistIP"], restartNeeded: [], clearsCache: false }],
    [
      "Socket unix:/a\nUser a\nRefuseFail on",
      "Socket unix:/b\nUser b\nRefuseFail off\nRefuseHeloFail on",
      { changed: ["RefuseFail", "User", "Socket"], restartNeeded: ["User", "Socket"], clearsCache: false },
    ],
    [
      "SPFRules a:one.example",
      "SPFRules a:two.example",
      { changed: ["SPFRules"], restartNeeded: [], clearsCache: true },
    ],
    [
      "",
      "TTL 1m\nCacheSize 5\nPrefetch off",
      { changed: ["Prefetch", "TTL", "CacheSize"], restartNeeded: [], clearsCache: false },
    ],
    ["", "SPFBestGuess on", { changed: ["SPFGuess"], restartNeeded: [], clearsCache: true }],
    [
      "OverrideRecord a.example v=spf1 -all",
      "OverrideRecord a.example v=spf1 mx -all",
      { changed: ["OverrideRecord"], restartNeeded: [], clearsCache: true },
    ],
    [
      "Nameserver 192.0.2.1",
      "Nameserver 192.0.2.2",
      { changed: ["Nameserver"], restartNeeded: [], clearsCache: true },
    ],
    [
      "",
      "SPFBehavior 4",
      {
        changed: ["RefuseSoftFail", "AcceptTempError", "TagSubject"],
        restartNeeded: [],
        clearsCache: false,
      },
    ],
    [
      "",
      "SocketMode 0660\nSocketGroup g\nPidFile /x\nDaemonize off\nLogLevel debug",
      {
        changed: ["SocketMode", "SocketGroup", "PidFile", "Daemonize", "LogLevel"],
        restartNeeded: ["SocketMode", "SocketGroup", "PidFile", "Daemonize"],
        clearsCache: false,
      },
    ],
  ];
  for (const [before, after, expected] of cases) {
    it(`compares ${JSON.stringify(before)} with ${JSON.stringify(after)}`, () => {
      assert.deepEqual(diff(before, after), expected);
    });
  }

  it("notices SPFBehavior 0, which sets nothing but the check itself", () => {
    const all = "RefuseFail off\nAcceptTempError on\nTagSubject off\n";
    assert.deepEqual(diff(`${all}SPFBehavior 1`, `${all}SPFBehavior 0`).changed, ["SPFBehavior"]);
  });
});
