/** A real Sentinel of the test's own. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { RespServer } from "./redis.ts";

/** The name under which it watches the primary. */
export const WATCHED = "mymaster";

/** One Sentinel; two of them must agree. */
export class Sentinel extends RespServer {
  /** @param primary the port of what it watches */
  static async start(port: number, primary: number): Promise<Sentinel> {
    const folder = RespServer.folder(`sentinel-${port}`);
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
    return new Sentinel(port, await RespServer.program(port, [file, "--sentinel"]));
  }

  /** The port of the primary, as it knows it. */
  async primary(): Promise<number> {
    const [, port] = (await this.ask("SENTINEL", "get-master-addr-by-name", WATCHED)) as readonly Buffer[];
    return Number(port?.toString("latin1"));
  }

  /** How many others, and how many replicas, it knows. */
  async known(): Promise<readonly [sentinels: number, replicas: number]> {
    const [others, replicas] = [
      await this.ask("SENTINEL", "sentinels", WATCHED),
      await this.ask("SENTINEL", "replicas", WATCHED),
    ];
    return [(others as readonly unknown[]).length, (replicas as readonly unknown[]).length];
  }
}
