/**
 * The Containerfile, built by buildah on a base of this machine's node, and run as its settings say: its user, a root
 * that nobody can write to, no shell.
 */
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { MtaPlayer, openSocket } from "../../support/mta-player.ts";

const ROOT = join(import.meta.dirname, "../../..");
const NAME = "localhost/smf-spf-test";

/** In CI nothing may be left out: there it fails. */
function lack(): string | false {
  if (process.env["CI"] === "true") return false;
  if (process.getuid?.() !== 0) return "root is needed";
  return !existsSync("/usr/bin/buildah") && "buildah is not installed";
}

interface Settings {
  readonly User: string;
  readonly Entrypoint: readonly string[];
  readonly Healthcheck: { readonly Test: readonly string[] };
  readonly Volumes: Readonly<Record<string, unknown>>;
}

const buildah = (...args: string[]): string =>
  execFileSync("buildah", args, {
    encoding: "utf8",
    env: { ...process.env, BUILDAH_ISOLATION: "chroot" },
    stdio: ["ignore", "pipe", "pipe"],
  }).trim();

describe("the container", { skip: lack() }, () => {
  let folder: string;
  let container: string;
  let root: string;
  let settings: Settings;
  let daemon: ChildProcess;
  let log = "";

  /** A command in the root of the image, as a runtime starts it. The volumes are kept from one to the next. */
  const within = (command: readonly string[]): string[] => {
    const mounts = [
      `mount --bind '${root}' '${root}' && mount -o remount,bind,ro '${root}'`,
      `mount --bind /dev '${root}/dev' && mount -t proc none '${root}/proc'`,
      ...Object.keys(settings.Volumes).map((path) => `mount --bind '${folder}${path}' '${root}${path}'`),
      // As runc does: any user in there may open /dev/stdout.
      `chown ${settings.User} /proc/self/fd/1`,
    ];
    const script = `${mounts.join(" && ")} && exec chroot --userspec=${settings.User} --groups= '${root}' "$@"`;
    return ["--mount", "sh", "-c", script, "sh", ...command];
  };

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "smf-spf-container-"));
    for (const kind of ["build", "run"]) {
      const base = join(folder, kind);
      execFileSync("sh", [join(import.meta.dirname, "lay-base.sh"), base, kind]);
      const certificates = kind === "build" ? "NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt" : "";
      writeFileSync(`${base}.image`, `FROM scratch\nCOPY . /\nENV PATH=/usr/bin:/bin ${certificates}\n`);
      buildah("bud", "--quiet", "--tag", `${NAME}-${kind}`, "--file", `${base}.image`, base);
    }
    const bases = ["build", "run"].flatMap((kind) => [
      "--build-arg",
      `${kind.toUpperCase()}_BASE=${NAME}-${kind}`,
    ]);
    buildah("bud", "--quiet", "--pull=never", "--format", "docker", ...bases, "--tag", NAME, ROOT);
    container = buildah("from", "--pull-never", NAME);
    root = buildah("mount", container);
    settings = (JSON.parse(buildah("inspect", NAME)) as { readonly Docker: { readonly config: Settings } })
      .Docker.config;
    for (const path of Object.keys(settings.Volumes)) {
      execFileSync("install", ["-d", "-o", "65532", "-g", "65532", join(folder, path)]);
    }
    daemon = spawn("unshare", within(settings.Entrypoint), {
      stdio: ["ignore", "pipe", "inherit"],
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
    });
    daemon.stdout?.on("data", (chunk: Buffer) => {
      log += chunk.toString();
    });
  });

  after(() => {
    daemon.kill("SIGKILL");
    buildah("rm", container);
    for (const image of [NAME, `${NAME}-run`, `${NAME}-build`]) buildah("rmi", "--force", image);
    rmSync(folder, { recursive: true });
  });

  it("has a number as user, and no shell", () => {
    assert.match(settings.User, /^[1-9]\d+:[1-9]\d+$/);
    for (const path of ["bin/sh", "usr/bin/sh", "usr/bin/npm"])
      assert.ok(!existsSync(join(root, path)), path);
  });

  it("writes to its volumes only", () => {
    const write = (path: string): number | null =>
      spawnSync("unshare", within(["node", "-e", `require("fs").writeFileSync("${path}", "")`])).status;
    assert.notEqual(write("/usr/lib/smf-spf/x"), 0);
    assert.notEqual(write("/x"), 0);
    for (const path of Object.keys(settings.Volumes)) assert.equal(write(`${path}/x`), 0, path);
  });

  it("is healthy once it serves", async () => {
    const [kind, ...probe] = settings.Healthcheck.Test;
    assert.equal(kind, "CMD");
    for (let tries = 0; tries < 100; tries++) {
      if (spawnSync("unshare", within(probe)).status === 0) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.fail(log);
  });

  it("answers an MTA, logs JSON on standard output and ends when it is told to", async () => {
    const mta = new MtaPlayer(await openSocket({ host: "127.0.0.1", port: 8890 }));
    await mta.connect({ hostname: "client.test", address: "127.0.0.1" });
    await mta.helo("client.test");
    assert.equal((await mta.mail("<a@client.test>")).kind, "continue");
    mta.quit();
    daemon.kill("SIGTERM");
    const [code] = (await once(daemon, "exit")) as [number | null];
    assert.equal(code, 0, log);
    const lines = log.trim().split("\n");
    assert.ok(lines.length > 0);
    for (const line of lines) assert.equal(typeof JSON.parse(line), "object", line);
  });
});
