/** Hosts that share an engine: the daemon as it is shipped, once for each, and mail whose results are known. */
import assert from "node:assert/strict";
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import type { StatusDocument } from "../../../../src/status/index.ts";
import { MtaPlayer, openSocket } from "../../../support/mta-player.ts";
import type { Zone } from "../../../support/nameserver/index.ts";
import { Daemon } from "../../scenario/daemon.ts";
import { RIG, run } from "../namespace.ts";
import { waitUntil } from "../process.ts";

export const KEY = "a key that is the same on all hosts 0123456789";
export const OTHER_KEY = "the key of another site, just as long as ours";

const FOLDER = join(RIG, "hosts");

/** One message of the workload. */
interface Mail {
  readonly from: string;
  readonly result: string;
}

/** Domains of every result under one suffix, and a message from each. */
export interface Workload {
  readonly zone: Zone;
  readonly mail: readonly Mail[];
}

const CLIENT = "198.51.100.7";

/** @param suffix makes its names differ from those of others: `a.test` */
export function workload(suffix: string, sets = 4): Workload {
  const zone: Record<string, Zone[string]> = {};
  const mail: Mail[] = [];
  for (let nth = 1; nth <= sets; nth++) {
    const add = (name: string, result: string, entries: Zone[string]): void => {
      const domain = `${name}${nth}.${suffix}`;
      zone[domain] = entries;
      mail.push({ from: `user@${domain}`, result });
    };
    add("include", "pass", [{ TXT: `v=spf1 include:_spf${nth}.${suffix} -all` }]);
    zone[`_spf${nth}.${suffix}`] = [{ TXT: `v=spf1 a:host${nth}.${suffix} ~all` }];
    zone[`host${nth}.${suffix}`] = [{ A: CLIENT }];
    add("mx", "pass", [{ TXT: "v=spf1 mx -all" }, { MX: [10, `in${nth}.${suffix}`] }]);
    zone[`in${nth}.${suffix}`] = [{ A: CLIENT }, { A: "198.51.100.8" }];
    add("fail", "fail", [{ TXT: "v=spf1 ip4:203.0.113.0/24 -all" }]);
    add("soft", "softfail", [{ TXT: "v=spf1 ip4:203.0.113.0/24 ~all" }]);
    add("none", "none", [{ A: CLIENT }]);
    add("many", "permerror", [{ TXT: "v=spf1 a -all" }, { TXT: "v=spf1 mx -all" }]);
    add("down", "temperror", ["SERVFAIL"]);
  }
  return { zone, mail };
}

/** What a host is started with. */
export interface HostOptions {
  /** SharedCache; undefined: none. */
  readonly engine?: string;
  readonly key?: string;
  /** Further lines of its configuration. */
  readonly lines?: readonly string[];
}

/** One daemon. */
export class Host {
  readonly name: string;
  readonly config: string;
  readonly #daemon: Daemon;
  readonly #socket: string;
  readonly #log: string;
  readonly #status: string;

  private constructor(name: string, folder: string, daemon: Daemon) {
    this.name = name;
    this.config = join(folder, "smf-spf.conf");
    this.#daemon = daemon;
    this.#socket = join(folder, "smf-spf.sock");
    this.#log = join(folder, "log");
    this.#status = join(folder, "status.sock");
  }

  static async start(name: string, { engine, key = KEY, lines = [] }: HostOptions = {}): Promise<Host> {
    const folder = join(FOLDER, name);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    const account = Number(run("id", "-u", "smfs"));
    const group = Number(run("id", "-g", "smfs"));
    chownSync(folder, account, group);
    const keyFile = join(folder, "shared.key");
    writeFileSync(keyFile, `${key}\n`);
    chownSync(keyFile, 0, group);
    chmodSync(keyFile, 0o640);
    const pidFile = join(folder, "smf-spf.pid");
    const settings = [
      `Socket unix:${join(folder, "smf-spf.sock")}`,
      `PidFile ${pidFile}`,
      `StatusSocket unix:${join(folder, "status.sock")}`,
      `LogTo ${join(folder, "log")}`,
      "Syslog none",
      "RefuseFail off",
      ...(engine === undefined ? [] : [`SharedCache ${engine}`, `SharedCacheKey file:${keyFile}`]),
      ...lines,
    ];
    const daemon = await Daemon.start(
      { folder, socket: join(folder, "smf-spf.sock"), pidFile, socketMode: 0o600, settings: "" },
      { settings: `${settings.join("\n")}\n`, files: new Map(), environment: {} },
    );
    return new Host(name, folder, daemon);
  }

  get pid(): number {
    return this.#daemon.pid;
  }

  /** Plays the messages in turn; the results, in the same order. */
  async results({ mail }: Workload): Promise<string[]> {
    const results: string[] = [];
    const mta = new MtaPlayer(await openSocket(this.#socket));
    await mta.connect({ hostname: "client.example", address: CLIENT });
    await mta.helo("client.example");
    for (const { from } of mail) {
      const { verdict, edits } = await mta.message({ from: `<${from}>`, recipients: ["<bob@rig.test>"] });
      const field = edits.find((edit) => edit.kind === "insertHeader" && edit.name === "Received-SPF");
      const [result = verdict.kind] = field?.kind === "insertHeader" ? field.value.trim().split(" ") : [];
      results.push(result.toLowerCase());
    }
    mta.quit();
    return results;
  }

  /** Plays the messages and compares what comes of them with what must. */
  async serves(load: Workload): Promise<void> {
    const wanted = load.mail.map(({ from, result }) => `${from} ${result}`);
    const found = (await this.results(load)).map((result, nth) => `${load.mail[nth]?.from ?? ""} ${result}`);
    assert.deepEqual(found, wanted, this.name);
  }

  log(): string {
    return existsSync(this.#log) ? readFileSync(this.#log, "latin1") : "";
  }

  /** Waits for words in the log, as often as given. */
  logged(text: string, times = 1): Promise<void> {
    return waitUntil(`"${text}" in the log of ${this.name}: ${this.log()}`, () => {
      return this.log().split(text).length > times;
    });
  }

  /** Waits until the engine is in use. */
  uses(times = 1): Promise<void> {
    return this.logged(" answers\n", times);
  }

  async status(): Promise<StatusDocument> {
    return JSON.parse(await this.ask("/status.json")) as StatusDocument;
  }

  /** What StatusSocket has there. */
  ask(path: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const asked = request({ socketPath: this.#status, path, agent: false }, (response) => {
        let body = "";
        response.setEncoding("utf8").on("data", (chunk: string) => {
          body += chunk;
        });
        response.on("end", () => {
          resolve(body);
        });
      });
      asked.once("error", reject);
      asked.end();
    });
  }

  signal(signal: NodeJS.Signals): void {
    this.#daemon.signal(signal);
  }

  async stop(): Promise<void> {
    assert.equal(await this.#daemon.stop(), 0, this.name);
  }
}
