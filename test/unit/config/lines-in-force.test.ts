import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import fc from "fast-check";
import { showConfig } from "../../../src/config/index.ts";
import { OPTION_NAMES } from "../../../src/config/table.ts";
import { inUse, optionOf, parse, type Surroundings, withoutOrigins } from "./reading.ts";

const SEED = 7208;

function shown(
  text: string,
  { changed = false, ...surroundings }: Surroundings & { changed?: boolean } = {},
) {
  const { options, settings, faults } = parse(text, surroundings);
  assert.ok(options !== undefined && settings !== undefined, JSON.stringify(faults));
  return { lines: showConfig(options, { changed }), settings: withoutOrigins(settings) };
}

/** Both forms, read again, give the settings that they were made of. */
function assertReadsBack(text: string, surroundings: Surroundings = {}): void {
  for (const changed of [false, true]) {
    const { lines, settings } = shown(text, { ...surroundings, changed });
    const again = parse(lines.join("\n"));
    assert.deepEqual([...again.faults, ...again.unknown], [], lines.join("\n"));
    assert.ok(again.settings !== undefined);
    assert.deepEqual(withoutOrigins(again.settings), settings, lines.join("\n"));
  }
}

const here = import.meta.dirname;
const files = ["samples", "doubtful"].flatMap((folder) =>
  readdirSync(join(here, folder)).map((name) => join(here, folder, name)),
);
files.push(join(here, "../../../etc/smf-spf.conf"));

describe("showConfig", () => {
  it("has a line for every option, in the order of the table, with its origin", () => {
    const { lines } = shown(
      "WhitelistIP ::1\nWhitelistIP 10.1.2.3/8\nTag [SPF #1]\nTag two words \nSPFBehavior 4",
    );
    assert.deepEqual([...new Set(lines.map((line) => /^(?:# )?(\w+)/.exec(line)?.[1]))], OPTION_NAMES);
    for (const line of [
      "WhitelistIP ::1  # test.conf:1",
      "WhitelistIP 10.0.0.0/8  # test.conf:2",
      "# WhitelistPTR  # default",
      "# FixedClientIP  # default",
      "LookupTime 20s  # default",
      "Tag two words  # test.conf:4",
      "RefuseSoftFail on  # SPFBehavior 4, test.conf:5",
      "# RefuseHeloFail  # as RefuseFail",
      "SocketMode 0600  # default",
    ]) {
      assert.ok(lines.includes(line), line);
    }
  });

  it("shows only what differs from the default", () => {
    assert.deepEqual(shown("", { changed: true }).lines, []);
    assert.deepEqual(shown("Tag x\nSkipAuth on\nTTL 60m\nAddReceivedHeader on", { changed: true }).lines, [
      "Tag x  # test.conf:1",
      "AddReceivedHeader on  # test.conf:4",
    ]);
    assert.deepEqual(shown("SPFBehavior 3\nRefuseFail on\nSkipAuth on\nTTL 60m", { changed: true }).lines, [
      "SPFBehavior 3  # test.conf:1",
      "RefuseFail on  # test.conf:2",
      "AcceptTempError off  # SPFBehavior 3, test.conf:1",
      "TagSubject off  # SPFBehavior 3, test.conf:1",
    ]);
  });

  it("names the environment, and what -n does", () => {
    const { lines } = shown("PolicyFor ip=::1 ReportOnly=off Tag=x", {
      env: { SPFBEHAVIOR: "1" },
      dryRun: true,
      changed: true,
    });
    for (const line of [
      "SPFBehavior 1  # environment SPFBEHAVIOR",
      "RefuseFail off  # SPFBehavior 1, environment SPFBEHAVIOR",
      "ReportOnly on  # -n",
      "PolicyFor ip=::1 Tag=x ReportOnly=on  # test.conf:1",
    ]) {
      assert.ok(lines.includes(line), `${line}\n\n${lines.join("\n")}`);
    }
  });

  for (const path of files) {
    it(`reads back: ${path.slice(path.lastIndexOf("/") + 1)}`, () => {
      assertReadsBack(readFileSync(path, "utf8"));
      if (!path.includes("doubtful")) assertReadsBack(inUse(readFileSync(path, "utf8")));
    });
  }

  it("reads back every sample, all at once and with SPFBehavior outside", () => {
    const samples = OPTION_NAMES.map((name) => `${name} ${optionOf(name).sample}`);
    assertReadsBack(samples.join("\n"));
    for (const step of ["0", "1", "4", "6"])
      assertReadsBack(samples.join("\n"), { env: { SPFBEHAVIOR: step } });
  });

  for (const text of [
    'Tag "a # b"',
    'Tag a \\ b "c"',
    'Tag " lead and trail "',
    'Socket "unix:/run/a b#c.sock"',
    "WhitelistFrom <<friend>>",
    "WhitelistFrom <file:/etc/friends>",
    'WhitelistFrom "John Doe@example.net"',
    "WhitelistFrom a@b@",
    "WhitelistTo jürgen@münchen.example",
    "Nameserver [2001:db8::53]:5353\nNameserver 192.0.2.1:5353",
    "ClientIPNAT 10.0.0.5 2001:db8::5",
    "Socket inet6:8890",
    'RejectReason "see https://x.example/#spf"',
    "SPFExplanation see%_%{i} 100%%",
    'PolicyFor to=a@example.net from="a b@c.example" RejectReason="a \\"b\\" # c" "Tag=[two words]" Tag' +
      "Subject=off",
    "PolicyFor ptr=.x.example Tag=a\\b QuarantineBox=x@y.example",
    "RefuseHeloFail off\nRefuseFail off\nCheckHelo on\nPolicyFor ip=::1 RefuseFail=on",
    "SPFBehavior 6\nRefuseSoftFail off\nTagSubject on",
    "SPFBehavior 0",
    "SPFBestGuess on",
    "TTL 0\nLookupTime 90\nIdleTimeout 36h",
  ]) {
    it(`reads back: ${text}`, () => {
      assertReadsBack(text);
    });
  }

  const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 });
  const quoted = text.map((value) => `"${value.replace(/["\\]/g, "\\$&")}"`);
  const line = fc.oneof(
    fc.tuple(
      fc.constantFrom("WhitelistFrom", "WhitelistTo", "Tag", "RejectReason", "AuthservID"),
      fc.oneof(text, quoted),
    ),
    fc.tuple(
      fc.constant("PolicyFor ip=::1"),
      fc.tuple(fc.constantFrom("Tag", "RejectReason", "to", "from"), quoted).map((pair) => pair.join("=")),
    ),
  );

  it(`reads back whatever can be read (seed ${SEED})`, () => {
    fc.assert(
      fc.property(fc.array(line, { maxLength: 4 }), (lines) => {
        const conf = lines.map((words) => words.join(" ").replaceAll("\n", " ")).join("\n");
        fc.pre(parse(conf).settings !== undefined);
        assertReadsBack(conf);
      }),
      { seed: SEED, numRuns: 500 },
    );
  });
});
