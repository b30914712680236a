import type { Nameserver } from "./nameservers.ts";
import { TcpChannel } from "./tcp.ts";
import { UdpChannel } from "./udp.ts";

/** A server that did not answer is asked after the others for so long. */
const AVOIDED_MS = 10_000;

/** One name server and the ways to it. */
export class Server {
  readonly udp: UdpChannel;
  readonly tcp: TcpChannel;
  #avoidedUntilMs = 0;

  constructor(nameserver: Nameserver) {
    this.udp = new UdpChannel(nameserver);
    this.tcp = new TcpChannel(nameserver);
  }

  /** It has answered, whatever it was. */
  answered(): void {
    this.#avoidedUntilMs = 0;
  }

  /** It could not be reached, or was silent. */
  failed(nowMs: number): void {
    this.#avoidedUntilMs = nowMs + AVOIDED_MS;
  }

  isAvoided(nowMs: number): boolean {
    return nowMs < this.#avoidedUntilMs;
  }

  close(): void {
    this.udp.close();
    this.tcp.close();
  }
}

/** In the operator's order, those that failed lately last: one dead server does not slow every question. */
export function inOrderOfTrust(servers: readonly Server[], nowMs: number): readonly Server[] {
  if (!servers.some((server) => server.isAvoided(nowMs))) return servers;
  return [
    ...servers.filter((server) => !server.isAvoided(nowMs)),
    ...servers.filter((server) => server.isAvoided(nowMs)),
  ];
}
