/** A real redis-server of the test's own, and what it has in common with a Sentinel. */
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

/** A program that speaks RESP on a port of this host. */
export abstract class RespServer {
  readonly port: number;
  readonly #program: Program;

  protected constructor(port: number, program: Program) {
    this.port = port;
    this.#program = program;
  }

  /** Makes an empty directory for it below that of the test, unless the files of an earlier one are kept. */
  protected static folder(name: string, keepsFiles = false): string {
    const folder = join(RIG, name);
    if (!keepsFiles) rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  /** Resolves when it takes connections, though it may still load its data. */
  protected static async program(port: number, args: readonly string[]): Promise<Program> {
    const program = new Program("redis-server", [...args]);
    await program.becomes("ready", () => accepts({ host: "127.0.0.1", port }));
    return program;
  }

  /** Uses a connection of its own. */
  protected async with<T>(use: (client: RespClient) => Promise<T>): Promise<T> {
    const client = new RespClient({ host: "127.0.0.1", port: this.port });
    try {
      return await use(client);
    } finally {
      client.close();
    }
  }

  /** One command over a connection of its own. */
  ask(...words: readonly (string | Buffer)[]): Promise<Reply> {
    return this.with((client) => client.ask(...words));
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

/** One server. */
export class Redis extends RespServer {
  readonly folder: string;

  private constructor(port: number, folder: string, program: Program) {
    super(port, program);
    this.folder = folder;
  }

  static async start({ port, options = [], keepsFiles = false }: RedisOptions): Promise<Redis> {
    const folder = RespServer.folder(`redis-${port}`, keepsFiles);
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
    return new Redis(
      port,
      folder,
      await RespServer.program(port, [...common, "--port", String(port), ...options]),
    );
  }

  /** Every key with its value. */
  entries(): Promise<ReadonlyMap<string, Buffer>> {
    return this.with(async (client) => {
      const found = new Map<string, Buffer>();
      for (const key of (await client.ask("KEYS", "*")) as readonly Buffer[]) {
        const value = await client.ask("GET", key);
        if (Buffer.isBuffer(value)) found.set(key.toString("latin1"), value);
      }
      return found;
    });
  }
}
