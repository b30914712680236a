import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { build } from "esbuild";
import { type Nameserver, startNameserver } from "../../support/nameserver/index.ts";

const ROOT = join(import.meta.dirname, "../../..");

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

let nameserver: Nameserver;
/** The program in one file, as it is installed: it starts at once. */
let program: string;
let folder: string;

function spfquery(argv: readonly string[], input = "", env: Record<string, string> = {}): Promise<Ended> {
  const child = spawn(process.execPath, [program, ...argv], {
    env: { ...process.env, LC_ALL: "C.UTF-8", ...env },
  });
  let out = "";
  let err = "";
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString("utf8")));
  child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString("utf8")));
  child.stdin.end(input);
  return new Promise((resolve) => {
    child.on("close", (code) => {
      resolve({ code, out, err });
    });
  });
}

const server = (): string => `--nameserver=127.0.0.1:${nameserver.port}`;

describe("spfquery", { concurrency: 4 }, () => {
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "spfquery-test-"));
    program = join(folder, "spfquery.cjs");
    const entryPoints = [join(ROOT, "src/spfquery/main.ts")];
    await build({ entryPoints, outfile: program, bundle: true, platform: "node", format: "cjs" });
    nameserver = await startNameserver({
      "pass.test.example": [{ TXT: "v=spf1 ip4:192.0.2.1 -all" }],
      "soft.test.example": [{ TXT: "v=spf1 ~all" }],
      "again.test.example": [{ TXT: "v=spf1 -all" }],
      "down.test.example": ["SERVFAIL"],
      "mute.test.example": ["TIMEOUT"],
    });
  });
  after(async () => {
    await nameserver.close();
    rmSync(folder, { recursive: true });
  });

  const ends: readonly (readonly [string, string[], number, RegExp])[] = [
    [
      "a fail in qmail's style",
      ["192.0.2.9", "h.example", "a@pass.test.example"],
      0,
      /^result=fail\nReceived-SPF: Fail /,
    ],
    [
      "a pass in Mail::SPF's style",
      ["--ip-address", "192.0.2.1", "--identity", "a@pass.test.example"],
      0,
      /^result=pass\n/,
    ],
    [
      "a softfail in Mail::SPF's style",
      ["--ip-address=192.0.2.1", "--identity=a@soft.test.example"],
      2,
      /^result=softfail\n/,
    ],
    [
      "a pass in libspf2's style",
      ["-ip=192.0.2.1", "-sender=a@pass.test.example", "-helo=h"],
      2,
      /^result=pass\n/,
    ],
    [
      "a temperror in libspf2's style",
      ["-ip", "192.0.2.1", "-sender", "a@down.test.example"],
      6,
      /^result=temperror\n/,
    ],
    [
      "a chosen style",
      ["--exit-style=libspf2", "192.0.2.1", "h", "a@soft.test.example"],
      4,
      /^result=softfail\n/,
    ],
    [
      "local rules by their outcome",
      ["--exit-style=mail-spf", "192.0.2.9", "h", "a@pass.test.example", "ip4:192.0.2.9"],
      0,
      /^result=pass\n/,
    ],
    [
      "a name server that stays silent",
      ["--exit-style=mail-spf", "--timeout=300ms", "192.0.2.9", "h", "a@mute.test.example"],
      5,
      /^result=temperror\n/,
    ],
  ];
  for (const [what, argv, code, out] of ends) {
    it(`exits with ${code} for ${what}`, async () => {
      const ended = await spfquery([server(), ...argv]);
      assert.match(ended.out, out);
      assert.equal(ended.code, code);
      assert.equal(ended.err, "");
    });
  }

  const usage: readonly (readonly [string[], number])[] = [
    [["192.0.2.1", "h"], 100],
    [["--ip-address", "x", "--identity", "a@b.example"], 255],
    [["-ip=x", "-sender=a@b.example"], 255],
  ];
  for (const [argv, code] of usage) {
    it(`exits with ${code} for ${argv.join(" ")}, and shows how it goes`, async () => {
      const ended = await spfquery(argv);
      assert.equal(ended.code, code);
      assert.equal(ended.out, "");
      assert.match(ended.err, /^spfquery: .+\n {2}example: spfquery .+\n/);
    });
  }

  it("prints the trace, in colour when forced to", async () => {
    const argv = [server(), "--trace", "192.0.2.9", "h.example", "a@pass.test.example"];
    const [plain, coloured] = await Promise.all([spfquery(argv), spfquery(argv, "", { FORCE_COLOR: "1" })]);
    assert.match(
      plain.out,
      /^result=fail\nReceived-SPF: Fail .*\n(?: .*\n)+\na@pass\.test\.example from 192\.0\.2\.9/,
    );
    assert.match(plain.out, /\n└─ -all +decides: fail\n/);
    assert.ok(!plain.out.includes("\x1b"));
    assert.match(coloured.out, /\x1b\[1;31mdecides: fail\x1b\[0m/);
  });

  it("prints one JSON object with --json", async () => {
    const { out } = await spfquery([server(), "--json", "192.0.2.1", "h.example", "a@pass.test.example"]);
    const report = JSON.parse(out) as Record<string, unknown>;
    assert.equal(out.indexOf("\n"), out.length - 1);
    assert.equal(report["result"], "pass");
    assert.deepEqual(report["path"], [{ domain: "pass.test.example", term: "ip4:192.0.2.1" }]);
    assert.equal((report["trace"] as Record<string, unknown>)["record"], "v=spf1 ip4:192.0.2.1 -all");
  });

  it("answers every line of a batch in order, malformed ones too", async () => {
    const lines = [
      ...Array.from({ length: 100 }, (_, i) => ({
        id: i,
        ip: `192.0.2.${i}`,
        helo: "h",
        sender: "a@pass.test.example",
      })),
      { id: "null", ip: "192.0.2.1", helo: "pass.test.example", sender: "" },
      { id: "dns", ip: "192.0.2.1", helo: "h", sender: "a@pass.test.example", dns: "127.0.0.1:1" },
      {
        id: "words",
        ip: "192.0.2.9",
        helo: "h",
        sender: "a@pass.test.example",
        default_explanation: "no %{i}",
      },
    ];
    const input = `${lines.map((line) => JSON.stringify(line)).join("\n")}\nnonsense\n{"id":"last","ip":"192.0.2.1","helo":"","sender":"a@none.test.example"}`;
    const { out, err, code } = await spfquery([server(), "--batch"], input);
    assert.match(
      err,
      /^spfquery: 104 checks in [\d.]+ s: none 1, pass 2, fail 100, temperror 1; 1 not understood\n$/,
    );
    const answers = out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.equal(code, 0);
    assert.deepEqual(
      answers.slice(0, 100).map(({ id, result }) => [id, result]),
      lines.slice(0, 100).map(({ id }) => [id, id === 1 ? "pass" : "fail"]),
    );
    assert.deepEqual(answers.slice(100), [
      { id: "null", result: "pass", explanation: null, mechanism: "ip4:192.0.2.1", lookups: 0, voids: 0 },
      {
        id: "dns",
        result: "temperror",
        explanation: null,
        mechanism: null,
        lookups: 0,
        voids: 0,
        problem: answers[101]!["problem"],
      },
      { id: "words", result: "fail", explanation: "no 192.0.2.9", mechanism: "-all", lookups: 0, voids: 0 },
      { error: 'neither JSON nor a line of the maillog: "nonsense"' },
      { id: "last", result: "none", explanation: null, mechanism: null, lookups: 0, voids: 0 },
    ]);
  });

  it("says what the daemon would do with a line of the log", async () => {
    const conf = join(folder, "policy.conf");
    writeFileSync(conf, `Nameserver 127.0.0.1:${nameserver.port}\nWhitelistFrom friend@pass.test.example\n`);
    const policy = ["--policy", "-c", conf];
    const line = (from: string): string => `SPF fail: 192.0.2.9, [192.0.2.9], h.example, ${from}`;
    const refused = await spfquery([...policy, "--line", line("a@pass.test.example")]);
    assert.match(refused.out, /\n {2}refused at MAIL:\n {4}550 5\.7\.23 /);
    const exempt = await spfquery([...policy, "--line", line("friend@pass.test.example")]);
    assert.match(
      exempt.out,
      /\n {2}skipped: WhitelistFrom friend@pass\.test\.example\n? *\(.*policy\.conf:2\)\n/,
    );
    assert.match(exempt.out, /\n {2}the message is delivered\n$/);
    const log = `Nov 22 03:18:00 mx smf-spf[7]: ${line("a@pass.test.example")}\nNov 22 03:18:00 mx sshd[1]: x\n`;
    const { out, err } = await spfquery([...policy, "--batch"], log);
    const answer = JSON.parse(out) as {
      result: string;
      policy: { stage: string; actions: { rule: string }[] };
    };
    assert.equal(answer.result, "fail");
    assert.equal(answer.policy.stage, "MAIL");
    assert.equal(answer.policy.actions[0]?.rule, "RefuseFail");
    assert.match(err, /1 check in [\d.]+ s: fail 1; 1 refused; 1 other lines\n$/);
  });

  it("names file and line where the configuration has faults", async () => {
    const conf = join(folder, "faulty.conf");
    writeFileSync(conf, "RefuseFail maybe\nTTL soon\n");
    const argv = ["--policy", "-c", conf, "192.0.2.9", "h.example", "a@b.example"];
    const { code, err } = await spfquery(argv);
    assert.equal(code, 100);
    const [first, second, third, ...more] = err.split("\n");
    assert.match(first ?? "", /^spfquery: .*faulty\.conf:1: RefuseFail: .* expected on, off or nomail/);
    assert.match(second ?? "", /^spfquery: .*faulty\.conf:2: TTL: /);
    assert.equal(third, `spfquery: see all of it with: smf-spf -t -c ${conf}`);
    assert.deepEqual(more, [""]);
    const missing = await spfquery(argv.map((word) => (word === conf ? `${conf}.none` : word)));
    assert.equal(missing.code, 100);
    assert.equal(missing.err, `spfquery: ${conf}.none: no such file\n`);
  });

  it("tells what it could not use of the configuration", async () => {
    const conf = join(folder, "doubtful.conf");
    writeFileSync(conf, "RefuseSoftfial on\n");
    const argv = [server(), "--policy", "-c", conf, "192.0.2.9", "h.example", "a@soft.test.example"];
    const { code, out, err } = await spfquery(argv);
    assert.equal(code, 0);
    assert.match(out, /\nPolicy of .*doubtful\.conf\n/);
    assert.match(err, /^spfquery: .*doubtful\.conf:1: RefuseSoftfial: warning: unknown option; .*\n$/);
  });

  it("says in words why a message cannot be read", async () => {
    const { code, err } = await spfquery(["--mail", join(folder, "none.eml")]);
    assert.equal(code, 255);
    assert.match(err, /^spfquery: .*none\.eml cannot be read: no such file or directory\n$/);
  });

  it("prints nothing wider than 80 columns with --help and --trace", async () => {
    const outputs = await Promise.all([
      spfquery(["--help"]),
      spfquery([server(), "--trace", "192.0.2.9", "h.example", "a@pass.test.example"], "", { LC_ALL: "C" }),
    ]);
    for (const { out } of outputs) {
      assert.deepEqual(
        out.split("\n").filter((line) => line.length > 80),
        [],
      );
    }
  });

  it("asks again for every line of a batch", async () => {
    const line = '{"ip":"192.0.2.1","helo":"h","sender":"a@again.test.example"}\n';
    await spfquery([server(), "--batch"], line.repeat(5));
    assert.equal(nameserver.questions.of("again.test.example", "TXT"), 5);
  });

  const question = (sender: string): string[] => [server(), "--ip-address=192.0.2.1", `--identity=${sender}`];

  it("keeps the code of the result where nobody reads what it prints", async () => {
    const child = spawn(process.execPath, [program, ...question("a@soft.test.example")]);
    child.stdout.destroy();
    const code = await new Promise((resolve) => child.on("close", resolve));
    assert.equal(code, 2);
  });

  for (const [what, args] of [
    ["a result", () => question("a@pass.test.example")],
    ["a batch", () => [server(), "--batch", "--exit-style=mail-spf"]],
  ] as const) {
    it(`has no code of a result where ${what} cannot be written`, {
      skip: !existsSync("/dev/full") && "there is no /dev/full",
    }, async () => {
      const full = openSync("/dev/full", "w");
      const child = spawn(process.execPath, [program, ...args()], { stdio: ["pipe", full, "pipe"] });
      child.stdin?.end('{"ip":"192.0.2.1","helo":"h","sender":"a@pass.test.example"}\n');
      let err = "";
      child.stderr?.on("data", (chunk: Buffer) => (err += chunk.toString("utf8")));
      const code = await new Promise((resolve) => child.on("close", resolve));
      closeSync(full);
      assert.match(err, /^spfquery: cannot write the output: .*no space left/);
      assert.equal(code, 255);
    });
  }

  it("says so where its input is a folder", async () => {
    const input = openSync(folder, "r");
    const child = spawn(process.execPath, [program, server(), "--batch"], { stdio: [input, "pipe", "pipe"] });
    let err = "";
    child.stderr?.on("data", (chunk: Buffer) => (err += chunk.toString("utf8")));
    const code = await new Promise((resolve) => child.on("close", resolve));
    closeSync(input);
    assert.match(err, /^spfquery: standard input is a directory/);
    assert.equal(code, 100);
  });

  it("ends without a word when its reader has seen enough", async () => {
    const child = spawn(process.execPath, [program, server(), "--batch"]);
    child.stdout.destroy();
    child.stdin.on("error", () => undefined);
    child.stdin.end('{"ip":"192.0.2.1","helo":"h","sender":"a@soft.test.example"}\n'.repeat(2000));
    let err = "";
    child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString("utf8")));
    const code = await new Promise((resolve) => child.on("close", resolve));
    assert.deepEqual([code, err], [0, ""]);
  });
});
