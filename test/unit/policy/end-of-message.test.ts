import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { SpfResult } from "spf-check";
import {
  type ActionSettings,
  type Cause,
  decideAtEndOfMessage,
  type RemainingRecipient,
} from "../../../src/policy/index.ts";
import { outcome, settingsWith } from "./facts.ts";

const causeOf = (result: SpfResult): Cause => ({
  result,
  basis: "published",
  checked: { identity: "mailfrom", sender: "u@sender.test", outcome: outcome(result) },
});

const to = (
  name: string | undefined,
  kind: "deliver" | "flag" | "refuse",
  actions: Partial<ActionSettings> = {},
  result: SpfResult = "fail",
): RemainingRecipient => ({
  address: name === undefined ? undefined : `<${name}@rig.test>`,
  actions: settingsWith(actions),
  judgement:
    kind === "deliver"
      ? { kind }
      : kind === "flag"
        ? { kind, cause: causeOf(result) }
        : { kind, cause: causeOf(result), option: "RefuseFail" },
});

const QUARANTINE = { quarantine: true } as const;

/** `tag [x]`, `move <a> <b> to <box>`, `hold`, `shared`, `refuse fail`. */
function shown(remaining: readonly RemainingRecipient[], mayRefuse: boolean): string {
  const { refused, tag, quarantine } = decideAtEndOfMessage(remaining, mayRefuse);
  const words: string[] = [];
  if (refused !== undefined) words.push(`refuse ${refused.cause.result}`);
  if (tag !== undefined) words.push(`tag ${tag.text}`);
  if (quarantine?.mode === "hold") words.push("hold");
  if (quarantine?.mode === "mailbox") {
    words.push(`move ${quarantine.removed.join(" ")} to ${quarantine.boxes.join(" ") || "a recipient"}`);
  }
  if (quarantine?.shared === true) words.push("shared");
  return words.join(", ") || "nothing";
}

const TABLE: readonly [
  what: string,
  remaining: readonly RemainingRecipient[],
  mayRefuse: boolean,
  done: string,
][] = [
  ["nobody", [], true, "nothing"],
  ["one who gets it", [to("bob", "deliver")], true, "nothing"],
  ["all refused", [to("bob", "refuse"), to("eve", "refuse")], true, "refuse fail"],
  ["all refused where that cannot be", [to("bob", "refuse")], false, "tag [SPF:fail]"],
  ["recipients not asked for", [to(undefined, "refuse")], true, "refuse fail"],
  ["one refused, one exempt", [to("bob", "refuse"), to("vip", "deliver")], true, "tag [SPF:fail]"],
  ["one exempt, one refused", [to("vip", "deliver"), to("bob", "refuse")], true, "tag [SPF:fail]"],
  [
    "a temperror refused for one, and one exempt",
    [to("bob", "refuse", {}, "temperror"), to("vip", "deliver")],
    true,
    "nothing",
  ],
  ["a flagged one", [to("bob", "flag")], true, "tag [SPF:fail]"],
  ["a flagged one without TagSubject", [to("bob", "flag", { tagSubject: false })], true, "nothing"],
  [
    "one of two that wants the tag",
    [to("bob", "flag", { tagSubject: false }), to("eve", "flag", { tag: "[eve]" })],
    true,
    "tag [eve]",
  ],
  [
    "a quarantined one",
    [to("bob", "flag", QUARANTINE)],
    true,
    "tag [SPF:fail], move <bob@rig.test> to <postmaster>",
  ],
  [
    "two quarantined ones",
    [to("bob", "flag", QUARANTINE), to("eve", "flag", QUARANTINE)],
    true,
    "tag [SPF:fail], move <bob@rig.test> <eve@rig.test> to <postmaster>",
  ],
  [
    "two boxes",
    [to("bob", "flag", QUARANTINE), to("eve", "flag", { ...QUARANTINE, quarantineBox: "box@else.test" })],
    true,
    "tag [SPF:fail], move <bob@rig.test> <eve@rig.test> to <postmaster> <box@else.test>",
  ],
  [
    "the same one twice",
    [to("bob", "flag", QUARANTINE), to("bob", "flag", QUARANTINE)],
    true,
    "tag [SPF:fail], move <bob@rig.test> to <postmaster>",
  ],
  [
    "a quarantined one and one who keeps it",
    [to("bob", "flag", QUARANTINE), to("vip", "deliver")],
    true,
    "move <bob@rig.test> to <postmaster>, shared",
  ],
  [
    "one who keeps it and a quarantined one",
    [to("vip", "deliver"), to("bob", "flag", QUARANTINE)],
    true,
    "move <bob@rig.test> to <postmaster>, shared",
  ],
  [
    "a quarantined one and a flagged one who keeps it",
    [to("bob", "flag", QUARANTINE), to("eve", "flag")],
    true,
    "tag [SPF:fail], move <bob@rig.test> to <postmaster>, shared",
  ],
  [
    "the quarantine box itself",
    [
      to("box", "flag", { ...QUARANTINE, quarantineBox: "BOX@rig.test" }),
      to("bob", "flag", { ...QUARANTINE, quarantineBox: "BOX@rig.test" }),
    ],
    true,
    "tag [SPF:fail], move <bob@rig.test> to a recipient",
  ],
  [
    "the quarantine box as an exempt recipient",
    [to("bob", "flag", { ...QUARANTINE, quarantineBox: "vip@rig.test" }), to("vip", "deliver")],
    true,
    "move <bob@rig.test> to a recipient, shared",
  ],
  [
    "the quarantine box of one whose own copy goes to another box",
    [
      to("bob", "flag", { ...QUARANTINE, quarantineBox: "eve@rig.test" }),
      to("eve", "flag", { ...QUARANTINE, quarantineBox: "box@rig.test" }),
    ],
    true,
    "tag [SPF:fail], move <bob@rig.test> <eve@rig.test> to <eve@rig.test> <box@rig.test>",
  ],
  ["hold", [to("bob", "flag", { ...QUARANTINE, quarantineMode: "hold" })], true, "tag [SPF:fail], hold"],
  [
    "hold where another keeps it",
    [to("bob", "flag", { ...QUARANTINE, quarantineMode: "hold" }), to("vip", "deliver")],
    true,
    "move <bob@rig.test> to <postmaster>, shared",
  ],
  [
    "hold for one and mailbox for the other",
    [to("bob", "flag", { ...QUARANTINE, quarantineMode: "hold" }), to("eve", "flag", QUARANTINE)],
    true,
    "tag [SPF:fail], move <bob@rig.test> <eve@rig.test> to <postmaster>",
  ],
  [
    "a refused fail that is quarantined for one, and one exempt",
    [to("bob", "refuse", QUARANTINE), to("vip", "deliver")],
    true,
    "move <bob@rig.test> to <postmaster>, shared",
  ],
];

describe("decideAtEndOfMessage", () => {
  for (const [what, remaining, mayRefuse, done] of TABLE) {
    it(`decides "${done}" for ${what}`, () => {
      assert.equal(shown(remaining, mayRefuse), done);
    });
  }

  it("names all that are quarantined, the box among them", () => {
    const box = { ...QUARANTINE, quarantineBox: "box@rig.test" };
    const { quarantine } = decideAtEndOfMessage([to("bob", "flag", box), to("box", "flag", box)], true);
    assert.deepEqual(quarantine?.recipients, ["<bob@rig.test>", "<box@rig.test>"]);
  });
});
