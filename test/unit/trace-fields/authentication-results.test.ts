import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { authenticationResults } from "../../../src/trace-fields/index.ts";
import { isForgedResult } from "../../support/is-forged-result.ts";
import { readAuthenticationResults } from "./field-grammar.ts";
import { checkedOf, FUZZ, hostileChecked, hostileOctets } from "./samples.ts";

const common = { authservId: "mx.example.jp", helo: "spf.example.jp", smtputf8: false };

describe("authenticationResults", () => {
  it("writes the field of the contract's example", () => {
    assert.equal(
      authenticationResults({ ...common, checked: [checkedOf("pass")] }).replace("\n", ""),
      "mx.example.jp; spf=pass smtp.mailfrom=mail@spf.example.jp",
    );
  });

  it("names the HELO name when the HELO identity was checked", () => {
    const checked = [checkedOf("none", { identity: "helo", sender: "postmaster@spf.example.jp" })];
    assert.equal(
      authenticationResults({ ...common, checked }),
      "mx.example.jp; spf=none smtp.helo=spf.example.jp",
    );
  });

  it("gives two identities a result each", () => {
    const checked = [
      checkedOf("pass", { identity: "helo", sender: "postmaster@spf.example.jp" }),
      checkedOf("softfail"),
    ];
    assert.deepEqual(
      readAuthenticationResults(authenticationResults({ ...common, checked })).results.map(
        ({ result, property, value }) => [result, property, value],
      ),
      [
        ["pass", "smtp.helo", "spf.example.jp"],
        ["softfail", "smtp.mailfrom", "mail@spf.example.jp"],
      ],
    );
  });

  it("puts local policy and guess into comments and keeps the published result", () => {
    const rule = { result: "pass" as const, mechanism: "a/24" };
    const local = authenticationResults({
      ...common,
      checked: [checkedOf("fail", { outcome: { local: rule } })],
    });
    assert.match(
      local.replaceAll("\n", ""),
      /^mx\.example\.jp; spf=fail \(local policy: pass\) smtp\.mailfrom=/,
    );
    const guess = authenticationResults({
      ...common,
      checked: [checkedOf("none", { outcome: { guess: rule } })],
    });
    assert.match(guess.replaceAll("\n", ""), /; spf=none \(best guess: pass\) smtp\.mailfrom=/);
  });

  it("says none when nothing was checked", () => {
    assert.equal(authenticationResults({ ...common, checked: [] }), "mx.example.jp; none");
  });

  it("quotes an id or address that is no token", () => {
    const write = (authservId: string, sender: string): string =>
      authenticationResults({ ...common, authservId, checked: [checkedOf("pass", { sender })] });
    assert.match(write("mx/1", "a@b.jp"), /^"mx\/1"; /);
    assert.match(write("mx", '"a b"@b.jp'), /smtp\.mailfrom="\\"a b\\"@b\.jp"$/);
    assert.match(write("mx", "a=b@b.jp"), /smtp\.mailfrom="a=b@b\.jp"$/);
    assert.match(write("mx", "a@[192.0.2.1]"), /smtp\.mailfrom="a@\[192\.0\.2\.1\]"$/);
  });

  it("has one @ in an address, whatever a quoted local part spells", () => {
    const checked = [checkedOf("pass", { sender: '"user@victim.jp"@attacker.jp' })];
    assert.equal(
      authenticationResults({ ...common, checked }),
      'mx.example.jp; spf=pass\n smtp.mailfrom="\\"user\\\\x{40}victim.jp\\"@attacker.jp"',
    );
  });

  it("writes A-labels, and U-labels only when the message is SMTPUTF8", () => {
    const sender = Buffer.from("a@b\u00fccher.example", "utf8").toString("latin1");
    const write = (smtputf8: boolean): string =>
      authenticationResults({ ...common, smtputf8, checked: [checkedOf("pass", { sender })] });
    assert.match(write(false), /smtp\.mailfrom=a@xn--bcher-kva\.example$/);
    assert.ok(write(true).endsWith(`smtp.mailfrom="${sender}"`));
  });

  it("never presents part of a long domain as another domain", () => {
    const sender = `${"x".repeat(300)}@${"victim.example.".repeat(20)}attacker.example`;
    const value = authenticationResults({ ...common, checked: [checkedOf("pass", { sender })] });
    assert.match(readAuthenticationResults(value).results[0]!.value, /\.attacker\.example$/);
  });

  it("always parses, with the results it was given, whatever the values hold", () => {
    fc.assert(
      fc.property(
        hostileOctets.filter((id) => id !== ""),
        hostileOctets,
        fc.boolean(),
        fc.array(hostileChecked, { maxLength: 2 }),
        (authservId, helo, smtputf8, checked) => {
          const value = authenticationResults({ authservId, helo, smtputf8, checked });
          const { results } = readAuthenticationResults(value);
          assert.deepEqual(
            results.map(({ method, result }) => `${method}=${result}`),
            checked.map(({ outcome }) => `spf=${outcome.result}`),
          );
          if (!smtputf8) assert.match(value, /^[\n\x20-\x7e]*$/);
        },
      ),
      FUZZ,
    );
  });

  it("writes fields that isForgedResult knows as ours", () => {
    fc.assert(
      fc.property(hostileOctets, hostileChecked, (helo, checked) => {
        const value = authenticationResults({ ...common, helo, checked: [checked] });
        assert.equal(isForgedResult(value, "MX.example.jp.", "on"), true);
        assert.equal(isForgedResult(value, "other.example", "all"), false);
      }),
      FUZZ,
    );
  });
});
