import fc from "fast-check";
import type { CheckHostInput, LocalPolicy } from "spf-check";
import { ipAddressOfBytes } from "../../../src/address/index.ts";
import type { ZoneData, ZoneEntry } from "../../system/conformance/zone.ts";
import { mechanisms } from "./support.ts";

/** For fc.assert: FC_RUNS and FC_SEED set how many cases are tried and which; a failure prints the seed. */
export const RUNS = {
  numRuns: Number(process.env["FC_RUNS"] ?? 300),
  seed: Number(process.env["FC_SEED"] ?? 7208),
};

const word = fc.stringMatching(/^[a-z0-9]{1,5}$/);
const letter = fc.constantFrom(..."slodiphvSLODIPHV".split(""));
const delimiters = fc.array(fc.constantFrom(".", "-", "+", ",", "/", "_", "="), { maxLength: 3 });

/** A macro of RFC 7208 section 7.1 for a domain-spec. */
const macro = fc.oneof(
  fc
    .tuple(letter, fc.constantFrom("", "1", "2", "03", "128"), fc.constantFrom("", "r", "R"), delimiters)
    .map(([name, digits, reverse, split]) => `%{${name}${digits}${reverse}${split.join("")}}`),
  fc.constantFrom("%%", "%_", "%-"),
);

/** Any domain-spec of the grammar. */
const domainSpec = fc
  .tuple(
    fc.array(fc.oneof(word, macro, fc.constantFrom(".", "/", ":", "@", "!", "=", "/24")), { maxLength: 5 }),
    fc.oneof(macro, fc.constantFrom(".com", ".test.", ".x-1", ".1a")),
  )
  .map(([parts, end]) => parts.join("") + end);

const cidr = fc
  .tuple(fc.option(fc.integer({ min: 0, max: 32 })), fc.option(fc.integer({ min: 0, max: 128 })))
  .map(([v4, v6]) => (v4 === null ? "" : `/${v4}`) + (v6 === null ? "" : `//${v6}`));
const optionalSpec = fc.option(domainSpec).map((spec) => (spec === null ? "" : `:${spec}`));
const ip4Text = fc.ipV4();
const ip6Text = fc.ipV6();

const anyCase = (text: string): fc.Arbitrary<string> =>
  fc.infiniteStream(fc.boolean()).map((upper) => {
    let out = "";
    for (const char of text) out += upper.next().value === true ? char.toUpperCase() : char;
    return out;
  });

const mechanismText = fc.oneof(
  anyCase("all"),
  fc
    .tuple(fc.constantFrom("include", "exists").chain(anyCase), domainSpec)
    .map(([name, spec]) => `${name}:${spec}`),
  fc
    .tuple(fc.constantFrom("a", "mx").chain(anyCase), optionalSpec, cidr)
    .map(([name, spec, prefixes]) => name + spec + prefixes),
  fc.tuple(anyCase("ptr"), optionalSpec).map(([name, spec]) => name + spec),
  fc
    .tuple(ip4Text, fc.option(fc.integer({ min: 0, max: 32 })))
    .map(([ip, length]) => `ip4:${ip}${length === null ? "" : `/${length}`}`),
  fc
    .tuple(ip6Text, fc.option(fc.integer({ min: 0, max: 128 })))
    .map(([ip, length]) => `ip6:${ip}${length === null ? "" : `/${length}`}`),
);

const directiveText = fc
  .tuple(fc.constantFrom("", "+", "-", "~", "?"), mechanismText)
  .map(([qualifier, text]) => qualifier + text);
const unknownModifier = fc
  .tuple(fc.stringMatching(/^[a-z][a-z0-9._-]{0,6}$/), fc.oneof(domainSpec, fc.constant("")))
  .filter(([name]) => name !== "redirect" && name !== "exp")
  .map(([name, value]) => `${name}=${value}`);

/** Any record of the grammar of RFC 7208 section 12, modifiers in any place. */
export const recordText: fc.Arbitrary<string> = fc
  .record({
    directives: fc.array(directiveText, { maxLength: 12 }),
    unknown: fc.array(unknownModifier, { maxLength: 3 }),
    redirect: fc.option(domainSpec.map((spec) => `redirect=${spec}`)),
    exp: fc.option(domainSpec.map((spec) => `EXP=${spec}`)),
    order: fc.infiniteStream(fc.nat()),
    gap: fc.constantFrom(" ", "  "),
    end: fc.constantFrom("", " ", "   "),
  })
  .map(({ directives, unknown, redirect, exp, order, gap, end }) => {
    const terms = [...directives];
    for (const modifier of [...unknown, redirect, exp]) {
      if (modifier !== null) terms.splice(order.next().value % (terms.length + 1), 0, modifier);
    }
    return ["v=spf1", ...terms].join(gap) + end;
  });

/** A few names that hostile zones are made of, so that records lead into each other. */
const NAMES = ["a.test", "b.test", "c.test", "d.test", "e.test", "f.test"];
const name = fc.constantFrom(...NAMES);
const target = fc.oneof(
  { weight: 12, arbitrary: name },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "%{d}",
      "%{o}",
      "%{h}",
      "%{l1r-}.test",
      "%{p}",
      "%{s}.x.test",
      "gone.test",
      "a..test",
    ),
  },
);

const hostileTerm = fc.oneof(
  { weight: 6, arbitrary: target.map((to) => `include:${to}`) },
  { weight: 3, arbitrary: target.map((to) => `a:${to}`) },
  { weight: 3, arbitrary: target.map((to) => `mx:${to}/28`) },
  { weight: 2, arbitrary: target.map((to) => `exists:${to}`) },
  { weight: 2, arbitrary: target.map((to) => `ptr:${to}`) },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      "a",
      "mx",
      "ptr",
      "ip4:192.0.2.1",
      "ip4:192.0.2.128/25",
      "ip6:2001:db8::/32",
      "x=%{s}",
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom("all", "foo", "a:%{p}", "exists:%{p}.x.test") },
);
const qualified = fc
  .tuple(fc.constantFrom("", "", "-", "~", "?"), hostileTerm)
  .map(([qualifier, term]) => (term.includes("=") ? term : qualifier + term));
const hostileRecord = fc
  .tuple(
    fc.array(qualified, { maxLength: 5 }),
    fc.option(target.map((to) => ` redirect=${to}`)),
    fc.constantFrom("", " -all", " ~all", " ?all", " exp=x.test -all"),
  )
  .map(([terms, redirect, end]) => `v=spf1 ${terms.join(" ")}${redirect ?? ""}${end}`);

const host = fc.integer({ min: 0, max: 3 });
const entry: fc.Arbitrary<ZoneEntry> = fc.oneof(
  { weight: 8, arbitrary: host.map((n) => ({ A: `192.0.2.${n}` })) },
  { weight: 6, arbitrary: host.map((n) => ({ AAAA: `2001:db8::${n}` })) },
  { weight: 8, arbitrary: fc.tuple(fc.nat(2), name).map(([preference, to]) => ({ MX: [preference, to] })) },
  { weight: 1, arbitrary: fc.constantFrom({ TXT: "v=spf1 a" }, { TXT: "v=spf10" }, "SERVFAIL") },
);
const record = fc.oneof(
  { weight: 12, arbitrary: hostileRecord },
  { weight: 1, arbitrary: fc.constantFrom("No, %{l} of %{h}, known as %{p}", "No.", "") },
);
const owner = fc
  .tuple(fc.option(record, { freq: 12 }), fc.array(entry, { maxLength: 8 }))
  .map(([text, entries]) => (text === null ? entries : [{ TXT: text }, ...entries]));
const explanations = fc.constantFrom("No, %{l} of %{h}.", "No, %{p}.", "No.", "%");

/** Zones whose records lead into each other, with faults, voids, many exchangers and PTR records. */
export const hostileZone: fc.Arbitrary<ZoneData> = fc
  .tuple(
    fc.array(owner, { minLength: NAMES.length, maxLength: NAMES.length }),
    fc.array(name, { maxLength: 10 }),
    fc.boolean(),
    explanations,
  )
  .map(([owners, pointers, wildcard, explanation]) => ({
    ...Object.fromEntries(NAMES.map((key, i) => [key, owners[i] ?? []])),
    "1.2.0.192.in-addr.arpa": pointers.map((to) => ({ PTR: to })),
    "x.test": [{ TXT: explanation }],
    ...(wildcard ? { "*.x.test": [{ A: "127.0.0.2" }] } : {}),
  }));

const rules = fc.option(
  fc
    .constantFrom("a mx ptr", "include:b.test -all", "exists:%{l}.x.test", "~a:%{p}", "ip4:192.0.2.1")
    .map(mechanisms),
  { nil: undefined },
);
const localPolicy: fc.Arbitrary<LocalPolicy> = fc.record({
  rules,
  guess: rules,
  explanation: fc.constant(undefined),
  overrides: fc.constantFrom(new Map<string, string>(), new Map([["c.test", "v=spf1 a -all"]])),
  fallbacks: fc.constantFrom(new Map<string, string>(), new Map([["d.test", "v=spf1 mx ?all"]])),
});

/** Arguments of check_host() for such zones. */
export const hostileInput: fc.Arbitrary<CheckHostInput> = fc
  .record({
    ip: fc.constantFrom(
      ipAddressOfBytes(Uint8Array.of(192, 0, 2, 1)),
      ipAddressOfBytes(Uint8Array.of(0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)),
    ),
    local: fc.oneof(
      fc.constantFrom("a", "b", "a-b", "gr\xc3\xbcn", "a..b", ""),
      fc.string({ unit: "binary-ascii" }),
    ),
    domain: fc.oneof(
      { weight: 9, arbitrary: name },
      { weight: 1, arbitrary: fc.constantFrom("A.Test.", "gone.test", "test") },
    ),
    helo: fc.oneof(name, fc.constantFrom("", "localhost", "[192.0.2.1]", "\xff.test")),
    lookupLimit: fc.constantFrom(10, 10, 10, 10, 10, 10, 10, 20, 0, 1, 5),
    voidLookupLimit: fc.constantFrom(2, 2, 2, 2, 100, 100, 0),
    localPolicy,
  })
  .map(({ ip, local, domain, helo, lookupLimit, voidLookupLimit, localPolicy: policy }) => ({
    ip,
    domain,
    sender: `${local}@${domain}`,
    helo,
    receiver: "mx.here.test",
    nowSeconds: 0,
    limits: { lookupLimit, voidLookupLimit },
    localPolicy: policy,
    hints: false,
    trace: false,
  }));
