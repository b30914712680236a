/**
 * A name server process with a delay before every answer, for domains that it makes up:
 *
 *     pN.bench.test        v=spf1 ip4:192.0.2.0/24 -all
 *     dN.bench.test        five includes, _spf1 to _spf5, of two ranges each; 192.0.2.0/24 is in the last
 *     *.mix.test           the domains of mixed/zone.ts
 *     everything else      NXDOMAIN
 *
 * It counts the questions and tells them over the IPC channel.
 */
import { createSocket, type RemoteInfo } from "node:dgram";
import { mixedAnswer } from "./mixed/answer.ts";
import { delayOf } from "./mixed/zone.ts";

/** What the parent may say. */
export type NameServerCommand =
  | { readonly kind: "listen"; readonly port: number; readonly delayMs: number }
  | { readonly kind: "delay"; readonly delayMs: number }
  /** Seed of the mixed zone, and the share of its domains that say nothing. */
  | { readonly kind: "mixed"; readonly seed: number; readonly offShare: number }
  | { readonly kind: "count" };

/** What it answers: the port once bound; the questions since the last time, by name and type. */
export type NameServerReply =
  | { readonly kind: "listening"; readonly port: number }
  | { readonly kind: "delayed" }
  | { readonly kind: "counted"; readonly questions: Record<string, number> };

const TXT = 16;
const HEADER = 12;
/** Questions beyond this many different ones are counted together, so that a long run keeps its memory. */
const COUNTED_NAMES_MAX = 20000;

/** The TXT record of a name, or undefined where the name does not exist. */
function textOf(name: string): string | undefined {
  const labels = name.toLowerCase().split(".");
  if (labels.slice(-2).join(".") !== "bench.test") return undefined;
  const [first = "", second = ""] = labels.slice(0, -2);
  if (/^p\d+$/.test(first)) return "v=spf1 ip4:192.0.2.0/24 -all";
  if (/^d\d+$/.test(first)) {
    return `v=spf1 ${[1, 2, 3, 4, 5].map((i) => `include:_spf${i}.${name}`).join(" ")} -all`;
  }
  if (/^_spf[1-5]$/.test(first) && /^d\d+$/.test(second)) {
    const last = first === "_spf5" ? "192.0.2.0/24" : `10.${first.slice(4)}.0.0/16`;
    return `v=spf1 ip4:10.9${first.slice(4)}.0.0/16 ip4:${last} -all`;
  }
  return undefined;
}

/** The question of a query: its name, its type and where it ends; undefined for anything else. */
function questionOf(query: Buffer): { name: string; type: number; end: number } | undefined {
  const labels: string[] = [];
  let at = HEADER;
  for (;;) {
    const length = query[at];
    if (length === undefined || length > 63) return undefined;
    if (length === 0) break;
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  if (at + 5 > query.length) return undefined;
  return { name: labels.join("."), type: query.readUInt16BE(at + 1), end: at + 5 };
}

function answerTo(query: Buffer, name: string, type: number, end: number): Buffer {
  const text = textOf(name);
  const answered = text !== undefined && type === TXT;
  const rdata = answered
    ? Buffer.concat([Buffer.from([text.length]), Buffer.from(text, "latin1")])
    : undefined;
  const out = Buffer.alloc(end + (rdata === undefined ? 0 : 12 + rdata.length));
  query.copy(out, 0, 0, end);
  out.writeUInt16BE(text === undefined ? 0x8583 : 0x8580, 2);
  out.writeUInt16BE(answered ? 1 : 0, 6);
  out.writeUInt32BE(0, 8);
  if (rdata !== undefined) {
    out.writeUInt16BE(0xc000 | HEADER, end);
    out.writeUInt16BE(TXT, end + 2);
    out.writeUInt16BE(1, end + 4);
    out.writeUInt32BE(300, end + 6);
    out.writeUInt16BE(rdata.length, end + 10);
    rdata.copy(out, end + 12);
  }
  return out;
}

const socket = createSocket({ type: "udp4", recvBufferSize: 1 << 20 });
let delayMs = 0;
let mixed = { seed: 1, offShare: 0 };
let questions: Record<string, number> = {};
let names = 0;

socket.on("message", (query: Buffer, from: RemoteInfo) => {
  const question = query.length > HEADER ? questionOf(query) : undefined;
  if (question === undefined) return;
  const key = `${question.name.toLowerCase()} ${question.type === TXT ? "TXT" : question.type}`;
  if (questions[key] !== undefined) questions[key]++;
  else if (names++ < COUNTED_NAMES_MAX) questions[key] = 1;
  else questions["other names"] = (questions["other names"] ?? 0) + 1;
  const name = question.name.toLowerCase();
  const isMixed = name.endsWith(".mix.test");
  const answer = isMixed
    ? mixedAnswer(query, name, question.type, question.end, mixed)
    : answerTo(query, question.name, question.type, question.end);
  if (answer === undefined) return;
  const afterMs = isMixed ? delayOf(mixed.seed, name, delayMs) : delayMs;
  const send = (): void => {
    socket.send(answer, from.port, from.address);
  };
  if (afterMs === 0) send();
  else setTimeout(send, afterMs);
});

const reply = (message: NameServerReply): void => {
  process.send?.(message);
};

process.on("message", (command: NameServerCommand) => {
  if (command.kind === "listen") {
    delayMs = command.delayMs;
    socket.bind(command.port, "127.0.0.1", () => {
      reply({ kind: "listening", port: socket.address().port });
    });
  } else if (command.kind === "delay") {
    delayMs = command.delayMs;
    reply({ kind: "delayed" });
  } else if (command.kind === "mixed") {
    mixed = command;
    reply({ kind: "delayed" });
  } else {
    reply({ kind: "counted", questions });
    questions = {};
    names = 0;
  }
});
process.on("disconnect", () => {
  process.exit(0);
});
