/** The options of `make bench`, given as make variables. */
import type { Mta } from "./packets.ts";
import { type Peer, parsePeer } from "./peers.ts";

export interface Options {
  readonly sections: readonly string[];
  readonly peers: readonly Peer[];
  readonly rounds: number;
  /** Of one run. */
  readonly seconds: number;
  readonly mta: Mta;
  /** Distinct senders of the memory section. */
  readonly senders: number;
  /** The MTAs of the section mta. */
  readonly mtas: readonly Mta[];
  /** Messages of a run of the section mta. */
  readonly mtaMessages: number;
  /** Messages that each milter has had before it is measured in the section mta. */
  readonly mtaWarmMessages: number;
  /** 0: any free one. */
  readonly nameServerPort: number;
  readonly jsonPath: string;
}

/** How it is called. `sections`: those that there are. */
export const usage = (sections: readonly string[]): string => `make bench [VARIABLE=value …]
  SECTIONS="hot cold …"      of ${sections.join(" ")} (all but mta)
  PEER="NAME=unix:/path …"   other milters to measure in turn: [NAME=]unix:PATH or [NAME=]inet:PORT@HOST,
                             with ,pid=N where its process is to be measured; let them ask the bench's name server
  PEERS=debian               Debian's pyspf-milter, opendmarc and rspamd as peers, in namespaces; needs root
  NAMESERVER_PORT=N          where that one listens on 127.0.0.1 (any free port)
  ROUNDS=N                   rounds of every comparison (5)
  RUN_SECONDS=N              length of one run (2)
  QUICK=1                    two rounds of half a second, 10,000 senders: to see that it works
  MTA=sendmail|postfix       whose packets (sendmail)
  SENDERS=N                  distinct senders of the memory section (100000)
  MIXED_SPEED=N              what mixed, independence and hold divide TTLs by: a second is so many of mail (60)
  MTAS="postfix sendmail"    MTAs of the section mta (both)
  MTA_MESSAGES=N             messages of one run of it (2000)
  MTA_WARM=N                 messages that each milter has had before (10000)
  JSON=FILE                  where every run is written (dist/bench.json)
`;

const MTAS: readonly Mta[] = ["postfix", "sendmail"];

function numberOf(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined || text === "") return otherwise;
  const value = Number(text);
  if (!(value > 0)) throw new Error(`${name} is a number above 0; read ${text}`);
  return value;
}

const words = (text: string | undefined): string[] => (text ?? "").split(/\s+/).filter(Boolean);

/** Reads the options; throws with what is wrong. `known`: the sections that there are. */
export function readOptions(env: NodeJS.ProcessEnv, known: readonly string[] = []): Options {
  const quick = (env["QUICK"] ?? "") !== "";
  const sections = words(env["SECTIONS"]);
  const unknown = sections.find((word) => !known.includes(word));
  if (unknown !== undefined) throw new Error(`SECTIONS are ${known.join(", ")}; read ${unknown}`);
  const mta = env["MTA"] ?? "sendmail";
  if (mta !== "sendmail" && mta !== "postfix") throw new Error(`MTA is sendmail or postfix; read ${mta}`);
  const mtas = words(env["MTAS"]);
  const strange = mtas.find((word) => !MTAS.some((name) => name === word));
  if (strange !== undefined) throw new Error(`MTAS are ${MTAS.join(", ")}; read ${strange}`);
  return {
    sections: sections.length > 0 ? sections : known.filter((name) => name !== "mta"),
    peers: words(env["PEER"]).map(parsePeer),
    rounds: numberOf("ROUNDS", env["ROUNDS"], quick ? 2 : 5),
    seconds: numberOf("RUN_SECONDS", env["RUN_SECONDS"], quick ? 0.5 : 2),
    mta,
    senders: numberOf("SENDERS", env["SENDERS"], quick ? 10_000 : 100_000),
    mtas: MTAS.filter((name) => mtas.length === 0 || mtas.includes(name)),
    mtaMessages: numberOf("MTA_MESSAGES", env["MTA_MESSAGES"], quick ? 40 : 2000),
    mtaWarmMessages: numberOf("MTA_WARM", env["MTA_WARM"], quick ? 100 : 10_000),
    nameServerPort: numberOf("NAMESERVER_PORT", env["NAMESERVER_PORT"], 0),
    jsonPath: env["JSON"] ?? "dist/bench.json",
  };
}
