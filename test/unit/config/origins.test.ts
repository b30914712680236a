import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Origins } from "../../../src/config/index.ts";
import { OPTION_NAMES } from "../../../src/config/table.ts";
import { optionOf, type Surroundings, settingsOf } from "./reading.ts";

function textsOf(option: keyof Origins, text: string, surroundings?: Surroundings): string[] {
  return settingsOf(text, surroundings).origins[option].map((origin) => origin.text);
}

const CASES: readonly (readonly [
  what: string,
  option: keyof Origins,
  text: string,
  expected: readonly string[],
  surroundings?: Surroundings,
])[] = [
  ["default", "Tag", "", ["default"]],
  ["the last line", "Tag", "Tag a\n\ntag b", ["test.conf:3"]],
  ["the ladder", "RefuseSoftFail", "\nSPFBehavior 4", ["SPFBehavior 4, test.conf:2"]],
  ["a line beside the ladder", "RefuseSoftFail", "RefuseSoftFail off\nSPFBehavior 4", ["test.conf:1"]],
  ["the ladder's own line", "SPFBehavior", "\nSPFBehavior 4", ["test.conf:2"]],
  [
    "the environment",
    "SPFBehavior",
    "SPFBehavior 4",
    ["environment SPFBEHAVIOR"],
    { env: { SPFBEHAVIOR: "5" } },
  ],
  [
    "the ladder of the environment",
    "RefuseNeutral",
    "SPFBehavior 4",
    ["SPFBehavior 5, environment SPFBEHAVIOR"],
    { env: { SPFBEHAVIOR: "5" } },
  ],
  ["the option that is followed", "RefuseHeloFail", "RefuseFail off", ["test.conf:1"]],
  ["the option that is followed, by default", "AddReceivedHeader", "", ["default"]],
  ["no entry", "WhitelistIP", "", []],
  ["entries", "WhitelistIP", "WhitelistIP 10.0.0.0/8\n# x\nWhitelistIP ::1", ["test.conf:1", "test.conf:3"]],
  [
    "entries of list files",
    "WhitelistFrom",
    "WhitelistFrom a@\nWhitelistFrom file:/l\nWhitelistFrom b@",
    ["test.conf:1", "/l:2", "/l:3", "test.conf:3"],
    { lists: { "/l": "# friends\n@one.example\n@two.example\n" } },
  ],
  [
    "the entries that are used",
    "OverrideRecord",
    "OverrideRecord a.example v=spf1 -all\nOverrideRecord b.example v=spf1\nOverrideRecord a.example v=spf1",
    ["test.conf:3", "test.conf:2"],
  ],
  [
    "PolicyFor lines",
    "PolicyFor",
    "PolicyFor ip=::1 Tag=a\n\nPolicyFor ip=::2 Tag=b",
    ["test.conf:1", "test.conf:3"],
  ],
];

describe("the origin of a setting", () => {
  for (const [what, option, text, expected, surroundings] of CASES) {
    it(`is ${what}: ${option}`, () => {
      assert.deepEqual(textsOf(option, text, surroundings), expected);
    });
  }

  it("names file and line", () => {
    const [origin] = settingsOf("\nSPFBehavior 4").origins.RefuseFail;
    assert.ok(origin !== undefined);
    const { kind, file, line } = origin;
    assert.deepEqual({ kind, file, line }, { kind: "SPFBehavior", file: "test.conf", line: 2 });
  });

  it("is told for every option, and for each entry of a list", () => {
    const { origins } = settingsOf(OPTION_NAMES.map((name) => `${name} ${optionOf(name).sample}`).join("\n"));
    assert.deepEqual(
      OPTION_NAMES.map((name) => origins[name].map(({ line }) => line)),
      OPTION_NAMES.map((_, index) => [index + 1]),
    );
  });
});
