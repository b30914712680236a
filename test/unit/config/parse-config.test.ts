import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { formatFault } from "../../../src/config/index.ts";
import { OPTION_NAMES } from "../../../src/config/table.ts";
import { parse, reports, settingsOf } from "./reading.ts";

const SEED = 7208;

describe("parseConfig", () => {
  it("goes on after a fault and reports each", () => {
    const { settings, faults, unknown } = parse("TTL soon\nNoSuch 1\nUser a:b\nTag ok\n");
    assert.equal(settings, undefined);
    assert.deepEqual(
      faults.map(({ line, option }) => [line, option]),
      [
        [1, "TTL"],
        [3, "User"],
      ],
    );
    assert.deepEqual(
      unknown.map(({ line, option }) => [line, option]),
      [[2, "NoSuch"]],
    );
  });

  it("starts with unknown keys, whatever their values hold", () => {
    const { settings, unknown, faults } = parse('Foo "open\nBar \u0001\nBaz \uFFFD\n');
    assert.ok(settings !== undefined);
    assert.equal(unknown.length, 3);
    assert.deepEqual(faults, []);
  });

  it("names option and place as they are written", () => {
    assert.deepEqual(reports(parse("\n\nreFUSEfail maybe")), [
      'fault test.conf:3: reFUSEfail: invalid value "maybe": expected on, off or nomail (or yes, no, true, false, 1, 0)',
    ]);
  });

  it("tells where the value in force is given", () => {
    const { locationOf } = parse("user a\nTag x\nUSER b\n");
    assert.deepEqual(locationOf("user"), { file: "test.conf", line: 3, option: "USER" });
    assert.deepEqual(locationOf("socketGroup"), { file: "test.conf", line: 0, option: "SocketGroup" });
  });

  it("reads list files of every list option", () => {
    const lists = {
      "/l/ip": "10.0.0.0/8\n::1\n",
      "/l/ptr": ".a.example\n",
      "/l/record": 'a.example v=spf1 -all # none\nb.example "v=spf1 mx -all"\n',
      "/l/empty": "# nothing yet\n",
    };
    const settings = settingsOf(
      "WhitelistIP file:/l/ip\nWhitelistPTR File:/l/ptr\nOverrideRecord file:/l/record\nWhitelistTo file:/l/empty\n",
      { lists },
    );
    assert.equal(settings.whitelistIP.length, 2);
    assert.deepEqual(settings.whitelistPTR, [".a.example"]);
    assert.equal(settings.localPolicy.overrides.size, 2);
    assert.deepEqual(settings.whitelistTo, []);
  });

  it("faults list files inside list files and reports their lines", () => {
    const lists = { "/l/one": '# comment\nfile:/l/two\n10.0.0.0/99\n"open\n' };
    assert.deepEqual(parse("WhitelistIP file:/l/one\n", { lists }).faults.map(formatFault), [
      "/l/one:2: WhitelistIP: a list file cannot name another list file",
      '/l/one:3: WhitelistIP: invalid network "10.0.0.0/99": expected an IPv4 or IPv6 address, or address/length such as 192.0.2.0/24',
      "/l/one:4: WhitelistIP: missing closing quotation mark",
    ]);
  });

  it("warns about words behind the name of a list file", () => {
    assert.deepEqual(reports(parse("WhitelistIP file:/l friends\n", { lists: { "/l": "" } })), [
      'warning test.conf:1: WhitelistIP: "friends" is ignored: give one list file per line',
    ]);
  });

  it("notes what has changed since 2.5, where a file looks like one of that version", () => {
    const notes = (text: string): string[] => parse(text).notes.map(formatFault);
    const old = "WhitelistTo a@\nWhitelistTo b@\nAuthservID mx.example.net\nSPFBestGuess on\n";
    assert.deepEqual(
      notes(old).map((note) => note.split(": ").slice(0, 2).join(": ")),
      ["test.conf:1: WhitelistTo", "test.conf:4: SPFBestGuess", "test.conf:3: AuthservID"],
    );
    assert.deepEqual(notes(`${old}CheckHelo on`), [], "a newer option");
    assert.deepEqual(notes("WhitelistTo a@"), [], "2.0.2 meant the same");
  });

  it("reads no list file for a single option", () => {
    assert.equal(settingsOf("Tag file:/l").tag, "file:/l");
  });

  const value = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom(
      "on",
      "off",
      "1h",
      "0",
      "10.0.0.0/8",
      "::1",
      "a@b.example",
      "v=spf1 -all",
      "file:/l",
      "%s",
      "{x}",
    ),
    fc
      .array(
        fc.constantFrom("ip=", "to=", "RefuseFail=", "Tag=", "on", '"', "a@", " ", "#", "\\", "%", "{", "}"),
      )
      .map((parts) => parts.join("")),
  );
  const line = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.tuple(fc.constantFrom(...OPTION_NAMES), value).map(([name, text]) => `${name} ${text}`),
  );

  it(`never throws, and every fault has its line (seed ${SEED})`, () => {
    fc.assert(
      fc.property(fc.array(line, { maxLength: 8 }), value, value, (lines, list, behavior) => {
        const text = lines.join("\n");
        const count = text.split("\n").length;
        const parsed = parse(text, { lists: { "/l": list }, env: { SPFBEHAVIOR: behavior } });
        for (const fault of [...parsed.faults, ...parsed.unknown, ...parsed.warnings]) {
          const bound = fault.file === "test.conf" ? count : list.split("\n").length;
          if (fault.option === "SPFBEHAVIOR" && fault.line === 0) continue;
          assert.ok(fault.line >= 1 && fault.line <= bound, formatFault(fault));
          assert.notEqual(fault.reason, "");
          assert.match(formatFault(fault), /^[^\p{Cc}]*$/u);
        }
        assert.equal(parsed.settings === undefined, parsed.faults.length > 0);
      }),
      { seed: SEED, numRuns: 1000 },
    );
  });

  it(`reads a value that it prints in quotes as it was (seed ${SEED})`, () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[!-~](?:[ -~]{0,60}[!-~])?$/), (tag) => {
        const quoted = `"${tag.replace(/["\\]/g, "\\$&")}"`;
        assert.equal(settingsOf(`Tag ${quoted} # comment`).tag, tag);
      }),
      { seed: SEED, numRuns: 500 },
    );
  });
});
