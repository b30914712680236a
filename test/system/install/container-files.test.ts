/** The container's files against each other: what the image says of itself, its settings, and the compose file. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { parse } from "yaml";
import { loadConfig } from "../../../src/config/index.ts";

const ROOT = join(import.meta.dirname, "../../..");
const FOLDER = "init/container";
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");

interface Service {
  readonly image: string;
  readonly build: { readonly context: string; readonly dockerfile: string };
  readonly read_only?: boolean;
  readonly user?: string;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly stop_grace_period?: string;
  readonly volumes?: readonly string[];
  readonly depends_on?: readonly string[];
  readonly ports?: readonly string[];
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

/** The instructions of the last stage, each with its words. */
function instructions(path: string): (readonly [name: string, rest: string])[] {
  const text = read(path)
    .replace(/^#.*\n/gm, "")
    .replaceAll("\\\n", " ");
  const last = text.slice(text.lastIndexOf("\nFROM "));
  return [...last.matchAll(/^([A-Z]+)\s+(.*)$/gm)].map(([, name = "", rest = ""]) => [name, rest] as const);
}

const restOf = (path: string, name: string): string =>
  instructions(path).find(([found]) => found === name)?.[1] ?? "";

describe("the container's files", () => {
  const compose = parse(read(`${FOLDER}/compose.yaml`)) as Compose;
  const ours = compose.services["smf-spf"] as Service;
  const postfix = compose.services["postfix"] as Service;
  const { settings } = loadConfig(join(ROOT, FOLDER, "smf-spf.conf"), { mustExist: true, env: {} });
  const stopMs = settings?.shutdownTimeMs ?? 0;
  const config = read(`${FOLDER}/smf-spf.conf`);
  const setting = (name: string): string => new RegExp(`^${name}\\s+(.*)$`, "m").exec(config)?.[1] ?? "";
  const fileOf = ({ build }: Service): string => join(FOLDER, build.context, build.dockerfile);
  const volumes = restOf("Containerfile", "VOLUME").split(" ");

  it("are found from the compose file, one image for each service", () => {
    assert.deepEqual(Object.keys(compose.services), ["smf-spf", "postfix"]);
    assert.equal(fileOf(ours), "Containerfile");
    for (const service of [ours, postfix]) assert.ok(existsSync(join(ROOT, fileOf(service))));
    assert.notEqual(ours.image, postfix.image);
    assert.deepEqual(postfix.depends_on, ["smf-spf"]);
  });

  it("give every volume of the image a place that is kept", () => {
    const mounts = (ours.volumes ?? []).map((mount) => mount.split(":"));
    assert.deepEqual(mounts.map(([, path]) => path).sort(), [...volumes].sort());
    assert.deepEqual(mounts.map(([name]) => name).sort(), Object.keys(compose.volumes).sort());
  });

  it("have the daemon write below its volumes only, as its root cannot be written to", () => {
    assert.equal(ours.read_only, true);
    const written = [setting("PidFile"), setting("StatusSocket").replace("unix:", ""), setting("CacheFile")];
    for (const path of written) {
      assert.ok(
        volumes.some((volume) => path.startsWith(`${volume}/`)),
        path,
      );
    }
    assert.equal(setting("LogTo"), "/dev/stdout");
  });

  it("leave the daemon an unprivileged number, and no way to become more", () => {
    assert.match(restOf("Containerfile", "USER"), /^[1-9]\d+:[1-9]\d+$/);
    assert.equal(ours.user, undefined);
    assert.deepEqual(ours.cap_drop, ["ALL"]);
    assert.deepEqual(ours.security_opt, ["no-new-privileges:true"]);
    for (const copied of read("Containerfile").matchAll(/--chown=(\S+)/g))
      assert.equal(copied[1], restOf("Containerfile", "USER"));
  });

  it("ask for its health where it says it", () => {
    const health = restOf("Containerfile", "HEALTHCHECK");
    const [, socket = ""] = /socketPath:'([^']+)'/.exec(health) ?? [];
    assert.equal(`unix:${socket}`, setting("StatusSocket"));
    assert.ok(Array.isArray(JSON.parse(health.slice(health.indexOf("[")))));
  });

  it("have Postfix ask at the port that the daemon listens on, by the service's name", () => {
    const port = restOf("Containerfile", "EXPOSE");
    assert.equal(setting("Socket"), `inet:${port}@0.0.0.0`);
    const [, milter = ""] = /'smtpd_milters = ([^']+)'/.exec(read(fileOf(postfix))) ?? [];
    assert.equal(milter, `inet:smf-spf:${port}`);
    assert.deepEqual(
      postfix.ports?.map((published) => published.split(":").at(-1)),
      [restOf(fileOf(postfix), "EXPOSE")],
    );
  });

  it("let messages in progress end before the daemon is killed", () => {
    const grace = Number(/^(\d+)s$/.exec(ours.stop_grace_period ?? "")?.[1]) * 1000;
    assert.ok(stopMs > 0 && grace > stopMs);
  });
});
