/** A real redis-server of the test's own. */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { accepts } from "../../../support/accepts.ts";
import { RIG } from "../namespace.ts";
import { Program } from "../process.ts";
import { type Reply, RespClient } from "./resp.ts";

/** Where it listens and what it is told besides. */
export interface RedisOptions {
  readonly port: number;
  /** Further options, as on its command line: `["--maxmemory", "1mb"]`. */
  readonly options?: readonly string[];
  /** The files of an earlier one on that port are kept. */
  readonly keepsFiles?: boolean;
}

/** One server. */
export class Redis {
  readonly port: number;
  readonly folder: string;
  readonly #program: Program;

  private constructor(port: number, folder: string, program: Program) {
    this.port = port;
    this.folder = folder;
    this.#program = program;
  }

  /** Resolves when it takes connections, though it may still load its data. */
  static async start({ port, options = [], keepsFiles = false }: RedisOptions): Promise<Redis> {
    const folder = join(RIG, `redis-${port}`);
    if (!keepsFiles) rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    const common = [
      "--dir",
      folder,
      "--save",
      "",
      "--daemonize",
      "no",
      "--bind",
      "127.0.0.1",
      "192.0.2.1",
      "--protected-mode",
      "no",
    ];
    const program = new Program("redis-server", [...common, "--port", String(port), ...options]);
    const redis = new Redis(port, folder, program);
    await program.becomes("ready", () => accepts({ host: "127.0.0.1", port }));
    return redis;
  }

  /** One command over a connection of its own. */
  async ask(...words: readonly (string | Buffer)[]): Promise<Reply> {
    const client = new RespClient({ host: "127.0.0.1", port: this.port });
    try {
      return await client.ask(...words);
    } finally {
      client.close();
    }
  }

  /** Every key with its value. */
  async entries(): Promise<ReadonlyMap<string, Buffer>> {
    const client = new RespClient({ host: "127.0.0.1", port: this.port });
    try {
      const found = new Map<string, Buffer>();
      for (const key of (await client.ask("KEYS", "*")) as readonly Buffer[]) {
        const value = await client.ask("GET", key);
        if (Buffer.isBuffer(value)) found.set(key.toString("latin1"), value);
      }
      return found;
    } finally {
      client.close();
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#program.child.kill(signal);
  }

  /** Ends it at once: it has nothing to keep. */
  async stop(): Promise<void> {
    this.signal("SIGCONT");
    await this.#program.stop("SIGKILL");
  }
}
