/** What we write is understood by the programs that stand behind us: parsers and SpamAssassin. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import fc from "fast-check";
import { SPF_RESULTS } from "spf-check";
import { authenticationResults } from "../../../src/trace-fields/index.ts";
import { checkedOf, hostileChecked, hostileOctets } from "../../unit/trace-fields/samples.ts";
import { deliver, FAILING, type Mail, PASSING } from "./deliver.ts";
import { MtaPlayer } from "./mta-player.ts";
import { Postfix } from "./postfix.ts";
import { askReader, type ReaderName } from "./readers.ts";

/** One result as a parser gives it back. */
type Read = readonly [result: string, property: string, value: string];

interface Field {
  readonly value: string;
  readonly id: string;
  readonly results: readonly Read[];
}

const octets = (text: string): string => Buffer.from(text, "utf8").toString("latin1");
const withoutPairs = (text: string): string => text.replace(/\\(.)/g, "$1");

/** What authres gives back; it leaves quoted-pairs as they are. */
function fromAuthres(answer: unknown): Omit<Field, "value"> {
  const { id, results } = answer as {
    id: string;
    results: { method: string; result: string; properties: { name: string; value: string }[] }[];
  };
  return {
    id,
    results: results.map(({ method, result, properties }) => {
      assert.equal(method, "spf");
      const [property, ...others] = properties;
      assert.ok(property !== undefined && others.length === 0);
      return [result, property.name, withoutPairs(property.value)] as const;
    }),
  };
}

interface Node {
  readonly class: string;
  readonly key: string | null;
  readonly value: string;
  readonly children: readonly Node[];
}

function fromMailAuthenticationResults(answer: unknown): Omit<Field, "value"> {
  const { id, results } = answer as { id: string; results: Node[] };
  return {
    id: id.toLowerCase(),
    results: results.map(({ class: kind, key, value, children }) => {
      assert.deepEqual([kind, key], ["Entry", "spf"]);
      const [property, ...others] = children.filter((child) => child.class !== "Comment");
      assert.ok(property !== undefined && others.length === 0);
      assert.equal(property.class, "SubEntry");
      return [value, property.key ?? "", property.value] as const;
    }),
  };
}

/** Ids, senders and HELO names that are all legal and not all plain, and what the field says; ids have no case. */
const IDS = [
  ["mx.rig.test", "mx.rig.test"],
  ["MX_1.rig.test", "mx_1.rig.test"],
  ["mx.rig.test/2", "mx.rig.test/2"],
] as const;
const SENDERS: readonly (readonly [sender: string, smtputf8: boolean, shown: string])[] = [
  ["user@pass.test", false, "user@pass.test"],
  ["50%off&more!{x}|~#$'*+-^_`@pass.test", false, "50%off&more!{x}|~#$'*+-^_`@pass.test"],
  ["bounce=bob=rig.test@pass.test", false, "bounce=bob=rig.test@pass.test"],
  [".a..b.@pass.test", false, ".a..b.@pass.test"],
  ["a/b?c@pass.test", false, "a/b?c@pass.test"],
  ["user@[192.0.2.66]", false, "user@[192.0.2.66]"],
  ["user@[IPv6:2001:db8::66]", false, "user@[IPv6:2001:db8::66]"],
  ['"john doe"@pass.test', false, '"john doe"@pass.test'],
  ['"a; spf=pass smtp.mailfrom=x"@pass.test', false, '"a; spf=pass smtp.mailfrom=x"@pass.test'],
  ['"a)(b\\"c\\\\d"@pass.test', false, '"a)(b\\"c\\\\d"@pass.test'],
  [octets("josé@pass.test"), false, "jos\\x{E9}@pass.test"],
  ["jos\xe9\xff@pass.test", false, "jos\\x{E9}\\x{FF}@pass.test"],
  [octets("josé@bücher.test"), true, octets("josé@bücher.test")],
  [octets("user@bücher.test"), false, "user@xn--bcher-kva.test"],
];
const HELOS = [
  "mail.pass.test",
  "localhost",
  "",
  "[192.0.2.66]",
  "[IPv6:2001:db8::66]",
  "a;b=c (d)",
] as const;

function tableOfFields(): Field[] {
  const rule = { result: "pass" as const, mechanism: "a/24" };
  const fields: Field[] = [];
  for (const result of SPF_RESULTS) {
    for (const outcome of [{}, { local: rule }, { guess: rule }]) {
      for (const [sender, smtputf8, shown] of SENDERS) {
        const checked = [checkedOf(result, { sender, outcome })];
        fields.push({
          value: authenticationResults({ authservId: "mx.rig.test", helo: "", smtputf8, checked }),
          id: "mx.rig.test",
          results: [[result, "smtp.mailfrom", shown]],
        });
      }
      for (const helo of HELOS) {
        const alone = checkedOf(result, { identity: "helo", sender: `postmaster@${helo}`, outcome });
        for (const [authservId, id] of IDS) {
          fields.push({
            value: authenticationResults({ authservId, helo, smtputf8: false, checked: [alone] }),
            id,
            results: [[result, "smtp.helo", helo]],
          });
        }
        fields.push({
          value: authenticationResults({
            authservId: "mx.rig.test",
            helo,
            smtputf8: false,
            checked: [alone, checkedOf("softfail", { sender: "user@soft.test" })],
          }),
          id: "mx.rig.test",
          results: [
            [result, "smtp.helo", helo],
            ["softfail", "smtp.mailfrom", "user@soft.test"],
          ],
        });
      }
    }
  }
  return fields;
}

/** What each parser is known not to read, though RFC 8601 has it. */
const BEYOND: Record<Exclude<ReaderName, "SpamAssassin">, RegExp> = {
  authres: /^"|[^\0-\x7f]/,
  "Mail::AuthenticationResults": /\\/,
};

const FROM = { authres: fromAuthres, "Mail::AuthenticationResults": fromMailAuthenticationResults };

describe("Authentication-Results", () => {
  const fields = tableOfFields();
  for (const name of ["authres", "Mail::AuthenticationResults"] as const) {
    it(`says to ${name} what was meant, for every result and odd value`, () => {
      const readable = fields.filter(({ value }) => !BEYOND[name].test(value));
      const answers = askReader(
        name,
        readable.map(({ value }) => Buffer.from(value, "latin1").toString("utf8")),
      );
      for (const [index, { value, id, results }] of readable.entries()) {
        const { answer, error } = answers[index] ?? {};
        assert.equal(error, undefined, value);
        assert.deepEqual(FROM[name](answer), { id, results }, value);
      }
    });
  }

  it("leaves nothing that neither of them reads", () => {
    const beyond = fields.filter(({ value }) =>
      Object.values(BEYOND).every((pattern) => pattern.test(value)),
    );
    assert.deepEqual(
      beyond.map(({ value }) => value),
      [],
    );
  });

  it("has one result of the right kind for authres, whatever sender and HELO are", () => {
    const made = fc.sample(fc.tuple(hostileChecked, hostileOctets), { seed: 8601, numRuns: 500 });
    const values = made.map(([checked, helo]) =>
      authenticationResults({ authservId: "mx.rig.test", helo, smtputf8: false, checked: [checked] }),
    );
    const answers = askReader("authres", values);
    for (const [index, [checked]] of made.entries()) {
      const value = values[index] ?? "";
      assert.equal(answers[index]?.error, undefined, value);
      const { id, results } = fromAuthres(answers[index]?.answer);
      assert.equal(id, "mx.rig.test");
      assert.deepEqual(
        results.map(([result, property]) => [result, property]),
        [[checked.outcome.result, checked.identity === "helo" ? "smtp.helo" : "smtp.mailfrom"]],
        value,
      );
    }
  });
});

describe("SpamAssassin", () => {
  let player: MtaPlayer;
  before(async () => {
    player = await MtaPlayer.open(() => Postfix.start());
  });
  after(() => player.close());

  const MAILS: readonly (readonly [rule: string, mail: Omit<Mail, "header">])[] = [
    ["SPF_PASS", { ...PASSING, sender: "user@pass.test" }],
    ["SPF_PASS", { ...PASSING, sender: '"a; b)("@pass.test' }],
    ["SPF_FAIL", { ...FAILING, sender: "user@pass.test" }],
    ["SPF_SOFTFAIL", { ...FAILING, sender: "user@soft.test" }],
    ["SPF_NEUTRAL", { ...FAILING, sender: "user@neutral.test" }],
    ["SPF_NONE", { ...FAILING, sender: "user@none.test" }],
    ["SPF_PERMERROR", { ...FAILING, sender: "user@odd.test" }],
    ["SPF_TEMPERROR", { ...FAILING, sender: "user@broken.test" }],
    ["SPF_HELO_PASS", { ...PASSING, sender: "" }],
    ["SPF_HELO_NONE", { client: "192.0.2.66", helo: "[192.0.2.66]", sender: "" }],
  ];
  for (const [field, settings] of [
    ["Received-SPF", "AddHeader off\nAddReceivedHeader on"],
    ["Authentication-Results", "AddReceivedHeader off"],
  ] as const) {
    it(`takes every result from ${field}`, async () => {
      const messages: string[] = [];
      for (const [, mail] of MAILS) {
        messages.push(await deliver(player, settings, { ...mail, header: ["From: user@pass.test"] }));
      }
      const answers = askReader("SpamAssassin", messages);
      assert.deepEqual(
        answers.map(({ answer, error }) => answer ?? error),
        MAILS.map(([rule]) => rule),
      );
    });
  }
});
