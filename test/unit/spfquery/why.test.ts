import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { whyOf } from "../../../src/spfquery/why.ts";
import type { Zone } from "../../support/nameserver/index.ts";
import { checkZone } from "./check-zone.ts";

const ZONE: Zone = {
  "soft.example": [{ TXT: "v=spf1 mx ~all" }, { MX: [0, "mx.soft.example"] }],
  "mx.soft.example": [{ A: "192.0.2.33" }],
  "nomail.example": [{ TXT: "v=spf1 -all" }],
  "open.example": [{ TXT: "v=spf1 ip4:192.0.2.1" }],
  "way.example": [{ TXT: "v=spf1 include:one.example -all" }],
  "one.example": [{ TXT: "v=spf1 redirect=two.example" }],
  "two.example": [{ TXT: "v=spf1 a:host.two.example -all" }],
  "host.two.example": [{ A: "192.0.2.44" }],
  "text.example": [{ TXT: "hello" }],
  "down.example": ["SERVFAIL"],
  "half.example": [{ TXT: "v=spf1 exists:%{i}.l.half.example ip4:198.51.100.0/24 -all" }],
  "0.0.0.0.l.half.example": ["SERVFAIL"],
  "broken.example": [{ TXT: "v=spf1 ip4:192.0.2.300 -all" }],
  "many.example": [{ TXT: "v=spf1 include:deep.example a:h.example -all" }],
  "deep.example": [{ TXT: `v=spf1 ${"a:host.two.example ".repeat(10)}-all` }],
};

const CASES: readonly (readonly [what: string, argv: string[], says: RegExp[]])[] = [
  [
    "a pass by the way to it and the lookup that proves it",
    ["192.0.2.44", "h.example", "u@way.example"],
    [
      /^192\.0\.2\.44 is permitted by "a:host\.two\.example" in the record of two\.example, reached through "include:one\.example" of way\.example and "redirect=two\.example" of one\.example\. DNS says: A host\.two\.example is 192\.0\.2\.44\.$/,
    ],
  ],
  [
    "a softfail by what would have passed",
    ["192.0.2.9", "h.example", "u@soft.example"],
    [
      /^soft\.example does not name 192\.0\.2\.9.*not to be refused for that alone\. "~all" in the record/,
      /^Mail would pass from:$/,
      /^- 192\.0\.2\.33 \(mx of soft\.example\)$/,
      /ip4:192\.0\.2\.9 before its end/,
    ],
  ],
  [
    "a domain without mail",
    ["192.0.2.9", "h.example", "u@nomail.example"],
    [/to be refused/, /^The policy permits no host at all\.$/, /forwarded/],
  ],
  [
    "that it could not look at a policy beyond a lookup that fails",
    ["192.0.2.9", "h.example", "u@half.example"],
    [
      /^half\.example does not name/,
      /^As far as the policy could be evaluated, mail would pass from:$/,
      /^- clients for which %\{i\}\.l\.half\.example exists/,
      /forwarded/,
    ],
  ],
  [
    "the default of a record without end",
    ["192.0.2.9", "h.example", "u@open.example"],
    [
      /says nothing about other hosts\. No term of the record of open\.example matches\.$/,
      /pass from/,
      /^- 192\.0\.2\.1 \(open\.example\)$/,
      /forwarded/,
    ],
  ],
  [
    "that the policy knows no IPv6",
    ["2001:db8::9", "h.example", "u@open.example"],
    [
      /does not name/,
      /pass from/,
      /^- /,
      /^The client came over IPv6, and the policy names no IPv6 address\.$/,
      /ip6:2001:db8::9/,
    ],
  ],
  [
    "that there is no record",
    ["192.0.2.9", "h.example", "u@text.example"],
    [/^text\.example publishes no SPF record \(TXT text\.example: 1 TXT record, none of them SPF\)/],
  ],
  [
    "that there is no such name",
    ["192.0.2.9", "h.example", "u@gone.example"],
    [/TXT gone\.example: no such name/],
  ],
  [
    "that a name is none",
    ["192.0.2.9", "localhost", ""],
    [/^"localhost" is not a domain name with at least two labels/],
  ],
  [
    "a lookup that failed",
    ["192.0.2.9", "h.example", "u@down.example"],
    [/^A DNS lookup failed.*down\.example/, /defers/],
  ],
  [
    "a term that is wrong",
    ["192.0.2.9", "h.example", "u@broken.example"],
    [/ip4:192\.0\.2\.300/, /correct the record/],
  ],
  [
    "where too many lookups went",
    ["192.0.2.9", "h.example", "u@many.example"],
    [
      /more than 10 terms/,
      /correct/,
      /^The terms that cause DNS lookups: include:deep\.example 11; 10 are allowed in all\.$/,
    ],
  ],
  [
    "an override record",
    ["--override=x.example=v=spf1 ip4:192.0.2.9 -all", "192.0.2.9", "h", "u@x.example"],
    [/^192\.0\.2\.9 is permitted by "ip4:192\.0\.2\.9" in the override record of x\.example\.$/],
  ],
  [
    "a guess",
    ["192.0.2.9", "h.example", "u@text.example", "", "ip4:192.0.2.9"],
    [/publishes no SPF record/, /^The guess rules decide: "ip4:192\.0\.2\.9" leads to pass\.$/],
  ],
];

describe("whyOf()", () => {
  for (const [what, argv, says] of CASES) {
    it(`explains ${what}`, async () => {
      const why = whyOf(await checkZone(ZONE, ...argv));
      assert.equal(why.length, says.length, why.join("\n"));
      for (const [i, expected] of says.entries()) assert.match(why[i] ?? "", expected);
    });
  }
});
