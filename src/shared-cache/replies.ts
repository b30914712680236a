/**
 * What an engine may send. The client trusts it: a list of 30 million elements in ten octets, lists a thousand deep, or
 * slots without an end would stop or end the daemon. So each chunk is looked at before the client reads it.
 */

/** A value has 16 KB; what an engine says of itself (INFO) is shorter. */
export const REPLY_OCTETS_MAX = 64 * 1024;
/** Which node of a cluster has what: some hundred octets for each node and range. */
export const SLOT_MAP_OCTETS_MAX = 256 * 1024;
/** A header, a word such as OK, or an error. */
const LINE_OCTETS_MAX = 4096;
const ELEMENTS_MAX = 16_384;
/** Ranges, nodes of a range, what a node is, more about it. */
const DEPTH_MAX = 4;

const TOO_LARGE = "an answer is too large";
const NO_ANSWER = "what comes is no answer of an engine";
const NOT_ASKED = "an answer came that nobody has asked for";

const LF = 0x0a;
const LINE_END_OCTETS = 2;

/** Reads along a connection, in the protocol RESP2: what it lets pass has a form and a size that the client can take. */
export class ReplyGuard {
  /** What has come of a line. */
  #line = "";
  /** What is still to come of a value. */
  #valueOctets = 0;
  /** The elements still to come of each open list. */
  readonly #lists: number[] = [];
  /** Of the reply that is coming. */
  #octets = 0;

  /**
   * What is wrong with what comes next; undefined where nothing is. Afterwards the connection is of no use.
   *
   * @param awaited replies that are still to come, with one that has begun
   */
  look(chunk: Uint8Array, awaited: number, octetsMax = REPLY_OCTETS_MAX): string | undefined {
    let left = awaited;
    for (let at = 0; at < chunk.length; ) {
      let octets: number;
      let isWhole: boolean;
      if (this.#valueOctets > 0) {
        octets = Math.min(this.#valueOctets, chunk.length - at);
        this.#valueOctets -= octets;
        isWhole = this.#valueOctets === 0;
      } else {
        const end = chunk.indexOf(LF, at);
        octets = (end === -1 ? chunk.length : end + 1) - at;
        if (this.#line.length + octets > LINE_OCTETS_MAX) return TOO_LARGE;
        this.#line += Buffer.from(chunk.buffer, chunk.byteOffset + at, octets).toString("latin1");
        if (end === -1) isWhole = false;
        else {
          const line = this.#line;
          this.#line = "";
          if (left <= 0) return line.startsWith("-") ? line.slice(1).trimEnd() : NOT_ASKED;
          const read = this.#readLine(line);
          if (typeof read === "string") return read;
          isWhole = read;
        }
      }
      at += octets;
      this.#octets += octets;
      if (this.#octets > octetsMax) return TOO_LARGE;
      if (isWhole && this.#closeValue()) {
        this.#octets = 0;
        left--;
      }
    }
    return undefined;
  }

  /** Whether a value ends with the line, or what is wrong with it. */
  #readLine(line: string): boolean | string {
    const [, type, text = ""] = /^([-+:$*])([^\r\n]*)\r\n$/.exec(line) ?? [];
    switch (type) {
      case "+":
        return true;
      case "-":
        return !/^(?:MOVED|ASK)(?: |$)/.test(text) || isRedirection(text) || NO_ANSWER;
      case ":":
        return /^-?\d{1,15}$/.test(text) || NO_ANSWER;
      case "$":
        if (text === "-1") return true;
        if (!/^\d{1,15}$/.test(text)) return NO_ANSWER;
        this.#valueOctets = Number(text) + LINE_END_OCTETS;
        return this.#valueOctets > SLOT_MAP_OCTETS_MAX ? TOO_LARGE : false;
      case "*": {
        if (text === "-1" || text === "0") return true;
        if (!/^\d{1,15}$/.test(text)) return NO_ANSWER;
        if (Number(text) > ELEMENTS_MAX || this.#lists.length >= DEPTH_MAX) return TOO_LARGE;
        this.#lists.push(Number(text));
        return false;
      }
      default:
        return NO_ANSWER;
    }
  }

  /** Whether the reply ends with the value. */
  #closeValue(): boolean {
    for (;;) {
      const left = this.#lists.pop();
      if (left === undefined) return true;
      if (left > 1) {
        this.#lists.push(left - 1);
        return false;
      }
    }
  }
}

const SLOTS = 16_384;
const PORT_MAX = 65_535;
/** Replicas and all: the client makes a connection of its own for each. */
export const NODES_MAX = 128;
/** The primary and its replicas. */
const NODES_OF_A_RANGE_MAX = 32;

/** `MOVED 3999 192.0.2.1:6381`. */
function isRedirection(text: string): boolean {
  const [, slot, port] = /^[A-Z]+ (\d{1,5}) [\w.:-]*:(\d{1,5})$/.exec(text) ?? [];
  return Number(slot) < SLOTS && Number(port) <= PORT_MAX;
}

/** Whether it can be the answer to CLUSTER SLOTS, of a cluster of a size that can be. */
export function isSlotMap(reply: unknown): boolean {
  if (!Array.isArray(reply)) return false;
  const nodes = new Set<string>();
  let slots = 0;
  for (const range of reply as readonly unknown[]) {
    if (!Array.isArray(range)) return false;
    const [first, last, ...holders] = range as readonly unknown[];
    if (!isNumber(first, SLOTS - 1) || !isNumber(last, SLOTS - 1) || first > last) return false;
    slots += last - first + 1;
    if (slots > SLOTS || holders.length === 0 || holders.length > NODES_OF_A_RANGE_MAX) return false;
    for (const holder of holders) {
      if (!Array.isArray(holder)) return false;
      const [host, port] = holder as readonly unknown[];
      // A node that does not know its own address yet has none.
      if (!(host === null || Buffer.isBuffer(host)) || !isNumber(port, PORT_MAX)) return false;
      nodes.add(`${String(host)}:${port}`);
    }
    if (nodes.size > NODES_MAX) return false;
  }
  return true;
}

function isNumber(value: unknown, max: number): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= max;
}
