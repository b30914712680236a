import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CONTINUE } from "milter-protocol";
import type { FilterSettings } from "../../../src/filter/index.ts";
import { needsOf } from "../../../src/filter/needs.ts";
import { line, net, pattern } from "../policy/facts.ts";
import { OFFER, Rig } from "./rig.ts";

/** `wants …; answers …; edits …` */
function shown(
  settings: Partial<FilterSettings>,
  transport: "unix" | "inet" = "unix",
  offer = OFFER,
): string {
  const { wants, answers, edits } = needsOf(new Rig({ settings, transport }).ports, offer);
  const list = (set: ReadonlySet<string>): string => [...set].sort().join(" ") || "nothing";
  return `wants ${list(wants)}; answers ${list(answers)}; edits ${list(edits)}`;
}

const QUIET = {
  tagSubject: false,
  addHeader: false,
  addReceivedHeader: false,
  removeForgedHeaders: "off",
} as const;
const NOTHING_REFUSED = { refuseFail: "off", refuseHeloFail: "off" } as const;

const TABLE: readonly [what: string, settings: Partial<FilterSettings>, needs: string][] = [
  [
    "the defaults",
    {},
    "wants connect header helo; answers nothing; edits addHeader changeHeader insertHeader",
  ],
  ["nothing but refusals", QUIET, "wants connect helo; answers nothing; edits nothing"],
  ["fields to add", { ...QUIET, addHeader: true }, "wants connect helo; answers nothing; edits insertHeader"],
  [
    "Received-SPF to add",
    { ...QUIET, addReceivedHeader: true },
    "wants connect helo; answers nothing; edits insertHeader",
  ],
  [
    "forged fields to remove",
    { ...QUIET, removeForgedHeaders: "all" },
    "wants connect header helo; answers nothing; edits changeHeader",
  ],
  [
    "a Subject to tag",
    { ...QUIET, tagSubject: true },
    "wants connect header helo; answers nothing; edits addHeader changeHeader",
  ],
  [
    "a trusted relay",
    { ...QUIET, trustedRelay: [net("10.0.0.1")] },
    "wants connect header helo; answers nothing; edits nothing",
  ],
  [
    "guesses to record",
    {
      ...QUIET,
      addReceivedHeader: true,
      localPolicy: {
        guess: { directives: [], redirect: undefined, explanation: undefined, unknownModifiers: [] },
      },
    },
    "wants connect header helo; answers nothing; edits changeHeader insertHeader",
  ],
  [
    "quarantine",
    { ...QUIET, quarantine: true },
    "wants connect helo rcpt; answers nothing; edits addRecipient deleteRecipient insertHeader",
  ],
  [
    "quarantine in the MTA's queue",
    { ...QUIET, quarantine: true, quarantineMode: "hold" },
    "wants connect helo rcpt; answers nothing; edits addRecipient deleteRecipient insertHeader quarantine",
  ],
  [
    "WhitelistTo",
    { ...QUIET, whitelistTo: [pattern("vip@")] },
    "wants connect helo rcpt; answers rcpt; edits nothing",
  ],
  [
    "WhitelistTo where nothing is refused",
    { ...QUIET, ...NOTHING_REFUSED, whitelistTo: [pattern("vip@")] },
    "wants connect helo rcpt; answers nothing; edits nothing",
  ],
  ["RejectAt rcpt", { ...QUIET, rejectAt: "rcpt" }, "wants connect helo rcpt; answers rcpt; edits nothing"],
  ["RejectAt eom", { ...QUIET, rejectAt: "eom" }, "wants connect helo; answers nothing; edits nothing"],
  [
    "a recipient policy",
    { ...QUIET, policyFor: [line({ to: pattern("a@"), actions: { refuseFail: "off" } })] },
    "wants connect helo rcpt; answers rcpt; edits nothing",
  ],
  [
    "RejectAt rcpt for some mail",
    { ...QUIET, policyFor: [line({ ip: net("192.0.2.9"), actions: { rejectAt: "rcpt" } })] },
    "wants connect helo rcpt; answers rcpt; edits nothing",
  ],
  [
    "a refusal for some mail only",
    {
      ...QUIET,
      ...NOTHING_REFUSED,
      rejectAt: "rcpt",
      policyFor: [line({ actions: { refuseSoftFail: true } })],
    },
    "wants connect helo rcpt; answers rcpt; edits nothing",
  ],
  [
    "quarantine for some mail only",
    { ...QUIET, policyFor: [line({ actions: { quarantine: true } })] },
    "wants connect helo rcpt; answers nothing; edits addRecipient deleteRecipient insertHeader",
  ],
  [
    "ReportOnly",
    { reportOnly: true, quarantine: true, rejectAt: "rcpt" },
    "wants connect header helo rcpt; answers nothing; edits changeHeader insertHeader",
  ],
  [
    "SPFBehavior 0",
    { check: false, ...NOTHING_REFUSED },
    "wants connect header helo; answers nothing; edits changeHeader",
  ],
];

describe("needsOf", () => {
  for (const [what, settings, needs] of TABLE) {
    it(`asks for ${needs} with ${what}`, () => {
      assert.equal(shown(settings), needs);
    });
  }

  it("answers CONNECT and HELO over an inet socket", () => {
    assert.match(shown({}, "inet"), /answers connect helo;/);
  });

  it("asks for the MTA's quarantine queue where recipients cannot be moved", () => {
    const offer = { ...OFFER, actions: 0x1ff & ~0xc };
    assert.match(shown({ quarantine: true }, "unix", offer), /edits .*\bquarantine\b/);
  });

  it("asks for the macros that the settings use, and none at other stages", () => {
    const macrosOf = (settings: Partial<FilterSettings>, transport: "unix" | "inet") =>
      needsOf(new Rig({ settings, transport }).ports, OFFER).macros;
    assert.deepEqual(macrosOf({}, "unix"), {
      connect: ["j"],
      helo: ["{verify}"],
      mail: ["i", "{auth_authen}", "{verify}"],
    });
    assert.deepEqual(macrosOf({}, "inet").helo, []);
    assert.deepEqual(macrosOf({ skipAuth: false, skipTLSVerified: false }, "unix"), {
      connect: ["j"],
      helo: [],
      mail: ["i"],
    });
  });

  it("asks for the fields that the settings use", () => {
    const fieldsOf = (settings: Partial<FilterSettings>): string =>
      [...(needsOf(new Rig({ settings }).ports, OFFER).fields ?? [])].sort().join(" ");
    assert.equal(fieldsOf({}), "authentication-results received-spf subject");
    assert.equal(fieldsOf({ tagSubject: false }), "authentication-results received-spf");
    assert.equal(fieldsOf({ removeForgedHeaders: "off" }), "subject");
    assert.equal(fieldsOf({ ...QUIET, trustedRelay: [net("192.0.2.0/24")] }), "received");
    assert.equal(fieldsOf(QUIET), "");
  });

  it("asks for every edit that a message can lead to, whatever the options", () => {
    const flags = ["addHeader", "addReceivedHeader", "tagSubject", "quarantine", "refuseSoftFail"] as const;
    const modes = ["mailbox", "hold"] as const;
    const forged: [string, string] = ["Authentication-Results", "mx.rig.test; spf=pass"];
    for (let bits = 0; bits < 2 ** flags.length; bits++) {
      for (const quarantineMode of modes) {
        for (const removeForgedHeaders of ["off", "on"] as const) {
          const chosen = Object.fromEntries(flags.map((flag, bit) => [flag, (bits & (1 << bit)) !== 0]));
          const settings = { ...chosen, quarantineMode, removeForgedHeaders, refuseFail: "off" as const };
          for (const result of ["fail", "softfail", "pass"] as const) {
            const rig = new Rig({ settings, zone: { "sender.test": result } });
            const { edits } = rig.filter.negotiate(OFFER);
            const { mail, end } = rig.message("<user@sender.test>", ["<a@rig.test>"], [forged]);
            if (mail !== CONTINUE) continue;
            for (const { kind } of end.edits)
              assert.ok(edits.has(kind), `${kind} ${JSON.stringify(settings)}`);
          }
        }
      }
    }
  });

  it("returns the same object for the same settings and offer", () => {
    const { ports } = new Rig();
    assert.equal(needsOf(ports, OFFER), needsOf({ ...ports }, { ...OFFER }));
    assert.notEqual(needsOf(ports, OFFER), needsOf(ports, { ...OFFER, actions: 0x3 }));
    assert.notEqual(needsOf(ports, OFFER), needsOf({ ...ports, transport: "inet" }, OFFER));
  });

  it("remembers no more than four, whatever is offered", () => {
    const { ports } = new Rig({ settings: { quarantine: true } });
    const known = new Set<unknown>();
    for (let i = 0; i < 5_000; i++) {
      const offer = { version: i, actions: Math.imul(i, 0x9e3779b1) >>> 0, protocol: ~i >>> 0 };
      known.add(needsOf({ ...ports, transport: i % 2 === 0 ? "unix" : "inet" }, offer));
    }
    assert.equal(known.size, 4);
  });
});
