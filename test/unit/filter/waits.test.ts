import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createFilter } from "../../../src/filter/index.ts";
import { VerdictCache } from "../../../src/verdicts/index.ts";
import { inMemory, MtaPlayer } from "../../support/mta-player.ts";
import { net, outcome, pattern } from "../policy/facts.ts";
import { Rig, type RigOptions, spoken } from "./rig.ts";

const MESSAGE = {
  from: "<user@sender.test>",
  recipients: ["<a@rig.test>", "<b@rig.test>"],
  headers: Array.from({ length: 10 }, (_, i) => [`X-Field-${i}`, "value"] as const),
};

/** How often an MTA waits for the filter, from its negotiation to the end of one message. */
async function waits(options: RigOptions, style: "sendmail" | "postfix"): Promise<number> {
  const { ports } = new Rig(options);
  const mta = new MtaPlayer(
    inMemory((resume) => createFilter(ports, resume)),
    { style },
  );
  const { kind } = await mta.connect({ hostname: "mx.sender.test", address: "192.0.2.9" });
  // An MTA sends nothing more once all of a connection is accepted.
  if (kind !== "accept") {
    await mta.helo("helo.sender.test");
    await mta.message(MESSAGE);
  }
  const count = mta.waits;
  mta.quit();
  return count;
}

describe("createFilter behind a session", () => {
  for (const style of ["sendmail", "postfix"] as const) {
    for (const [what, options, count] of [
      ["the defaults over a Unix socket", {}, 3],
      ["the defaults over an inet socket", { transport: "inet" }, 5],
      ["quarantine", { settings: { quarantine: true } }, 3],
      ["WhitelistTo, for two recipients", { settings: { whitelistTo: [pattern("a@")] } }, 5],
      ["a whitelisted client", { settings: { whitelistIP: [net("192.0.2.9")] } }, 2],
      [
        "a whitelisted client over an inet socket",
        { settings: { whitelistIP: [net("192.0.2.9")] }, transport: "inet" },
        2,
      ],
      ["a fail", { zone: { "sender.test": "fail" } }, 2],
    ] as const) {
      it(`costs ${style} ${count} waits with ${what}`, async () => {
        assert.equal(await waits(options, style), count);
      });
    }
  }
});

describe("createFilter with a defect behind a late verdict", () => {
  /** Cannot be looked at. */
  const broken = Object.defineProperty(outcome("fail", { domain: "sender.test" }), "mechanism", {
    get: () => {
      throw new Error("defect");
    },
  });

  it("gives the promised answer, a temporary failure, and lets the evaluator tell of it", () => {
    const rig = new Rig({ zone: { "sender.test": broken }, late: true });
    assert.equal(spoken(rig.start()), "later");
    assert.throws(() => {
      rig.arrive();
    }, /defect/);
    assert.deepEqual(rig.resumed, [{ kind: "tempfail" }]);
    assert.equal(spoken(rig.mail("<user@sender.test>")), "later", "the next message is checked");
  });

  it("keeps no MTA waiting through the verdict cache", async () => {
    const { ports } = new Rig();
    const errors: unknown[] = [];
    const evaluator = new VerdictCache({
      ttlSeconds: 0,
      entriesMax: 10,
      onError: (error) => errors.push(error),
      check: (_input, done) => {
        setImmediate(done, broken);
        return { cancel: () => undefined };
      },
    });
    const mta = new MtaPlayer(
      inMemory((resume) => createFilter({ ...ports, nowMs: () => performance.now(), evaluator }, resume)),
    );
    await mta.connect({ hostname: "mx.sender.test", address: "192.0.2.9" });
    await mta.helo("helo.sender.test");
    const { verdict } = await mta.message(MESSAGE);
    assert.equal(verdict.kind, "tempfail");
    assert.match(String(errors), /defect/);
    mta.quit();
  });
});
