/** A real Sentinel of the test's own. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { accepts } from "../../../support/accepts.ts";
import { RIG } from "../namespace.ts";
import { Program } from "../process.ts";
import { RespClient } from "./resp.ts";

/** The name under which it watches the primary. */
export const WATCHED = "mymaster";

/** One Sentinel; two of them must agree. */
export class Sentinel {
  readonly port: number;
  readonly #program: Program;

  private constructor(port: number, program: Program) {
    this.port = port;
    this.#program = program;
  }

  /** @param primary the port of what it watches */
  static async start(port: number, primary: number): Promise<Sentinel> {
    const folder = join(RIG, `sentinel-${port}`);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    const settings = [
      `port ${port}`,
      "bind 127.0.0.1",
      `dir ${folder}`,
      `sentinel monitor ${WATCHED} 127.0.0.1 ${primary} 2`,
      `sentinel down-after-milliseconds ${WATCHED} 500`,
      `sentinel failover-timeout ${WATCHED} 3000`,
    ];
    const file = join(folder, "sentinel.conf");
    writeFileSync(file, `${settings.join("\n")}\n`);
    const program = new Program("redis-server", [file, "--sentinel"]);
    await program.becomes("ready", () => accepts({ host: "127.0.0.1", port }));
    return new Sentinel(port, program);
  }

  /** The port of the primary, as it knows it. */
  async primary(): Promise<number> {
    const [, port] = (await this.ask("get-master-addr-by-name", WATCHED)) as readonly Buffer[];
    return Number(port?.toString("latin1"));
  }

  /** How many others, and how many replicas, it knows. */
  async known(): Promise<readonly [sentinels: number, replicas: number]> {
    const [others, replicas] = [await this.ask("sentinels", WATCHED), await this.ask("replicas", WATCHED)];
    return [(others as readonly unknown[]).length, (replicas as readonly unknown[]).length];
  }

  async ask(...words: readonly string[]): Promise<unknown> {
    const client = new RespClient({ host: "127.0.0.1", port: this.port });
    try {
      return await client.ask("SENTINEL", ...words);
    } finally {
      client.close();
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#program.child.kill(signal);
  }

  async stop(): Promise<void> {
    this.signal("SIGCONT");
    await this.#program.stop("SIGKILL");
  }
}
