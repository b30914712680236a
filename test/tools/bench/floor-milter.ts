/**
 * The least a milter can do on node:net, as a process: it repeats the negotiation reply that it is given, answers
 * what that reply says is answered, inserts header fields at end of message. What a filter costs above this is
 * its own work.
 */
import { createServer } from "node:net";
import { packet, readNegotiated, SMFIP } from "./packets.ts";

/** What the parent says once: where to listen, and the data of the OPTNEG reply in hex. */
export interface FloorStart {
  readonly path: string;
  readonly negotiation: string;
  /** How many header fields it inserts. */
  readonly fields: number;
}

const CONTINUE = packet("c");
const FIELD = packet(
  "i",
  "\0\0\0\0Authentication-Results\0 mx.example.test; spf=pass smtp.mailfrom=user@bench.test\0",
);

const QUIET_BIT: Readonly<Record<string, number>> = {
  C: SMFIP.NR_CONN,
  H: SMFIP.NR_HELO,
  M: SMFIP.NR_MAIL,
  R: SMFIP.NR_RCPT,
  T: SMFIP.NR_DATA,
  L: SMFIP.NR_HDR,
  N: SMFIP.NR_EOH,
  B: SMFIP.NR_BODY,
};

function serve(start: FloorStart): void {
  const data = Buffer.from(start.negotiation, "hex");
  const { protocol } = readNegotiated(data);
  const optneg = packet("O", data);
  const answers = new Map<number, Buffer>(
    [
      ["O", optneg] as const,
      ["E", Buffer.concat([...Array<Buffer>(start.fields).fill(FIELD), CONTINUE])] as const,
      ...Object.entries(QUIET_BIT).flatMap(([letter, bit]) =>
        (protocol & bit) === 0 ? [[letter, CONTINUE] as const] : [],
      ),
    ].map(([letter, bytes]) => [letter.charCodeAt(0), bytes]),
  );
  const quit = "Q".charCodeAt(0);

  createServer((socket) => {
    let rest: Buffer | undefined;
    socket.on("error", () => {
      socket.destroy();
    });
    socket.on("data", (chunk: Buffer) => {
      const bytes = rest === undefined ? chunk : Buffer.concat([rest, chunk]);
      let at = 0;
      while (bytes.length - at >= 5) {
        const length = bytes.readUInt32BE(at);
        if (bytes.length - at < 4 + length) break;
        const command = bytes[at + 4] ?? 0;
        if (command === quit) {
          socket.destroy();
          return;
        }
        const answer = answers.get(command);
        if (answer !== undefined) socket.write(answer);
        at += 4 + length;
      }
      rest = at < bytes.length ? bytes.subarray(at) : undefined;
    });
  }).listen({ path: start.path, backlog: 1024 }, () => process.send?.("listening"));
}

process.once("message", serve);
process.on("disconnect", () => {
  process.exit(0);
});
