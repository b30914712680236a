/** The packages as others get them: packed, unpacked elsewhere, and used as their README shows. */
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { exitOf, PATIENCE_MS, until } from "../../support/child-process.ts";
import { MtaPlayer, openSocket } from "../../support/mta-player.ts";
import { startNameserver } from "../../support/nameserver/index.ts";

const ROOT = join(import.meta.dirname, "../../..");
const folder = mkdtempSync(join(tmpdir(), "smf-spf-packages-test-"));
const installed = (name: string): string => join(folder, "node_modules", name);

/** The first example of a README, which may have so many lines besides empty ones. */
function example(name: string, linesMax: number): string {
  const code = /```js\n([\s\S]*?)```/.exec(readFileSync(join(installed(name), "README.md"), "utf8"))?.[1];
  assert.ok(code !== undefined);
  assert.ok(code.split("\n").filter((line) => line !== "").length <= linesMax);
  return code;
}

function start(file: string, code: string): ChildProcess {
  writeFileSync(join(folder, file), code);
  return spawn(process.execPath, [file], { cwd: folder, stdio: ["ignore", "pipe", "inherit"] });
}

async function firstLine({ stdout }: ChildProcess): Promise<string> {
  assert.ok(stdout !== null);
  let text = "";
  let isOver = false;
  stdout.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  stdout.on("end", () => {
    isOver = true;
  });
  await until("a line", () => isOver || text.includes("\n"));
  return text.trim();
}

/** Holds the types of the packages to the strictest compiler, as modules of somebody else's see them. */
function compile(modules: Readonly<Record<string, string>>): void {
  for (const [file, code] of Object.entries(modules)) writeFileSync(join(folder, file), code);
  const options = [
    "--ignoreConfig",
    "--noEmit",
    "--strict",
    "--exactOptionalPropertyTypes",
    "--module",
    "nodenext",
  ];
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
  execFileSync(
    process.execPath,
    [tsc, ...options, "--target", "es2023", "--types", "node", ...Object.keys(modules)],
    {
      cwd: folder,
      stdio: ["ignore", "inherit", "inherit"],
    },
  );
}

describe("packages", () => {
  before(() => {
    for (const [where, env] of [
      ["packed", process.env],
      ["signed", { ...process.env, PACKAGE_REPOSITORY: "git+https://git.example.org/smf-spf.git" }],
    ] as const) {
      execFileSync(process.execPath, [join(ROOT, "packages.mjs"), join(folder, where)], {
        stdio: "ignore",
        timeout: 4 * PATIENCE_MS,
        env,
      });
    }
    for (const tarball of readdirSync(join(folder, "packed"))) {
      const name = tarball.replace(/-\d.*$/, "");
      mkdirSync(installed(name), { recursive: true });
      const from = join(folder, "packed", tarball);
      execFileSync("tar", ["xzf", from, "-C", installed(name), "--strip-components=1"]);
    }
    symlinkSync(join(ROOT, "node_modules/@types"), installed("@types"));
    writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  for (const name of ["milter-protocol", "spf-check"]) {
    it(`${name} holds what its manifest names, and needs nothing else`, () => {
      const manifest = JSON.parse(readFileSync(join(installed(name), "package.json"), "utf8")) as {
        readonly exports: { readonly ".": Readonly<Record<string, string>> };
        readonly [key: string]: unknown;
      };
      for (const path of Object.values(manifest.exports["."])) readFileSync(join(installed(name), path));
      assert.deepEqual([manifest["dependencies"], manifest["private"]], [undefined, undefined]);
      const code = readFileSync(join(installed(name), "index.js"), "utf8");
      const imported = [...code.matchAll(/^import .* from "([^"]+)"/gm)].map(([, specifier]) => specifier);
      assert.ok(
        imported.every((specifier) => specifier?.startsWith("node:")),
        imported.join(),
      );
    });
  }

  const tarballOf = (name: string, where = "packed"): string => {
    const found = readdirSync(join(folder, where)).find((file) => file.startsWith(`${name}-`));
    assert.ok(found !== undefined);
    return join(folder, where, found);
  };

  for (const name of ["milter-protocol", "spf-check"]) {
    it(`${name} has nothing that publint or attw would warn of`, () => {
      const publint = join(ROOT, "node_modules/publint/src/cli.js");
      const attw = join(ROOT, "node_modules/@arethetypeswrong/cli/dist/index.js");
      for (const args of [
        [publint, "run", "--strict", tarballOf(name)],
        [attw, "--profile", "esm-only", "--format", "ascii", tarballOf(name)],
      ]) {
        const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
        assert.equal(status, 0, stdout + stderr);
      }
    });

    it(`${name} can be published, with its origin where the repository is known`, () => {
      const manifestOf = (tarball: string): Record<string, unknown> =>
        JSON.parse(
          execFileSync("tar", ["xzOf", tarball, "package/package.json"], { encoding: "utf8" }),
        ) as Record<string, unknown>;
      assert.deepEqual(manifestOf(tarballOf(name, "signed"))["repository"], {
        type: "git",
        url: "git+https://git.example.org/smf-spf.git",
        directory: `src/${name}`,
      });
      assert.deepEqual(manifestOf(tarballOf(name, "signed"))["publishConfig"], {
        access: "public",
        provenance: true,
      });
      assert.equal(manifestOf(tarballOf(name))["repository"], undefined);
      // A registry that is not there: nothing can be sent by mistake.
      const { status, stdout, stderr } = spawnSync(
        "npm",
        [
          "publish",
          "--dry-run",
          "--json",
          "--fetch-retries",
          "0",
          "--registry",
          "http://127.0.0.1:9/",
          tarballOf(name),
        ],
        { encoding: "utf8", cwd: folder, timeout: 4 * PATIENCE_MS },
      );
      assert.equal(status, 0, stderr);
      assert.match(stdout, /"index\.js"[\s\S]*"types\//);
    });
  }

  it("spf-check makes the check of its README", async () => {
    const server = await startNameserver({
      "example.org": [{ TXT: "v=spf1 mx exists:%{i}.list.test -all" }, { MX: [10, "mx.example.org"] }],
      "mx.example.org": [{ A: "192.0.2.9" }],
      "192.0.2.1.list.test": [{ A: "127.0.0.2" }],
    });
    const code = example("spf-check", 10);
    const ours = code.replace(
      "const dns = new Resolver();",
      `const dns = new Resolver(); dns.setServers(["127.0.0.1:${server.port}"]);`,
    );
    assert.notEqual(ours, code);
    const check = start("check.mjs", ours);
    try {
      assert.equal(await firstLine(check), "pass exists:%{i}.list.test");
    } finally {
      check.kill();
      await server.close();
    }
  });

  it("milter-protocol makes the milter of its README", async () => {
    const code = example("milter-protocol", 25);
    const milter = start("milter.mjs", code.replace("8890,", "0,"));
    try {
      const port = Number(await firstLine(milter));
      const mta = new MtaPlayer(await openSocket({ host: "127.0.0.1", port }));
      await mta.connect({ hostname: "client.test", address: "192.0.2.1" });
      await mta.helo("client.test");
      const refused = await mta.mail("<a@refused.example>");
      assert.equal(refused.kind, "reply");
      mta.abort();
      assert.equal((await mta.mail("<a@other.example>")).kind, "continue");
      await mta.rcpt("<b@here.test>");
      await mta.data();
      const { edits, verdict } = await mta.endOfMessage();
      assert.deepEqual([edits.map(({ kind }) => kind), verdict.kind], [["addHeader"], "continue"]);
      mta.quit();
    } finally {
      const over = exitOf(milter, "close");
      milter.kill();
      await over;
    }
  });

  it("their types hold for others", () => {
    compile({
      "spf.ts": `import { answerFrom, checkHost, DEFAULT_INPUT, type Outcome, parseIpAddress } from "spf-check";
       import { Resolver } from "node:dns/promises";
       export async function check(text: string): Promise<Outcome | undefined> {
         const ip = parseIpAddress(text);
         if (ip === undefined) return undefined;
         const run = checkHost({ ...DEFAULT_INPUT, ip, domain: "a.test", sender: "a@a.test", helo: "a.test", nowSeconds: 0 });
         let step = run.next();
         while (step.done !== true) step = run.next(await answerFrom(new Resolver(), step.value));
         return step.value;
       }`,
      "milter.ts": `import { CONTINUE, type MilterHandler, MilterSession, type SessionPorts } from "milter-protocol";
       export const make = (handler: MilterHandler, ports: SessionPorts): MilterSession => new MilterSession(handler, ports);
       export const kind: string = CONTINUE.kind;`,
    });
  });
});
