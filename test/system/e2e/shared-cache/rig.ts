/** What every test of SharedCache starts: a name server for all of them, hosts and engines for each. */
import { after, afterEach, before } from "node:test";
import { type Nameserver, startNameserver } from "../../../support/nameserver/index.ts";
import { NAMESERVER } from "../namespace.ts";
import { Host, type HostOptions, type Workload, workload } from "./hosts.ts";
import { Redis, type RedisOptions } from "./redis.ts";

/** Belongs to the suite it is made in: what a test has started ends with it. */
export class Rig {
  readonly hosts: Host[] = [];
  /** What else ends with the test, the latest first. */
  readonly others: { stop(): Promise<void> }[] = [];
  #nameserver: Nameserver | undefined;

  constructor() {
    before(async () => {
      this.#nameserver = await startNameserver({}, { address: NAMESERVER, port: 53, ttlSeconds: 300 });
    });
    afterEach(async () => {
      const all = [...this.hosts.splice(0), ...this.others.splice(0).reverse()];
      for (const ended of await Promise.allSettled(all.map((one) => one.stop()))) {
        if (ended.status === "rejected") throw ended.reason;
      }
    });
    after(() => this.#nameserver?.close());
  }

  get nameserver(): Nameserver {
    if (this.#nameserver === undefined) throw new Error("no test has begun");
    return this.#nameserver;
  }

  async redis(options: RedisOptions): Promise<Redis> {
    const started = await Redis.start(options);
    this.others.push(started);
    return started;
  }

  async host(options: HostOptions): Promise<Host> {
    const started = await Host.start(`host${this.hosts.length + 1}`, options);
    this.hosts.push(started);
    return started;
  }

  /** The messages, and a name server that knows their domains. */
  served(suffix: string, { sets, ttlSeconds = 300 }: { sets?: number; ttlSeconds?: number } = {}): Workload {
    const load = workload(suffix, sets);
    this.nameserver.setOptions({ ttlSeconds, negativeTtlSeconds: ttlSeconds });
    this.nameserver.setZone(load.zone);
    this.nameserver.resetCounts();
    return load;
  }

  /** Questions of a host that plays the messages. */
  async questionsOf(host: Host, load: Workload): Promise<number> {
    this.nameserver.resetCounts();
    await host.serves(load);
    return this.nameserver.questions.total;
  }
}
