/**
 * SharedCache over more than one redis-server: Sentinel and cluster, with the user that the documents give to
 * smf-spf. Whatever becomes of a node no result changes. Times are not asserted.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { run } from "./namespace.ts";
import { waitUntil } from "./process.ts";
import type { Host } from "./shared-cache/hosts.ts";
import type { Redis } from "./shared-cache/redis.ts";
import { Rig } from "./shared-cache/rig.ts";
import { Sentinel, WATCHED } from "./shared-cache/sentinel.ts";

/** As docs/caches.md has them. */
const USER =
  "--user smfspf on >secret resetchannels ~smfspf:* -@all +get +set +ping +hello +auth +select".split(" ");
const CLUSTER_USER = [...USER, "+cluster|slots"];
const ENGINE_USER = "smfspf:secret";

describe("SharedCache over several nodes", () => {
  const rig = new Rig();

  const redis = (port: number, options: readonly string[]): Promise<Redis> => rig.redis({ port, options });
  /** Two hosts that use the engine. */
  const twoHosts = async (engine: string): Promise<readonly [Host, Host]> => {
    const [one, two] = [await rig.host({ engine }), await rig.host({ engine })];
    await Promise.all([one.uses(), two.uses()]);
    return [one, two];
  };
  /** The second host is spared what the first has asked; not at once where an engine has just come back. */
  const shares = async (name: string, one: Host, two: Host): Promise<void> => {
    let nth = 0;
    await waitUntil(`hosts to share ${name}`, async () => {
      const load = rig.served(`${name}${++nth}.test`);
      const alone = await rig.questionsOf(one, load);
      await sleep(200);
      return (await rig.questionsOf(two, load)) <= alone / 2;
    });
  };
  const answeredTwice = (...all: readonly Host[]): boolean =>
    all.every((host) => host.log().split(" answers\n").length > 2);
  /** Plays new mail through both until `isOver`. */
  const servesUntil = async (
    suffix: string,
    both: readonly Host[],
    isOver: () => boolean | Promise<boolean>,
  ): Promise<void> => {
    let nth = 0;
    await waitUntil(suffix, async () => {
      const load = rig.served(`${suffix}${++nth}.test`, { sets: 1 });
      await Promise.all(both.map((host) => host.serves(load)));
      return isOver();
    });
  };

  describe("with Sentinel", () => {
    const PRIMARY = 7310;
    const REPLICA = 7311;
    const SENTINELS = [7321, 7322, 7323];
    const ENGINE = `redis://${ENGINE_USER}@${SENTINELS.map((port) => `127.0.0.1:${port}`).join(",")}?sentinel=${WATCHED}`;

    /** A primary with its replica, and three Sentinels that know each other. */
    const watched = async (): Promise<{ primary: Redis; sentinels: Sentinel[] }> => {
      const primary = await redis(PRIMARY, USER);
      await redis(REPLICA, [...USER, "--replicaof", "127.0.0.1", String(PRIMARY)]);
      await waitUntil("the replica", async () =>
        String(await primary.ask("INFO", "replication")).includes("state=online"),
      );
      const sentinels: Sentinel[] = [];
      for (const port of SENTINELS) {
        const sentinel = await Sentinel.start(port, PRIMARY);
        rig.others.push(sentinel);
        sentinels.push(sentinel);
      }
      for (const sentinel of sentinels) {
        await waitUntil("the Sentinels", async () => {
          const [known, replicas] = await sentinel.known();
          return known === 2 && replicas === 1;
        });
      }
      return { primary, sentinels };
    };

    it("finds the primary though a Sentinel is silent, and follows a failover after it was killed", async () => {
      const { primary, sentinels } = await watched();
      const [silent, speaking] = sentinels;
      silent?.signal("SIGSTOP");
      const [one, two] = await twoHosts(ENGINE);
      await shares("before", one, two);
      await primary.stop();
      await servesUntil("failover", [one, two], async () => (await speaking?.primary()) === REPLICA);
      await servesUntil("again", [one, two], () => answeredTwice(one, two));
      await shares("after", one, two);
    });
  });

  describe("with a cluster", () => {
    const PORTS = [7331, 7332, 7333];
    const ENGINE = `redis://${ENGINE_USER}@${PORTS.map((port) => `127.0.0.1:${port}`).join(",")}`;
    const OPTIONS = ["--cluster-enabled", "yes", "--cluster-node-timeout", "1000"];

    /** Three primaries without replicas. */
    const cluster = async (): Promise<Redis[]> => {
      const nodes: Redis[] = [];
      for (const port of PORTS) nodes.push(await redis(port, [...CLUSTER_USER, ...OPTIONS]));
      run("redis-cli", "--cluster", "create", ...PORTS.map((port) => `127.0.0.1:${port}`), "--cluster-yes");
      for (const node of nodes) await becomes(node, "ok");
      return nodes;
    };
    const becomes = (node: Redis, state: string): Promise<void> =>
      waitUntil(`the cluster to be ${state}`, async () =>
        String(await node.ask("CLUSTER", "INFO")).includes(`cluster_state:${state}`),
      );

    it("shares through all nodes, follows keys that move, and serves while a node is gone", async () => {
      const nodes = await cluster();
      const [first, second, third] = nodes as [Redis, Redis, Redis];
      const [one, two] = await twoHosts(ENGINE);
      await shares("whole", one, two);
      const sizes = await Promise.all(nodes.map((node) => node.ask("DBSIZE")));
      assert.ok(
        sizes.every((size) => Number(size) > 0),
        sizes.join(" "),
      );
      const [to, from] = [
        String(await first.ask("CLUSTER", "MYID")),
        String(await third.ask("CLUSTER", "MYID")),
      ];
      run(
        ...(["redis-cli", "--cluster", "reshard", `127.0.0.1:${first.port}`] as const),
        ...["--cluster-from", from, "--cluster-to", to],
        ...["--cluster-slots", "16384", "--cluster-pipeline", "100", "--cluster-yes"],
      );
      assert.equal(await third.ask("DBSIZE"), 0);
      await shares("moved", one, two);
      assert.equal(await third.ask("DBSIZE"), 0);
      await second.stop();
      await servesUntil("broken", [one, two], () =>
        [one, two].every((host) => host.log().includes(" is out of use: ")),
      );
      await rig.redis({ port: second.port, keepsFiles: true, options: [...CLUSTER_USER, ...OPTIONS] });
      await servesUntil("mended", [one, two], () => answeredTwice(one, two));
      await shares("mended", one, two);
    });
  });
});
