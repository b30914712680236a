/** The packets an MTA sends, built once and used for every message. */

/** How the packets reach the wire: Sendmail writes each by itself, Postfix all up to the next reply at once. */
export type Mta = "sendmail" | "postfix";

/** The stages that carry macros, by the numbers that symbol lists use (SMFIM_…). */
export const STAGES = ["connect", "helo", "mail", "rcpt", "data", "endOfMessage", "endOfHeaders"] as const;
export type Stage = (typeof STAGES)[number];

/** SMFIP_ bits that the generator honours. */
export const SMFIP = {
  NOCONNECT: 0x1,
  NOHELO: 0x2,
  NOMAIL: 0x4,
  NORCPT: 0x8,
  NOBODY: 0x10,
  NOHDRS: 0x20,
  NOEOH: 0x40,
  NR_HDR: 0x80,
  NODATA: 0x200,
  NR_CONN: 0x1000,
  NR_HELO: 0x2000,
  NR_MAIL: 0x4000,
  NR_RCPT: 0x8000,
  NR_DATA: 0x10000,
  NR_EOH: 0x40000,
  NR_BODY: 0x80000,
} as const;

/** Most octets of a body in one packet (MILTER_CHUNK_SIZE). */
export const BODY_CHUNK = 65535;

/** One packet: length, command letter, data. */
export function packet(command: string, data: Buffer | string = ""): Buffer {
  const bytes = typeof data === "string" ? Buffer.from(data, "latin1") : data;
  const out = Buffer.allocUnsafe(5 + bytes.length);
  out.writeUInt32BE(bytes.length + 1, 0);
  out.write(command, 4, "latin1");
  bytes.copy(out, 5);
  return out;
}

/** What both MTAs offer: version 6, every action, every protocol bit. */
export const OPTNEG = packet("O", Buffer.from("00000006000001ff001fffff", "hex"));
export const ABORT = packet("A");
export const QUIT = packet("Q");

/** What the filter answered to the offer. */
export interface Negotiated {
  readonly protocol: number;
  /** Macro names by stage, where the filter has set a list. */
  readonly symbols: ReadonlyMap<Stage, readonly string[]>;
}

/** Reads the data of the filter's OPTNEG packet. */
export function readNegotiated(data: Buffer): Negotiated {
  const symbols = new Map<Stage, readonly string[]>();
  for (let at = 12; at + 4 < data.length; ) {
    const stage = STAGES[data.readUInt32BE(at)];
    const end = data.indexOf(0, at + 4);
    if (stage === undefined || end < 0) throw new Error("a symbol list that cannot be read");
    symbols.set(
      stage,
      data
        .toString("latin1", at + 4, end)
        .split(/[ ,]+/)
        .filter(Boolean),
    );
    at = end + 1;
  }
  return { protocol: data.readUInt32BE(8), symbols };
}

/** What stays the same from one message to the next. */
export interface MessageShape {
  readonly clientIp: string;
  readonly clientName: string;
  readonly helo: string;
  readonly recipient: string;
  readonly headers: number;
  readonly bodyOctets: number;
}

const FIELDS: readonly (readonly [string, string])[] = [
  [
    "Received",
    "from client.bench.test (client.bench.test [192.0.2.1])\n\tby mx.example.test with ESMTPS id 1",
  ],
  ["From", "A Sender <sender@bench.test>"],
  ["To", "A Recipient <rcpt@example.test>"],
  ["Subject", "A message to measure with"],
  ["Date", "Mon, 1 Jan 2024 00:00:00 +0000"],
  ["Message-ID", "<1@bench.test>"],
  ["MIME-Version", "1.0"],
  ["Content-Type", "text/plain; charset=utf-8"],
];

/** The header packets of a message. */
export function headerPackets(count: number): Buffer[] {
  return Array.from({ length: count }, (_, i) => {
    const [name, value] = FIELDS[i] ?? [
      `X-Bench-${i}`,
      `field ${i}, about as long as a header field usually is`,
    ];
    return packet("L", `${name}\0${value}\0`);
  });
}

/** The body packets of a message. Postfix puts the last, partial chunk into the end of body. */
export function bodyPackets(bytes: number, mta: Mta): Buffer[] {
  const line = "A line of text that a message may well be made of, seventy octets.\r\n";
  const body = Buffer.alloc(bytes, line, "latin1");
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes; at += BODY_CHUNK) chunks.push(body.subarray(at, at + BODY_CHUNK));
  if (mta === "sendmail") return [...chunks.map((chunk) => packet("B", chunk)), packet("E")];
  const last = chunks.at(-1);
  const partial = last !== undefined && last.length < BODY_CHUNK ? chunks.pop() : undefined;
  return [...chunks.map((chunk) => packet("B", chunk)), packet("E", partial)];
}

type MacroSet = readonly (readonly [string, string])[];

const ID = "4AM3I0x1000001";

/** The macros that each MTA has for each stage. */
function macrosOf(mta: Mta, shape: MessageShape): Record<Stage, MacroSet> {
  const host: MacroSet =
    mta === "sendmail"
      ? [
          ["j", "mx.example.test"],
          ["_", `${shape.clientName} [${shape.clientIp}]`],
          ["{daemon_name}", "MTA-v4"],
          ["{if_name}", "mx.example.test"],
          ["{if_addr}", "198.51.100.1"],
        ]
      : [
          ["j", "mx.example.test"],
          ["{daemon_name}", "mx.example.test"],
          ["{daemon_addr}", "198.51.100.1"],
          ["v", "Postfix 3.7.11"],
          ["_", `${shape.clientName} [${shape.clientIp}]`],
        ];
  const id: MacroSet = [["i", ID]];
  const sender: MacroSet = [
    ["{mail_mailer}", "esmtp"],
    ["{mail_host}", "bench.test."],
  ];
  const recipient: MacroSet = [
    ["{rcpt_mailer}", "local"],
    ["{rcpt_host}", ""],
    ["{rcpt_addr}", shape.recipient],
  ];
  return {
    connect: host,
    helo: [
      ["{tls_version}", "TLSv1.3"],
      ["{cipher}", "TLS_AES_256_GCM_SHA384"],
      ["{cipher_bits}", "256"],
    ],
    mail: mta === "sendmail" ? [...id, ...sender] : sender,
    rcpt: recipient,
    data: mta === "sendmail" ? [] : id,
    endOfHeaders: mta === "sendmail" ? [] : id,
    endOfMessage: mta === "sendmail" ? [["{msg_id}", "<1@bench.test>"]] : id,
  };
}

const LETTER: Record<Stage, string> = {
  connect: "C",
  helo: "H",
  mail: "M",
  rcpt: "R",
  data: "T",
  endOfMessage: "E",
  endOfHeaders: "N",
};

/**
 * The macro packet of each stage, or none: an empty list silences Sendmail and leaves Postfix as it was, and
 * Sendmail honours a list for the end of message only with one for the end of headers.
 */
export function macroPackets(
  mta: Mta,
  shape: MessageShape,
  negotiated: Negotiated,
): Partial<Record<Stage, Buffer>> {
  const all = macrosOf(mta, shape);
  const known = new Map(STAGES.flatMap((stage) => all[stage]));
  const packets: Partial<Record<Stage, Buffer>> = {};
  for (const stage of STAGES) {
    let list = negotiated.symbols.get(stage);
    if (mta === "postfix" && list?.length === 0) list = undefined;
    if (mta === "sendmail" && stage === "endOfMessage" && !negotiated.symbols.has("endOfHeaders"))
      list = undefined;
    const macros: MacroSet =
      list === undefined
        ? all[stage]
        : list.flatMap((name) => {
            const value = known.get(name) ?? known.get(`{${name}}`);
            return value === undefined ? [] : [[name, value] as const];
          });
    if (macros.length === 0) continue;
    packets[stage] = packet(
      "D",
      LETTER[stage] + macros.map(([name, value]) => `${name}\0${value}\0`).join(""),
    );
  }
  return packets;
}
