/** init/container/compose.yaml as it is, by podman-compose: a message through its Postfix. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

const ROOT = join(import.meta.dirname, "../../..");
const LAY_BASE = join(ROOT, "test/system/container/lay-base.sh");
const OUTSIDE = join(import.meta.dirname, "outside.ts");
const PROJECT = "smf-spf-test";

function lack(): string | false {
  const missing = ["buildah", "podman", "podman-compose"].filter((name) => !existsSync(`/usr/bin/${name}`));
  return missing.length > 0 && `${missing.join(", ")} not installed`;
}

/**
 * In a network of its own: the containers, mail to the port that they publish, and what they say. What a container may
 * use of the machine is left to the machine.
 */
const PLAY = `
set -e
mount --make-rprivate /
umount -R /sys/fs/cgroup
mount -t cgroup2 none /sys/fs/cgroup
mount -t tmpfs -o mode=755 none /run
ip link set lo up
for address in 192.0.2.1 192.0.2.53 198.51.100.1; do ip addr add $address/32 dev lo; done
echo nameserver 192.0.2.53 >/run/resolv.conf
mount --bind /run/resolv.conf /etc/resolv.conf
compose() { podman-compose -p ${PROJECT} -f init/container/compose.yaml "$@" >&2; }
compose --podman-run-args="--cgroups=disabled --ulimit nofile=1024:1024 --ulimit nproc=1024:1024" up -d --no-build
for try in $(seq 200); do
  podman healthcheck run ${PROJECT}_smf-spf_1 >/dev/null 2>&1 && break
  sleep 0.2
done
podman healthcheck run ${PROJECT}_smf-spf_1 >/dev/null
for try in $(seq 200); do
  podman logs ${PROJECT}_postfix_1 2>&1 | grep -q 'daemon started' && break
  sleep 0.2
done
echo "{ \\"replies\\": $("$NODE" --import tsx "$OUTSIDE" 192.0.2.1 192.0.2.53 root@example.org) }"
podman logs ${PROJECT}_smf-spf_1 2>/dev/null
for try in $(seq 50); do
  podman logs ${PROJECT}_postfix_1 2>&1 | grep 'status=' >&2 && break
  sleep 0.2
done
compose down
`;

describe("the compose file", { skip: lack() }, () => {
  let folder: string;
  let environment: NodeJS.ProcessEnv;
  let lines: Record<string, unknown>[];
  let errors = "";

  const run = (program: string, ...args: string[]): string =>
    execFileSync(program, args, {
      cwd: ROOT,
      env: environment,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "smf-spf-compose-"));
    // Not among the images of the machine.
    const storage = join(folder, "storage.conf");
    const [images, state] = [join(folder, "images"), join(folder, "state")];
    writeFileSync(storage, `[storage]\ndriver = "overlay"\ngraphroot = "${images}"\nrunroot = "${state}"\n`);
    environment = {
      ...process.env,
      CONTAINERS_STORAGE_CONF: storage,
      BUILDAH_ISOLATION: "chroot",
      NODE: process.execPath,
      OUTSIDE,
    };
    for (const kind of ["build", "run"]) {
      const base = join(folder, kind);
      run("sh", LAY_BASE, base, kind);
      const certificates = kind === "build" ? "NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt" : "";
      writeFileSync(`${base}.image`, `FROM scratch\nCOPY . /\nENV PATH=/usr/bin:/bin ${certificates}\n`);
      run("buildah", "bud", "--quiet", "--tag", `localhost/${kind}`, "--file", `${base}.image`, base);
    }
    run(
      "sh",
      "-c",
      `tar -C '${process.env["DEBIAN_TREE"] ?? ""}' -c . | podman import --quiet - localhost/debian`,
    );
    const build = ["bud", "--quiet", "--pull=never", "--format", "docker"];
    const node = ["--build-arg", "BUILD_BASE=localhost/build", "--build-arg", "RUN_BASE=localhost/run"];
    run("buildah", ...build, ...node, "--tag", "localhost/smf-spf", ".");
    const postfix = ["--file", "init/container/postfix.Containerfile", "--tag", "localhost/smf-spf-postfix"];
    run("buildah", ...build, "--build-arg", "BASE=localhost/debian", ...postfix, "init/container");
    const namespaces = ["--mount", "--net", "--cgroup", "--pid", "--fork", "--kill-child", "--mount-proc"];
    const said = run("unshare", ...namespaces, "sh", "-c", `{ ${PLAY} } 2>'${folder}/errors'`);
    errors = run("cat", `${folder}/errors`);
    lines = said
      .trim()
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  });
  after(() => {
    run("buildah", "rmi", "--all", "--force");
    rmSync(folder, { recursive: true, force: true });
  });

  it("has Postfix refuse forged mail at MAIL FROM, and deliver the other", () => {
    const { fail, pass } = lines[0]?.["replies"] as { readonly fail: string; readonly pass: string };
    assert.match(fail, /^550 5\.7\.23 SPF fail: fail\.test/);
    assert.match(pass, /^250 /);
    assert.match(errors, /status=sent/);
  });

  it("has the daemon log JSON, with the addresses of Postfix's clients", () => {
    const results = lines.filter(({ event }) => event === "result");
    assert.deepEqual(
      results.map(({ result, ip }) => [result, ip]),
      [
        ["fail", "198.51.100.1"],
        ["pass", "198.51.100.1"],
      ],
    );
  });
});
