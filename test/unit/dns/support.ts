import type { Answer, AnswerSource, RecordType } from "spf-check";
import {
  type NameserverList,
  Resolver,
  type ResolverOptions,
  type Nameserver as ServerAddress,
} from "../../../src/dns/index.ts";
import {
  type Nameserver,
  type NameserverOptions,
  startNameserver,
  type Zone,
} from "../../support/nameserver/index.ts";
import { promised } from "../../support/now-or-later.ts";

/** Long enough for any answer on a busy machine; tests that wait for silence set a short one. */
const PATIENT_MS = 10_000;

export interface ResolverSettings {
  readonly timeoutMs?: number;
  readonly tries?: number;
  readonly outstandingMax?: number;
  readonly onServer?: NonNullable<ResolverOptions["onServer"]>;
  readonly onServers?: NonNullable<ResolverOptions["onServers"]>;
}

/** Starts servers and resolvers, and closes them all after a test. */
export class Workbench {
  readonly #closers: (() => unknown)[] = [];

  async nameserver(zone: Zone, options: NameserverOptions = {}): Promise<Nameserver> {
    const server = await startNameserver(zone, options);
    this.#closers.push(() => server.close());
    return server;
  }

  resolver(servers: readonly ServerAddress[] | NameserverList, settings: ResolverSettings = {}): Resolver {
    const resolver = new Resolver({ servers, timeoutMs: PATIENT_MS, tries: 1, ...settings });
    this.#closers.push(() => {
      resolver.close();
    });
    return resolver;
  }

  /** A server and a resolver that asks only it. */
  async pair(
    zone: Zone,
    options: NameserverOptions = {},
    settings: ResolverSettings = {},
  ): Promise<{ server: Nameserver; resolver: Resolver }> {
    const server = await this.nameserver(zone, options);
    return { server, resolver: this.resolver([server], settings) };
  }

  /** Closed with the rest. */
  closing(closer: () => unknown): void {
    this.#closers.push(closer);
  }

  async close(): Promise<void> {
    for (const close of this.#closers.splice(0).reverse()) await close();
  }
}

/** One question as a promise. */
export function ask(source: AnswerSource, name: string, type: RecordType = "TXT"): Promise<Answer> {
  return promised((done) => source.ask({ name, type }, done));
}

/** What the answer says, TTL aside: records as plain values, or the status, or the problem. */
export function gist(answer: Answer): unknown {
  if (answer.status === "fault") return `fault: ${answer.problem}`;
  if (answer.status !== "found") return answer.status;
  return answer.records.map((data) => (typeof data === "object" && "text" in data ? data.text : data));
}
