import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { MONTH_LOCAL, mailMonth } from "../../support/mail-month.ts";
import { buildProgram, type Ended, type Program } from "./program.ts";

let folder: string;
let program: Program;

const TZ = { TZ: "Europe/Berlin" };
const pass = (time: string, from = "a@b.example"): string =>
  `${time} mx smf-spf[7]: SPF pass: 192.0.2.1, h.example, h.example, ${from}`;
const FAIL = [
  "2026-11-22T03:18:00Z mx smf-spf[7]: SPF fail: 192.0.2.9, h, h, a@b.example",
  '2026-11-22T03:18:00Z mx smf-spf[7]: SPF refused: 192.0.2.9, h, h, a@b.example, reason="SPF fail"',
];

function write(name: string, content: string | Buffer | readonly string[], written?: string): string {
  const path = join(folder, name);
  writeFileSync(
    path,
    typeof content === "string" || Buffer.isBuffer(content) ? content : `${content.join("\n")}\n`,
  );
  if (written !== undefined) utimesSync(path, new Date(written), new Date(written));
  return path;
}

const run = (...argv: readonly string[]): Promise<Ended> => program.run(["--no-dns", ...argv], "", TZ);

interface Said {
  readonly lines: {
    readonly read: number;
    readonly events: number;
    readonly other: number;
    readonly unreadable: number;
  };
  readonly messages: number;
  readonly days: readonly { readonly date: string; readonly results: { readonly pass: number } }[];
}

async function json(
  ...argv: readonly string[]
): Promise<Said & { readonly code: number | null; readonly err: string }> {
  const { out, code, err } = await run("--format=json", ...argv);
  return { ...(JSON.parse(out) as Said), code, err };
}

describe("spfreport", { concurrency: 3 }, () => {
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "spfreport-test-"));
    program = await buildProgram(folder);
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  it("says of an empty file that there is nothing", async () => {
    const { code, out, err } = await run(write("empty", ""));
    assert.equal(code, 0);
    assert.match(out, /has no line of smf-spf/);
    assert.doesNotMatch(out, / $/m);
    assert.equal(err, "");
  });

  it("counts what it cannot read of a binary file", async () => {
    const noise = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * i * 7 + (i >> 3)) & 255));
    const { code, lines } = await json(write("binary", noise));
    assert.equal(code, 0);
    assert.ok(lines.unreadable > 0);
    assert.equal(lines.read, lines.other + lines.unreadable);
  });

  it("shows the first line that it cannot read, bounded and printable", async () => {
    const evil = `2026-11-22T03:18:00Z mx smf-spf[7]: SPF wrong: \x1b[31m${"long ".repeat(100)}`;
    const good = write("good.log", [pass("2026-11-22T03:18:00Z")], "2026-11-22T04:00:00Z");
    const bad = write("bad.log", [pass("2026-11-22T03:19:00Z"), evil, evil], "2026-11-22T05:00:00Z");
    const { out } = await run(good, bad);
    const [, shown = ""] =
      /\n2 lines could not be read and are not counted\.\n(The first [^]*)\n$/.exec(out) ?? [];
    assert.ok(shown.replaceAll("\n", " ").includes("bad.log, line 2): 2026-11-22T03:18:00Z mx"), shown);
    assert.ok(shown.includes("SPF wrong: \\x1b[31m"), shown);
    assert.ok(shown.length < 300 + bad.length, shown);
    assert.ok(
      shown.split("\n").every((line) => /^[ -~]{1,80}$/.test(line)),
      shown,
    );
    const { out: lines } = await run("--suggest", bad);
    assert.match(lines, /^# The first \([^]*bad\.log, line 2\)/m);
    assert.ok(
      lines.split("\n").every((line) => line === "" || line.startsWith("# ")),
      lines,
    );
    const { out: page } = await run("--format=html", bad);
    assert.match(page, />from memory<\/td><td[^>]*>0 \(0 %\)</);
    assert.match(page, /<p>The first \([^<]*bad\.log, line 2\): 2026/);
  });

  it("takes one line of many megabytes for one", async () => {
    const { lines } = await json(
      write("long", Buffer.concat([Buffer.alloc(5_000_000, 0x41), Buffer.from(`\n${FAIL[0] ?? ""}`)])),
    );
    assert.deepEqual(lines, { read: 2, events: 1, other: 0, unreadable: 1 });
  });

  it("passes over other programs' lines", async () => {
    const { lines } = await json(
      write("others", [
        "Nov 22 03:18:00 mx postfix/smtpd[9]: connect",
        "2026-11-22T03:18:00Z mx sm-mta[9]: x",
        "",
      ]),
    );
    assert.deepEqual(lines, { read: 3, events: 0, other: 3, unreadable: 0 });
  });

  it("exits with 66 for a missing file, and reads the others", async () => {
    const missing = join(folder, "missing");
    const { code, err, messages } = await json(missing, write("there", FAIL), folder);
    assert.equal(code, 66);
    assert.equal(messages, 1);
    assert.equal(
      err,
      `spfreport: ${missing}: no such file or directory\nspfreport: ${folder}: is a directory\n`,
    );
  });

  it("reads what there is of a compressed file that is cut off", async () => {
    const whole = gzipSync(
      Buffer.from(
        Array.from({ length: 2000 }, (_, i) => pass("2026-11-22T03:18:00Z", `u${i * i}@b.example`)).join(
          "\n",
        ),
      ),
    );
    const { code, err, messages } = await json(write("cut.gz", whole.subarray(0, whole.length - 200)));
    assert.equal(code, 66);
    assert.match(err, /is cut off/);
    assert.ok(messages > 0);
  });

  it("names the program for other compressions", async () => {
    const { code, err } = await json(write("log.xz", Buffer.from("\xfd7zXZ\0rest", "latin1")));
    assert.equal(code, 66);
    assert.match(err, /is compressed by xz/);
  });

  it("reads standard input, compressed or not, and files of any name that are", async () => {
    const text = `${FAIL.join("\n")}\n`;
    for (const input of [Buffer.from(text), gzipSync(text)]) {
      const { out } = await program.run(["--no-dns", "--format=json"], input, TZ);
      assert.equal((JSON.parse(out) as Said).messages, 1);
    }
    assert.equal((await json(write("log.packed", gzipSync(text)))).messages, 1);
    assert.equal(
      (await json(write("log.2", Buffer.concat([gzipSync(text), gzipSync(FAIL.join("\n"))])))).messages,
      2,
    );
  });

  it("knows the year at the turn of the year, and reads the oldest file first", async () => {
    const newer = write("log", [pass("Jan  1 00:10:00"), pass("Jan  2 00:10:00")], "2027-01-02T12:00:00Z");
    const older = write("log.1", [pass("Dec 30 23:50:00"), pass("Dec 31 23:50:00")], "2027-01-01T00:00:00Z");
    const { days } = await json(newer, older);
    assert.deepEqual(
      days.map(({ date }) => date),
      ["2026-12-30", "2026-12-31", "2027-01-01", "2027-01-02"],
    );
  });

  it("counts the hour that comes twice and knows days of 25 hours", async () => {
    const log = write(
      "dst",
      [
        "2026-10-25T02:30:00+02:00",
        "2026-10-25T02:30:00+01:00",
        "2026-10-25T22:59:00Z",
        "2026-10-25T23:01:00Z",
      ].map((time) => pass(time)),
    );
    const all = await json(log);
    assert.deepEqual(
      all.days.map(({ date, results }) => [date, results.pass]),
      [
        ["2026-10-25", 3],
        ["2026-10-26", 1],
      ],
    );
    assert.equal((await json("-d", "2026-10-25", log)).messages, 3);
  });

  it("includes --since and excludes --until", async () => {
    const log = write("period", [
      pass("2026-11-22T00:00:00"),
      pass("2026-11-22T12:00:00"),
      pass("2026-11-23T00:00:00"),
    ]);
    const said = await json("--since", "2026-11-22", "--until", "2026-11-23", log);
    assert.deepEqual(said.lines, { read: 3, events: 2, other: 1, unreadable: 0 });
    assert.equal((await json("--since", "2026-11-22 12:00:00", log)).messages, 2);
    assert.equal((await json("--until", "2026-11-22 12:00", log)).messages, 1);
  });

  it("says that lines are dated in the future", async () => {
    const { out } = await run(write("future", [pass("2999-01-01T00:00:00Z")]));
    assert.match(out, /1 line is dated in the future/);
  });

  it("is silent with -q when nothing was refused, and exits with 1 when something was", async () => {
    assert.deepEqual(await run("-q", write("well", [pass("2026-11-22T00:00:00")])), {
      code: 0,
      out: "",
      err: "",
    });
    const { code, out } = await run("-q", write("refused", FAIL));
    assert.equal(code, 1);
    assert.match(out, /^SPF report/);
  });

  it("does not say that no line is called for when it was not told what is yours", async () => {
    const file = write("unknown", FAIL);
    for (const format of ["--format=text", "--format=html", "--suggest"]) {
      const { out } = await run(format, file);
      assert.match(
        out,
        /No line for smf-spf\.conf was found\. Without --local some cannot be found\./,
        format,
      );
      const { out: told } = await run(format, "--local", "ours.test", file);
      assert.match(told, /Nothing in this log calls for a line in smf-spf\.conf\./, format);
    }
  });

  it("writes to the file of -o", async () => {
    const page = join(folder, "page.html");
    const { code, out } = await run("--format=html", "-o", page, write("page", FAIL));
    assert.deepEqual([code, out], [0, ""]);
    const html = readFileSync(page, "utf8");
    assert.match(html, /^<!DOCTYPE html>/);
    assert.match(
      html,
      /http-equiv="Content-Security-Policy" content="default-src &#39;none&#39;; style-src &#39;sha256-/,
    );
    assert.doesNotMatch(html, /<script|https?:/);
    assert.equal((await run("-o", join(folder, "no/where"), write("page2", FAIL))).code, 73);
  });

  it("fits 80 columns, with and without colour and UTF-8", async () => {
    const { lines } = mailMonth({ form: "detailed" });
    const log = write("month", lines);
    for (const env of [{ LC_ALL: "C" }, { LC_ALL: "C.UTF-8" }, { LC_ALL: "C.UTF-8", FORCE_COLOR: "1" }]) {
      const { out } = await program.run(["--no-dns", ...MONTH_LOCAL, log], "", { ...TZ, ...env });
      const plain = out.replace(/\x1b\[\d+m/g, "");
      for (const line of plain.split("\n")) assert.ok(Array.from(line).length <= 80, line);
      assert.equal(out === plain, !("FORCE_COLOR" in env));
      if (env.LC_ALL === "C") assert.doesNotMatch(out, /[^\n\x20-\x7e]/);
      assert.doesNotMatch(plain, /[ \t]$/m);
    }
  });

  it("is quiet when its reader has seen enough", async () => {
    const child = spawn("sh", ["-c", `"$NODE" "$PROGRAM" --no-dns --detail 1000 "$LOG" | head -n 1`], {
      env: {
        ...process.env,
        NODE: process.execPath,
        PROGRAM: program.file,
        LOG: write("head", mailMonth({ form: "classic" }).lines),
      },
    });
    let err = "";
    let out = "";
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString("utf8")));
    child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString("utf8")));
    await new Promise((resolve) => child.on("close", resolve));
    assert.equal(err, "");
    assert.match(out, /^SPF report/);
  });

  for (const [what, argv, code, words] of [
    ["an unknown option", ["--nonsense"], 64, /unknown option/],
    ["a date that is none", ["-d", "2026-02-30"], 64, /today, yesterday or/],
    ["a time that is none", ["--since", "7 days"], 64, /YYYY-MM-DD/],
    ["a day and a time", ["-d", "today", "--since", "2026-11-01"], 64, /either --date/],
    ["an empty period", ["--since", "2026-11-02", "--until", "2026-11-01"], 64, /earlier than --until/],
    ["a network that is none", ["--local", "192.0.2.0/33"], 64, /network/],
    ["a format that is none", ["--format", "pdf"], 64, /html/],
    ["an unknown setting", ["--what-if", "RefuseAll=on"], 64, /RefuseAll/],
    ["a bad setting", ["--what-if", "RefuseSoftFail=maybe"], 64, /RefuseSoftFail/],
    ["a setting without a value", ["--what-if", "RefuseSoftFail"], 64, /Option=value/],
    ["--suggest in another form", ["--suggest", "--format=json"], 64, /--suggest/],
    ["a configuration that is missing", ["-c", "/nonexistent/smf-spf.conf"], 66, /no such file/],
  ] as const) {
    it(`exits with ${code} for ${what}`, async () => {
      const { code: ended, err, out } = await run(...argv);
      assert.equal(ended, code);
      assert.match(err, words);
      assert.equal(out, "");
    });
  }

  it("exits with 78 for a configuration with faults", async () => {
    const config = write("bad.conf", "RefuseFail maybe\n");
    const { code, err } = await run("-c", config);
    assert.equal(code, 78);
    assert.match(err, /bad\.conf:1: RefuseFail: /);
  });

  it("reads the journal from --since on", async () => {
    const bin = join(folder, "bin");
    mkdirSync(bin);
    const script = `#!/bin/sh\necho "$*" >"${folder}/journal.args"\ncat <<'END'\n${FAIL.join("\n")}\nEND\n`;
    writeFileSync(join(bin, "journalctl"), script, { mode: 0o755 });
    const env = { ...TZ, PATH: `${bin}:${process.env["PATH"] ?? ""}` };
    const argv = ["--no-dns", "--format=json", "--journal", "--since", "2026-11-20"];
    const { code, out } = await program.run(argv, "", env);
    assert.equal(code, 0);
    assert.equal((JSON.parse(out) as Said).messages, 1);
    const since = Date.UTC(2026, 10, 19, 23) / 1000;
    assert.equal(
      readFileSync(join(folder, "journal.args"), "utf8"),
      `-t smf-spf -o short-iso-precise --no-pager -q --since=@${since}\n`,
    );
    writeFileSync(join(bin, "journalctl"), "#!/bin/sh\necho No journal files were found. >&2\nexit 1\n");
    const failed = await program.run(argv, "", env);
    assert.equal(failed.code, 66);
    assert.match(failed.err, /journalctl: No journal files were found/);
  });

  it("shows a long time by month", async () => {
    const times = Array.from({ length: 100 }, (_, i) => new Date(Date.UTC(2026, 5, 1 + i, 12)).toISOString());
    const { out } = await run(
      write(
        "months",
        times.map((time) => pass(time)),
      ),
    );
    assert.match(out, /^Months /m);
    assert.match(out, /^ {2}2026-07 +31 /m);
  });

  it("prints only lines and comments with --suggest", async () => {
    const log = write("suggest", mailMonth({ form: "classic" }).lines);
    const { out } = await program.run(["--no-dns", "--suggest", ...MONTH_LOCAL, log], "", TZ);
    const lines = out.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    assert.deepEqual(lines, ["TrustedRelay 203.0.113.8", "WhitelistIP 203.0.113.9"]);
  });
});
