import assert from "node:assert/strict";
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { FORMS, MONTH_LOCAL, MONTH_ZONE, type Month, mailMonth } from "../../support/mail-month.ts";
import { type Nameserver, startNameserver } from "../../support/nameserver/index.ts";
import { blocksOf } from "../../unit/documents/page.ts";
import { buildProgram, type Program } from "./program.ts";

let nameserver: Nameserver;
let program: Program;
let folder: string;

interface Suggestion {
  readonly kind: string;
  readonly value: string;
  readonly line: string | null;
  readonly domain: string | null;
  readonly count: number;
  readonly days: number;
  readonly risk: string;
}

interface Row {
  readonly refused: number;
  readonly report_only: number;
}

interface Json {
  readonly version: number;
  readonly lines: unknown;
  readonly messages: number;
  readonly results: unknown;
  readonly actions: unknown;
  readonly days: readonly (Row & { readonly date: string; readonly results: unknown })[];
  readonly domains: readonly (Row & { readonly domain: string })[];
  readonly clients: readonly (Row & { readonly ip: string })[];
  readonly yours: { readonly domains: unknown; readonly clients: readonly { readonly ip: string }[] };
  readonly errors: readonly { readonly domain: string; readonly result: string; readonly count: number }[];
  readonly rules: readonly { readonly rule: string; readonly hits: number }[];
  readonly suggestions: readonly Suggestion[];
  readonly what_if: unknown;
}

/** The lines in a file that was last written when the last of them came. */
function write(name: string, { lines }: Month, pack = false): string {
  const path = join(folder, name);
  const text = Buffer.from(`${lines.join("\n")}\n`, "latin1");
  writeFileSync(path, pack ? gzipSync(text) : text);
  const end = new Date(2026, 10, 19, 12);
  utimesSync(path, end, end);
  return path;
}

async function report(file: string, ...args: readonly string[]): Promise<Json> {
  const ended = await program.run([
    "--format=json",
    "--detail=1000",
    `--nameserver=127.0.0.1:${nameserver.port}`,
    ...MONTH_LOCAL,
    ...args,
    file,
  ]);
  assert.equal(ended.err, "");
  assert.equal(ended.code, 0);
  return JSON.parse(ended.out) as Json;
}

const sorted = <T>(values: readonly T[]): readonly T[] =>
  [...values].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));

describe("spfreport over a month of mail", { concurrency: 2 }, () => {
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "spfreport-month-"));
    program = await buildProgram(folder);
    nameserver = await startNameserver(MONTH_ZONE, { timeoutAs: "SERVFAIL" });
  });
  after(async () => {
    await nameserver.close();
    rmSync(folder, { recursive: true });
  });

  for (const [at, form] of FORMS.entries()) {
    it(`is exact in every number for ${form} lines`, async () => {
      const month = mailMonth({ form, seed: at + 1, head: at % 2 === 0 ? "rfc3164" : "rfc3339" });
      const { truth } = month;
      const file = write(`${form}.log`, month, at % 2 === 1);
      const said = await report(file, "--what-if", "RefuseSoftFail=on");
      assert.equal(said.version, 1);
      assert.deepEqual(said.lines, truth.lines);
      assert.equal(said.messages, truth.messages);
      assert.deepEqual(said.results, truth.results);
      assert.deepEqual(said.actions, truth.actions);
      assert.deepEqual(
        said.days,
        [...truth.days].map(([date, { results, refused, report_only }]) => ({
          date,
          results,
          refused,
          report_only,
        })),
      );
      assert.deepEqual(
        sorted(said.domains),
        sorted([...truth.domains].map(([domain, row]) => ({ domain, ...row }))),
      );
      assert.deepEqual(
        sorted(said.clients.map(({ ip, refused, report_only }) => ({ ip, refused, report_only }))),
        sorted([...truth.clients].map(([ip, row]) => ({ ip, ...row }))),
      );
      assert.deepEqual(said.yours.domains, [{ domain: "rig.test", ...truth.domains.get("rig.test") }]);
      assert.deepEqual(
        sorted(said.yours.clients.map(({ ip }) => ip)),
        sorted(["203.0.113.8", "203.0.113.9"]),
      );
      assert.deepEqual(
        sorted(said.errors.map(({ domain, result, count }) => [`${result} ${domain}`, count])),
        sorted([...truth.errors]),
      );
      assert.deepEqual(sorted(said.rules.map(({ rule, hits }) => [rule, hits])), sorted([...truth.rules]));
      assert.deepEqual(
        sorted(said.suggestions.map(({ risk: _, ...rest }) => rest)),
        sorted(truth.suggestions),
      );
      const was = total(truth.domains.values());
      assert.deepEqual(said.what_if, {
        settings: ["RefuseSoftFail=on"],
        was,
        refused: was + truth.softfails,
        added: truth.softfails,
        removed: 0,
      });
    });
  }

  it("is what docs/first-week.md shows, with other figures", async () => {
    const file = write("shown.log", mailMonth({ form: "classic" }));
    const options = [`--nameserver=127.0.0.1:${nameserver.port}`, ...MONTH_LOCAL, file];
    const { out } = await program.run(options);
    const words = (text: string): string =>
      text
        .replace(/\d[\d.,]*/g, "0")
        .replace(/[-─]{3,}/g, "")
        .replaceAll("rig.test", "example.org")
        .replace(/\s+/g, " ")
        .trim();
    const shown = blocksOf("docs/first-week.md").find(({ language }) => language === "text")?.text ?? "";
    const [total = "", ...rest] = shown.split(/\n(?=\n|  \S)/);
    assert.ok(rest.length > 2);
    // In that week nothing was refused yet.
    for (const part of [total.replace(/^\d+ of \d+ messages /, ""), ...rest])
      assert.ok(words(out).includes(words(part)), part);
  });

  it("does not suggest again what smf-spf.conf has", async () => {
    const month = mailMonth({ form: "classic" });
    const config = join(folder, "smf-spf.conf");
    writeFileSync(
      config,
      "TrustedForwarder alumni.example\nWhitelistPTR .club.example\nTrustedRelay 203.0.113.8\nWhitelistIP 203.0.113.9\n",
    );
    const said = await report(write("again.log", month), "-c", config);
    assert.deepEqual(said.suggestions.map(({ kind }) => kind).sort(), ["include", "postmaster"]);
  });

  it("asks no DNS with --no-dns, and suggests only what needs none", async () => {
    const unasked = await startNameserver(MONTH_ZONE);
    const file = write("nodns.log", mailMonth({ form: "detailed" }));
    const said = await report(file, "--no-dns", `--nameserver=127.0.0.1:${unasked.port}`);
    assert.equal(unasked.questions.total, 0);
    await unasked.close();
    assert.deepEqual(said.suggestions.map(({ kind }) => kind).sort(), [
      "TrustedRelay",
      "WhitelistIP",
      "postmaster",
    ]);
  });

  it("says what a TrustedForwarder would have spared", async () => {
    const month = mailMonth({ form: "2.5" });
    const said = await report(write("whatif.log", month), "--what-if", "TrustedForwarder=alumni.example");
    const spared = month.truth.suggestions.find(({ value }) => value === "alumni.example")?.count ?? 0;
    const was = total(month.truth.domains.values());
    assert.deepEqual(said.what_if, {
      settings: ["TrustedForwarder=alumni.example"],
      was,
      refused: was - spared,
      added: 0,
      removed: spared,
    });
  });
});

function total(rows: Iterable<Row>): number {
  let sum = 0;
  for (const { refused, report_only } of rows) sum += refused + report_only;
  return sum;
}
