/**
 * SharedCache with a real redis-server: what hosts spare each other, and that whatever becomes of the engine no result
 * changes. Times are not asserted.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { BUNDLE } from "../scenario/daemon.ts";
import { TLS } from "./certificates.ts";
import { waitUntil } from "./process.ts";
import { type Host, type HostOptions, OTHER_KEY } from "./shared-cache/hosts.ts";
import { Liar, SlowNetwork } from "./shared-cache/network.ts";
import type { Redis, RedisOptions } from "./shared-cache/redis.ts";
import { Rig } from "./shared-cache/rig.ts";

const PORT = 7300;
const ENGINE = `redis://127.0.0.1:${PORT}`;
/** A password that would be seen. */
const PASSWORD = "Tell-Nobody-7f3a";

describe("SharedCache", () => {
  const rig = new Rig();

  const redis = (options: Partial<RedisOptions> = {}): Promise<Redis> =>
    rig.redis({ port: PORT, ...options });
  const host = (options: HostOptions = { engine: ENGINE }): Promise<Host> => rig.host(options);
  /** Waits until nothing is added to the engine any more. */
  const settled = async (engine: Redis): Promise<number> => {
    let size = -1;
    let looks = 0;
    await waitUntil("the writes", async () => {
      const before = size;
      await sleep(50);
      size = Number(await engine.ask("DBSIZE"));
      looks = size > 0 && size === before ? looks + 1 : 0;
      return looks === 5;
    });
    return size;
  };

  describe("among hosts", () => {
    it("spares a second host nearly all questions, and says so", async () => {
      const engine = await redis();
      const [first, second] = [await host(), await host()];
      await Promise.all([first.uses(), second.uses()]);
      const load = rig.served("two.test");
      const alone = await rig.questionsOf(first, load);
      await settled(engine);
      const spared = await rig.questionsOf(second, load);
      assert.ok(spared <= alone / 2, `${spared} of ${alone} questions`);
      // A temperror is never shared.
      for (let nth = 1; nth <= 4; nth++) assert.ok(rig.nameserver.questions.of(`down${nth}.two.test`) > 0);
      await sleep(1000);
      const status = await second.status();
      const { shared_cache: shared } = status;
      assert.ok(shared !== null && shared.up && shared.hits >= 10, JSON.stringify(shared));
      const metrics = await second.ask("/metrics");
      assert.match(metrics, /^smfspf_shared_cache_up 1$/m);
      assert.match(metrics, /^smfspf_cache_hits_total\{cache="shared"\} [1-9]\d+$/m);
      assert.match(
        metrics,
        /^smfspf_results_total\{result="pass",identity="mailfrom",source="shared"\} [1-9]/m,
      );
      second.signal("SIGUSR1");
      await second.logged("shared cache: ");
    });

    it("spares four hosts with one workload at the same time", async () => {
      await redis();
      for (let nth = 0; nth < 4; nth++) await host();
      await Promise.all(rig.hosts.map((one) => one.uses()));
      const stranger = await host({});
      // An engine that answers late spares nothing, and on a busy machine it does: one quiet moment is enough.
      const seen: string[] = [];
      for (let nth = 1, isSpared = false; !isSpared; nth++) {
        const load = rig.served(`four${nth}.test`);
        const alone = await rig.questionsOf(stranger, load);
        rig.nameserver.resetCounts();
        // One message after the other, each through all hosts.
        for (const mail of load.mail)
          for (const one of rig.hosts.slice(0, 4)) await one.serves({ ...load, mail: [mail] });
        const together = rig.nameserver.questions.total;
        seen.push(`${together} questions of four hosts, ${alone} of one`);
        isSpared = together < 2 * alone;
        assert.ok(isSpared || nth < 4, seen.join("; "));
      }
    });

    it("keeps nothing in the engine that can be read, and each value only as long as its TTL", async () => {
      const engine = await redis();
      const one = await host();
      await one.uses();
      await one.serves(rig.served("secret.test", { ttlSeconds: 90 }));
      await settled(engine);
      const entries = await engine.entries();
      assert.ok(entries.size > 10);
      for (const [key, value] of entries) {
        assert.match(key, /^smfspf:1:[\w-]{43}$/);
        for (const text of [value.toString("latin1"), value.toString("utf16le")]) {
          assert.doesNotMatch(text, /secret|test|spf1|198\.51/i);
        }
        const rest = Number(await engine.ask("PTTL", key));
        assert.ok(rest > 0 && rest <= 90_000, `${key} ${rest}`);
      }
    });

    it("is of no use to a host with another key, and does it no harm", async () => {
      const engine = await redis();
      const [first, stranger] = [await host(), await host({ engine: ENGINE, key: OTHER_KEY })];
      await Promise.all([first.uses(), stranger.uses()]);
      const load = rig.served("other.test");
      const alone = await rig.questionsOf(first, load);
      const size = await settled(engine);
      assert.equal(await rig.questionsOf(stranger, load), alone);
      await settled(engine);
      assert.equal(Number(await engine.ask("DBSIZE")), 2 * size);
    });

    it("lets SIGUSR2 forget what is there", async () => {
      const engine = await redis();
      const one = await host();
      await one.uses();
      const load = rig.served("forget.test");
      const alone = await rig.questionsOf(one, load);
      await settled(engine);
      one.signal("SIGUSR2");
      await one.logged("SIGUSR2: ");
      assert.equal(await rig.questionsOf(one, load), alone);
    });
  });

  describe("by every way to the engine", () => {
    const ways: readonly (readonly [string, options: Partial<RedisOptions>, engine: string])[] = [
      ["a name and number of a database", {}, `valkey://mx.rig.test:${PORT}/3`],
      ["a password", { options: ["--requirepass", PASSWORD] }, `redis://:${PASSWORD}@127.0.0.1:${PORT}`],
      [
        "the user of the documents' ACL",
        {
          options: [
            "--user",
            ...`smfspf on >${PASSWORD} resetchannels ~smfspf:* -@all +get +set +ping +hello +auth +select`.split(
              " ",
            ),
          ],
        },
        `redis://smfspf:${PASSWORD}@127.0.0.1:${PORT}`,
      ],
      [
        "TLS",
        {
          options: [
            ...["--tls-port", "7301", "--tls-cert-file", TLS.certificate("server")],
            ...[
              "--tls-key-file",
              TLS.key("server"),
              "--tls-ca-cert-file",
              TLS.ca,
              "--tls-auth-clients",
              "no",
            ],
          ],
        },
        `rediss://mx.rig.test:7301?ca=${TLS.ca}`,
      ],
      [
        "a Unix socket",
        { options: ["--unixsocket", "/run/rig/redis.sock", "--unixsocketperm", "777"] },
        "unix:/run/rig/redis.sock",
      ],
    ];
    for (const [way, options, address] of ways) {
      it(`shares by ${way}`, async () => {
        await redis(options);
        const [first, second] = [await host({ engine: address }), await host({ engine: address })];
        await Promise.all([first.uses(), second.uses()]);
        const load = rig.served(`way${ways.findIndex(([name]) => name === way)}.test`);
        const alone = await rig.questionsOf(first, load);
        await sleep(200);
        const spared = await rig.questionsOf(second, load);
        assert.ok(spared <= alone / 2, `${spared} of ${alone} questions`);
        await sleep(1000);
        const shown = spawnSync(process.execPath, [BUNDLE, "--show-config", "-c", second.config], {
          encoding: "utf8",
        });
        assert.match(shown.stdout, /^SharedCache\s/m);
        const said = [
          shown.stdout,
          shown.stderr,
          first.log(),
          await first.ask("/status.json"),
          await first.ask("/metrics"),
        ];
        for (const text of said) assert.ok(!text.includes(PASSWORD), text);
      });
    }
  });

  describe("with an engine in trouble", () => {
    /** Every result is as without an engine, again and again, whatever else happens. */
    const faults: readonly {
      readonly name: string;
      readonly engine?: string;
      /** What the log says; undefined: nothing need be noticed. */
      readonly noticed?: RegExp;
      readonly before?: () => Promise<void>;
      readonly during?: () => Promise<void>;
    }[] = [
      {
        name: "that was never there",
        engine: "redis://127.0.0.1:7309",
        noticed: /ECONNREFUSED/,
      },
      {
        name: "whose host does not answer",
        engine: "redis://192.0.2.200:7309",
        before: () => {
          // Nothing takes the connection, and nothing refuses it.
          spawnSync("ip", ["route", "add", "blackhole", "192.0.2.200/32"]);
          return Promise.resolve();
        },
      },
      {
        name: "that wants another password",
        engine: `redis://:wrong-${PASSWORD}@127.0.0.1:${PORT}`,
        noticed: /WRONGPASS/,
        before: async () => {
          await redis({ options: ["--requirepass", PASSWORD] });
        },
      },
      {
        name: "that wants a password",
        noticed: /NOAUTH/,
        before: async () => {
          await redis({ options: ["--requirepass", PASSWORD] });
        },
      },
      {
        name: "that lets us neither read nor write",
        engine: `redis://smfspf:${PASSWORD}@127.0.0.1:${PORT}`,
        noticed: /NOPERM/,
        before: async () => {
          await redis({
            options: ["--user", ...`smfspf on >${PASSWORD} ~other:* -@all +ping +hello +auth`.split(" ")],
          });
        },
      },
      {
        name: "that is full",
        before: async () => {
          const engine = await redis({ options: ["--maxmemory-policy", "noeviction"] });
          await engine.ask("CONFIG", "SET", "maxmemory", "1");
        },
      },
      {
        name: "that is too small for all",
        before: async () => {
          const engine = await redis({ options: ["--maxmemory-policy", "allkeys-lru"] });
          const [, used = "0"] = /used_memory:(\d+)/.exec(String(await engine.ask("INFO", "memory"))) ?? [];
          await engine.ask("CONFIG", "SET", "maxmemory", String(Number(used) + 60_000));
        },
      },
      {
        name: "that only replicates",
        before: async () => {
          const engine = await redis();
          await engine.ask("REPLICAOF", "127.0.0.1", "7309");
        },
      },
    ];
    for (const { name, engine = ENGINE, noticed, before: prepare } of faults) {
      it(`serves with an engine ${name}`, async () => {
        await prepare?.();
        const [first, second] = [await host({ engine }), await host({ engine })];
        if (noticed !== undefined) {
          await waitUntil("the word of it in the log", () => noticed.test(first.log()));
          assert.equal(first.log().split(" is out of use: ").length, 2, first.log());
          assert.doesNotMatch(first.log(), new RegExp(PASSWORD));
        }
        const load = rig.served(`${name.replace(/\W+/g, "-")}.test`);
        await Promise.all([first.serves(load), second.serves(load)]);
      });
    }

    it("does not take the word of a server whose certificate nobody vouches for", async () => {
      await redis({
        options: [
          ...["--tls-port", "7301", "--tls-cert-file", TLS.certificate("server")],
          ...["--tls-key-file", TLS.key("server"), "--tls-ca-cert-file", TLS.ca, "--tls-auth-clients", "no"],
        ],
      });
      const one = await host({ engine: "rediss://mx.rig.test:7301" });
      await one.logged(" is out of use: ");
      await one.serves(rig.served("vouch.test"));
    });

    it("is not held up by one that is stopped, and uses it again", async () => {
      const engine = await redis();
      const one = await host();
      await one.uses();
      await one.serves(rig.served("before-stop.test"));
      engine.signal("SIGSTOP");
      await one.serves(rig.served("stopped.test"));
      await one.logged(" is out of use: ");
      await one.serves(rig.served("still-stopped.test"));
      engine.signal("SIGCONT");
      await one.uses(2);
      await one.serves(rig.served("after-stop.test"));
      assert.equal(one.log().split(" is out of use: ").length, 2, one.log());
    });

    it("is not held up by one that is killed, restarts and loads its data", async () => {
      const engine = await redis();
      const one = await host();
      await one.uses();
      await one.serves(rig.served("before-kill.test"));
      await engine.ask("DEBUG", "JMAP").catch(() => undefined);
      for (let nth = 0; nth < 400; nth++) await engine.ask("SET", `other:${nth}`, randomBytes(64));
      await engine.ask("SAVE");
      await engine.stop();
      rig.others.splice(0);
      await one.serves(rig.served("killed.test"));
      await one.logged(" is out of use: ");
      const loading = await redis({
        keepsFiles: true,
        options: ["--key-load-delay", "20000", "--loading-process-events-interval-bytes", "1024"],
      });
      await assert.rejects(loading.ask("PING"), /^Error: LOADING/);
      const late = await host();
      await late.logged("LOADING");
      await Promise.all([one.serves(rig.served("loading.test")), late.serves(rig.served("loading.test"))]);
      await Promise.all([one.uses(2), late.uses()]);
      await one.serves(rig.served("loaded.test"));
    });

    for (const delayMs of [2, 12, 40]) {
      it(`serves over a network that takes ${delayMs} ms each way`, async () => {
        await redis();
        const network = await SlowNetwork.start({ to: PORT, delayMs });
        rig.others.push(network);
        const address = `redis://127.0.0.1:${network.port}`;
        const [first, second] = [await host({ engine: address }), await host({ engine: address })];
        // There and back takes longer than a GET may: such an engine is left alone.
        const isTooSlow = 2 * delayMs > 20;
        for (const one of [first, second]) await (isTooSlow ? one.logged("no answer in time") : one.uses());
        const load = rig.served(`slow${delayMs}.test`);
        await first.serves(load);
        await second.serves(load);
        await network.stop();
        await first.serves(rig.served(`gone${delayMs}.test`));
      });
    }

    const lies: readonly (readonly [string, Buffer])[] = [
      ["nonsense", Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n")],
      ["+OK to everything", Buffer.from("+OK\r\n")],
      ["a value that is none", Buffer.from("$5\r\nvalue\r\n")],
      ["the length of a gigabyte", Buffer.from("$1000000000\r\n")],
      ["a million lists in each other", Buffer.from("*1\r\n".repeat(100_000))],
      ["a list of numbers for a value", Buffer.from(`*40\r\n${":1\r\n".repeat(40)}`)],
      ["more answers than questions", Buffer.from("$-1\r\n".repeat(1000))],
      ["random octets", randomBytes(4096)],
    ];
    for (const [name, answer] of lies) {
      it(`serves where what listens there says ${name}`, async () => {
        const liar = await Liar.start(answer);
        rig.others.push(liar);
        const one = await host({ engine: `redis://127.0.0.1:${liar.port}` });
        const load = rig.served(`lie${lies.findIndex(([lie]) => lie === name)}.test`);
        await one.serves(load);
        await one.serves(load);
      });
    }
  });

  describe("with values that somebody has changed", () => {
    /** Has one host fill the engine, changes what is there, and lets another host serve with it. */
    const afterChange = async (
      suffix: string,
      change: (engine: Redis, entries: ReadonlyMap<string, Buffer>) => Promise<void>,
    ): Promise<Host> => {
      const engine = await redis();
      const [first, second] = [await host(), await host()];
      await Promise.all([first.uses(), second.uses()]);
      const load = rig.served(suffix);
      await first.serves(load);
      await settled(engine);
      await change(engine, await engine.entries());
      await second.serves(load);
      return second;
    };
    const errors = async (one: Host): Promise<number> => {
      await sleep(1000);
      return (await one.status()).shared_cache?.errors ?? 0;
    };

    it("reads none with an octet flipped, cut short or made longer", async () => {
      let nth = 0;
      const one = await afterChange("flipped.test", async (engine, entries) => {
        for (const [key, value] of entries) {
          const at = nth++ % value.length;
          value[at] = (value[at] ?? 0) ^ 1;
          const changed = [value, value.subarray(0, -1), Buffer.concat([value, value]), Buffer.alloc(0)];
          await engine.ask("SET", key, changed[nth % changed.length] ?? value);
        }
      });
      assert.ok((await errors(one)) > 0);
      await one.logged("were not made with SharedCacheKey");
    });

    it("reads none in the place of another", async () => {
      const one = await afterChange("swapped.test", async (engine, entries) => {
        const values = [...entries.values()];
        for (const [index, key] of [...entries.keys()].entries()) {
          await engine.ask("SET", key, values[(index + 1) % values.length] ?? "");
        }
      });
      assert.ok((await errors(one)) > 0);
    });

    it("reads none of a type that is no text, nor a huge one", async () => {
      await afterChange("types.test", async (engine, entries) => {
        for (const [index, key] of [...entries.keys()].entries()) {
          await engine.ask("DEL", key);
          if (index % 2 === 0) await engine.ask("RPUSH", key, "value");
          else await engine.ask("SET", key, Buffer.alloc(4_000_000));
        }
      });
    });

    it("takes nothing for answers whose time is over, though somebody keeps or returns them", async () => {
      const engine = await redis();
      const [first, second] = [await host(), await host()];
      await Promise.all([first.uses(), second.uses()]);
      const load = rig.served("replayed.test", { ttlSeconds: 2 });
      await first.serves(load);
      await settled(engine);
      const entries = await engine.entries();
      assert.ok(entries.size > 10);
      await waitUntil("their end", async () => Number(await engine.ask("DBSIZE")) === 0);
      for (const [key, value] of entries) await engine.ask("SET", key, value);
      // Who passed until then is not to send any more.
      const zone = Object.fromEntries(
        Object.entries(load.zone).map(([name, records]) => [
          name,
          /^(?:include|mx)\d/.test(name) ? [{ TXT: "v=spf1 -all" }] : records,
        ]),
      );
      rig.nameserver.setZone(zone);
      const mail = load.mail.map(({ from, result }) => ({
        from,
        result: result === "pass" ? "fail" : result,
      }));
      await second.serves({ zone, mail });
    });
  });
});
