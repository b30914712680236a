import fc from "fast-check";
import { bareOutcome, SPF_RESULTS, type SpfResult } from "spf-check";
import { parseIpAddress } from "../../../src/address/index.ts";
import type { CheckedIdentity, TraceFacts } from "../../../src/trace-fields/index.ts";

/** The message of the contract's examples. */
export function factsOf(changes: Partial<Omit<TraceFacts, "ip">> & { ip?: string } = {}): TraceFacts {
  const ip = parseIpAddress(changes.ip ?? "192.0.2.1");
  if (ip === undefined) throw new Error("bad address in a test");
  return { receiver: "ns.example.jp", helo: "spf.example.jp", smtputf8: false, ...changes, ip };
}

/** A checked MAIL FROM identity with the given result. */
export function checkedOf(
  result: SpfResult,
  changes: Partial<Omit<CheckedIdentity, "outcome">> & { outcome?: Partial<CheckedIdentity["outcome"]> } = {},
): CheckedIdentity {
  return {
    identity: changes.identity ?? "mailfrom",
    sender: changes.sender ?? "mail@spf.example.jp",
    outcome: { ...bareOutcome(result, "spf.example.jp"), ...changes.outcome },
  };
}

/** Any octets, with those that break headers made frequent. */
export const hostileOctets: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "\r\n",
        "\n",
        "\r",
        "\0",
        '"',
        "\\",
        "(",
        ")",
        ";",
        "=",
        " ",
        "  ",
        "\t",
        "@",
        ".",
        "<",
        ">",
      ),
      fc.constantFrom(
        "\nX-Injected: yes",
        "spf=pass",
        "; spf=pass",
        "é".normalize("NFC"),
        "\xc3\xa9",
        "\xff",
        "a",
      ),
      fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((n) => String.fromCharCode(n)), maxLength: 40 }),
      fc.constantFrom("x".repeat(300), "a.".repeat(200), "\x80".repeat(120), "(".repeat(300)),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(""));

const ruleOutcome = fc.option(
  fc.record({ result: fc.constantFrom(...SPF_RESULTS), mechanism: hostileOctets }),
  { nil: undefined },
);

/** Facts in which every value may be hostile. */
export const hostileFacts: fc.Arbitrary<TraceFacts> = fc.record({
  receiver: hostileOctets,
  helo: hostileOctets,
  smtputf8: fc.boolean(),
  ip: fc.constantFrom("192.0.2.1", "2001:db8::1").map((text) => factsOf({ ip: text }).ip),
});

/** A checked identity in which every value may be hostile. */
export const hostileChecked: fc.Arbitrary<CheckedIdentity> = fc.record({
  identity: fc.constantFrom("mailfrom" as const, "helo" as const),
  sender: hostileOctets,
  outcome: fc
    .record({
      result: fc.constantFrom(...SPF_RESULTS),
      mechanism: fc.option(hostileOctets, { nil: undefined }),
      problem: fc.option(hostileOctets, { nil: undefined }),
      recordSource: fc.constantFrom("published" as const, "override" as const, "fallback" as const),
      local: ruleOutcome,
      guess: ruleOutcome,
    })
    .map((outcome) => ({ ...bareOutcome(outcome.result, "spf.example.jp"), ...outcome })),
});

/** Printed by fast-check on failure; fixed so that a failing run can be made again. */
export const FUZZ = { seed: 7208, numRuns: 1000 };
