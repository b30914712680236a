import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FilterBench } from "./filter-bench.ts";

/** Everybody who is let pass for who he is; the client is none of them. */
const CONFIGURATION = `
WhitelistIP 10.0.0.66/8
WhitelistIP 192.0.2.9
WhitelistPTR friend.test
WhitelistPTR .partner.test
WhitelistFrom boss@friend.test
WhitelistFrom @friend.test
WhitelistFrom news@
WhitelistFrom .partner.test
WhitelistTo vip@here.test
SkipNDR on
RelaxedLocalPart on
`;

const ZONE = {
  "fail.test": [{ TXT: "v=spf1 -all" }],
  "xn--frend-0sa.test": [{ TXT: "v=spf1 -all" }],
  "friend.test.fail.test": [{ TXT: "v=spf1 -all" }],
  "notfriend.test": [{ TXT: "v=spf1 -all" }],
  "partner.test": [{ TXT: "v=spf1 -all" }],
  "friend.test": [{ TXT: "v=spf1 -all" }],
};

const octets = (text: string): string => Buffer.from(text, "utf8").toString("latin1");

/** Each of these is a stranger without a permission: none passes for the null sender or one of the list. */
const STRANGERS: readonly [what: string, path: string][] = [
  ["a quoted local part that spells the null sender", '<"<>"@fail.test>'],
  ["a quoted null local part", '<""@fail.test>'],
  ["a quoted local part that holds an address of the list", '<"boss@friend.test"@fail.test>'],
  ["a quoted local part that ends with one", '<"x boss@friend.test"@fail.test>'],
  ["a quoted local part with brackets", '<"<boss@friend.test>"@fail.test>'],
  ["a quoted local part with a quote inside", '<"a\\"@friend.test"@fail.test>'],
  ["a quoted local part with a backslash at its end", '<"boss@friend.test\\\\"@fail.test>'],
  ["a source route through a domain of the list", "<@friend.test:user@fail.test>"],
  ["a source route through several", "<@friend.test,@partner.test:user@fail.test>"],
  ["a domain that begins with one of the list", "<boss@friend.test.fail.test>"],
  ["a domain that ends with one of the list", "<boss@notfriend.test>"],
  ["the very domain where its subdomains are on the list", "<boss@partner.test>"],
  ["a homograph of a domain of the list, as an A-label", "<boss@xn--frend-0sa.test>"],
  ["the same as a U-label", octets("<boss@fr\u00edend.test>")],
  ["a local part that begins with one of the list", "<news.letter@fail.test>"],
  ["a local part that ends with one of the list", "<bad-news@fail.test>"],
  ["a local part in the manner of the percent hack", "<boss%friend.test@fail.test>"],
  ["a local part in the manner of UUCP", "<friend.test!boss@fail.test>"],
  ["a local part with 8-bit octets", "<boss\xff@fail.test>"],
  ["a domain in capitals", "<USER@FAIL.TEST>"],
  ["a domain with a final dot", "<user@fail.test.>"],
];

/** Odd addresses: read as Sendmail reads them, and evaluated. */
const ODD: readonly [what: string, path: string][] = [
  ["a domain of the list in front of another", "<boss@friend.test@fail.test>"],
  ["two final dots", "<user@fail.test..>"],
  ["another address in a comment", "<user@fail.test(boss@nowhere.test)>"],
  ["another address in a comment after white space", "<user@fail.test (x@nowhere.test)>"],
  ["other addresses around the brackets", "x@nowhere.test<user@fail.test>x@nowhere.test"],
  ["brackets inside brackets", "<<user@fail.test>>"],
  ["brackets and an address of the list inside brackets", "<boss@friend.test<user@fail.test>>"],
  ["the end of a group", "<user@fail.test;>"],
  ["white space in the domain", "<user@fail .test>"],
  ["a blank in place of a dot", "<user@fail test>"],
  ["brackets around the domain", "<user@[fail.test]>"],
];

/** No addresses: refused by their syntax, never let pass. */
const MALFORMED: readonly [what: string, path: string][] = [
  ["empty brackets inside brackets", "<<>>"],
  ["a null sender with a domain", "<>@fail.test"],
  ["a NUL behind an address of the list", "<boss@friend.test\0@fail.test>"],
  ["a source route that leads nowhere", "<@friend.test:>"],
  ["a line end", "<boss@friend.test\r\n@fail.test>"],
  ["no domain", "<boss>"],
  ["an open quoted string", '<"boss@friend.test>'],
  ["an open comment", "<user@fail.test(boss@friend.test>"],
  ["an escaped at sign in the domain", "<user@fail.test\\@friend.test>"],
];

async function verdictOn(
  path: string,
  {
    address = "192.0.2.66",
    hostname = "mail.stranger.test",
    helo = "fail.test",
    recipient = "<user@here.test>",
  } = {},
): Promise<string> {
  const bench = new FilterBench(CONFIGURATION, ZONE);
  const mta = bench.mta();
  await mta.connect({ hostname, address });
  await mta.helo(helo);
  const { verdict, recipients } = await mta.message({ from: path, recipients: [recipient] });
  mta.quit();
  const last = [...recipients.map((r) => r.verdict), verdict].find(({ kind }) => kind !== "continue");
  const spoken = last ?? verdict;
  return spoken.kind === "reply" ? (/\d\.\d+\.\d+/.exec(spoken.text)?.[0] ?? spoken.text) : spoken.kind;
}

describe("identities that are made to look like others", () => {
  for (const [what, path] of [...STRANGERS, ...ODD]) {
    it(`refuses ${what}`, async () => {
      assert.equal(await verdictOn(path), "5.7.23");
    });
  }

  for (const [what, path] of MALFORMED) {
    it(`takes ${what} for no address`, async () => {
      assert.equal(await verdictOn(path), "5.1.7");
    });
  }

  it("lets pass whom the list names, however the address is spelled", async () => {
    for (const path of [
      "<>",
      "<boss@friend.test>",
      "<BOSS@Friend.Test>",
      '<"boss"@friend.test>',
      "<anybody@friend.test.>",
      "<@relay.test:boss@friend.test>",
      "<a@sub.partner.test>",
      "<news@fail.test>",
    ]) {
      assert.equal(await verdictOn(path), "continue", path);
    }
  });

  const clients: readonly [what: string, client: { address?: string; hostname?: string }][] = [
    ["an address whose last octets are those of a network on the list", { address: "66.0.0.10" }],
    ["an address of the host itself", { address: "127.0.0.1" }],
    ["the IPv6 address of the host itself", { address: "::1" }],
    ["an IPv6 address that holds one of the list", { address: "2001:db8::a00:1" }],
    ["an IPv4-compatible address", { address: "::10.0.0.1" }],
    ["a NAT64 address", { address: "64:ff9b::a00:1" }],
    ["a 6to4 address", { address: "2002:a00:1::1" }],
    ["a host name that is an address of the list", { hostname: "10.0.0.1" }],
    ["a host name in brackets", { hostname: "[10.0.0.1]" }],
    ["an unverified name as MTAs give it", { hostname: "unknown" }],
    ["a name on the list in brackets", { hostname: "[friend.test]" }],
    ["a name that ends with one of the list", { hostname: "notfriend.test" }],
    ["a name that begins with one of the list", { hostname: "friend.test.stranger.test" }],
    ["the very name where its subdomains are on the list", { hostname: "partner.test" }],
    ["a homograph as an A-label", { hostname: "xn--frend-0sa.test" }],
    ["a name with a NUL behind one of the list", { hostname: "x.stranger.test friend.test" }],
  ];
  for (const [what, client] of clients) {
    it(`refuses a client with ${what}`, async () => {
      assert.equal(await verdictOn("<user@fail.test>", client), "5.7.23");
    });
  }

  it("takes an IPv4-mapped address for the IPv4 address", async () => {
    assert.equal(await verdictOn("<user@fail.test>", { address: "::ffff:192.0.2.9" }), "accept");
    assert.equal(await verdictOn("<user@fail.test>", { address: "::ffff:192.0.2.8" }), "5.7.23");
  });

  it("lets a forged HELO name pass for nobody", async () => {
    for (const helo of ["friend.test", "10.0.0.1", "[10.0.0.1]", "localhost", "boss@friend.test"]) {
      assert.equal(await verdictOn("<user@fail.test>", { helo }), "5.7.23", helo);
    }
  });

  it("exempts no recipient that only looks like one of the list", async () => {
    for (const recipient of [
      '<"vip@here.test"@there.test>',
      "<@here.test:vip@there.test>",
      "<vip@here.test.there.test>",
      "<xvip@here.test>",
      "<vip%here.test@there.test>",
    ]) {
      assert.equal(await verdictOn("<user@fail.test>", { recipient }), "5.7.23", recipient);
    }
    assert.equal(await verdictOn("<user@fail.test>", { recipient: "<VIP@here.test>" }), "continue");
  });
});
