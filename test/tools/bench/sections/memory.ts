import { mkdirSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import type { Bench, Run } from "../bench.ts";
import { OPTNEG } from "../packets.ts";
import { type Peer, startDaemon, writeConfiguration } from "../peers.ts";
import { figure } from "../table.ts";
import { residentKb } from "../usage.ts";
import { errorsOf, type Section } from "./section.ts";

/** Resident memory after many distinct senders, and of connections that do nothing. */
export async function memory(bench: Bench): Promise<Section> {
  const folder = join(bench.folder, "memory");
  mkdirSync(folder);
  const daemon = await startDaemon(folder, writeConfiguration(folder, bench.nameServerPort));
  const pid = daemon.pid ?? -1;
  try {
    await bench.setDelay(0);
    const atStart = residentKb(pid);
    const count = 900;
    const sockets = await idleConnections(daemon, count);
    const withIdle = residentKb(pid);
    for (const socket of sockets) socket.destroy();
    const steps: { readonly senders: number; readonly kb: number | undefined }[] = [];
    const rows: string[][] = [
      ["at start", daemon.name, figure((atStart ?? Number.NaN) / 1024), ""],
      [
        `${count} idle connections`,
        daemon.name,
        figure((withIdle ?? Number.NaN) / 1024),
        `${figure(((withIdle ?? Number.NaN) - (atStart ?? Number.NaN)) / count)} KB each`,
      ],
    ];
    const parts = 4;
    const runs: Run[] = [];
    for (let i = 1; i <= parts; i++) {
      bench.progress(`memory: part ${i} of ${parts}`);
      const messages = Math.ceil(bench.options.senders / parts);
      runs.push(
        await bench.run(daemon, {
          sender: "user{n}@p{n}.bench.test",
          senders: messages,
          firstSender: bench.freshSenders(messages),
          messages,
          seconds: 3600,
          connections: 32,
          messagesPerConnection: 100,
        }),
      );
      const kb = residentKb(pid);
      steps.push({ senders: messages * i, kb });
      rows.push([
        `${figure(messages * i)} senders`,
        daemon.name,
        figure((kb ?? Number.NaN) / 1024),
        `${figure(runs.at(-1)?.messagesPerSecond)} msgs/s`,
      ]);
    }
    bench.progress("");
    return {
      title: "memory: resident, MB",
      head: ["after", "milter", "MB", ""],
      rows,
      runs: { atStartKb: atStart, idle: { connections: count, kb: withIdle }, steps, runs },
      errors: errorsOf(daemon.name, runs),
    };
  } finally {
    await daemon.stop();
  }
}

/** Connections that have negotiated and then say nothing. */
async function idleConnections(peer: Peer, count: number): Promise<Socket[]> {
  const sockets: Socket[] = [];
  for (let i = 0; i < count; i++) {
    sockets.push(
      await new Promise<Socket>((resolve, reject) => {
        const socket = connect(peer.target);
        socket.once("error", reject);
        socket.once("data", () => {
          resolve(socket);
        });
        socket.write(OPTNEG);
      }),
    );
  }
  return sockets;
}
