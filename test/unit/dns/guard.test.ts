import assert from "node:assert/strict";
import { describe, it } from "node:test";
import dnsPacket from "dns-packet";
import fc from "fast-check";
import type { RecordType } from "spf-check";
import { encodeQuery, readResponse } from "../../../src/dns/messages.ts";
import { gist } from "./support.ts";

const SEED = 20_140_408;

interface Sections {
  readonly answers?: readonly Buffer[];
  readonly authorities?: readonly Buffer[];
  readonly additionals?: readonly Buffer[];
  readonly rcode?: number;
  /** AA 0x0400, RA 0x0080; RA where none are given. */
  readonly bits?: number;
}

const u16 = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(2 * values.length);
  for (const [i, value] of values.entries()) bytes.writeUInt16BE(value, 2 * i);
  return bytes;
};
const label = (text: string): Buffer =>
  Buffer.concat([Buffer.from([text.length]), Buffer.from(text, "latin1")]);
const ROOT = Buffer.from([0]);
const QNAME = u16(0xc00c);
const TYPES = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  NULL: 10,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  RRSIG: 46,
  OPT: 41,
};
const name = (text: string): Buffer => Buffer.concat([...text.split(".").map(label), ROOT]);

function record(
  type: keyof typeof TYPES,
  rdata: Buffer,
  owner = QNAME,
  rdlength = rdata.length,
  klass = 1,
): Buffer {
  return Buffer.concat([owner, u16(TYPES[type], klass, 0, 300, rdlength), rdata]);
}

function response(type: RecordType, sections: Sections, qname = "a.test"): Buffer {
  const { answers = [], authorities = [], additionals = [], rcode = 0, bits = 0x80 } = sections;
  const { section } = encodeQuery({ name: qname, type }, true);
  return Buffer.concat([
    u16(0, 0x8100 | bits | rcode, 1, answers.length, authorities.length, additionals.length),
    section,
    ...answers,
    ...authorities,
    ...additionals,
  ]);
}

function read(message: Buffer, type: RecordType): unknown {
  const result = readResponse(message, encodeQuery({ name: "a.test", type }, true));
  if (result.kind === "answer") return gist(result.answer);
  return result.kind === "failure" ? result.problem : result.kind;
}

const MALFORMED = "malformed DNS answer";
const A = record("A", Buffer.from([192, 0, 2, 1]));
const OPT = (extendedRcode: number): Buffer =>
  Buffer.concat([ROOT, u16(TYPES.OPT, 1232), Buffer.from([extendedRcode, 0, 0, 0]), u16(0)]);

/** Pointers that each lead to the one before, as many as a TXT record holds; what they end in is the root. */
function ladder(rungs: number, start: number): Buffer {
  const targets = Array.from({ length: rungs }, (_, i) => 0xc000 | (start + (i === 0 ? 0 : 2 + 2 * (i - 1))));
  return Buffer.concat([Buffer.from([0, 0]), u16(...targets)]);
}

describe("readResponse", () => {
  const malformed: Record<string, [RecordType, Sections]> = {
    "an A of 3 octets": ["A", { answers: [record("A", Buffer.from([1, 2, 3]))] }],
    "an A of 5 octets": ["A", { answers: [record("A", Buffer.alloc(5))] }],
    "an A of no octets": ["A", { answers: [record("A", Buffer.alloc(0))] }],
    "an AAAA of 15 octets": ["AAAA", { answers: [record("AAAA", Buffer.alloc(15))] }],
    "an MX without a name": ["MX", { answers: [record("MX", u16(10))] }],
    "an MX of one octet": ["MX", { answers: [record("MX", Buffer.from([1]))] }],
    "an MX name that goes on after the rdata": [
      "MX",
      { answers: [record("MX", Buffer.concat([u16(10), label("mx"), ROOT]), QNAME, 4)] },
    ],
    "a PTR with octets after its name": [
      "PTR",
      { answers: [record("PTR", Buffer.concat([name("x.test"), ROOT]))] },
    ],
    "a TXT string longer than the rdata": ["TXT", { answers: [record("TXT", Buffer.from([5, 1, 2]))] }],
    "rdata longer than the message": ["TXT", { answers: [record("TXT", label("x"), QNAME, 400)] }],
    "a record cut short": ["A", { answers: [A.subarray(0, 9)] }],
    "a pointer to itself": ["A", { answers: [record("A", Buffer.alloc(4), u16(0xc000 | 24))] }],
    "a pointer forward": ["A", { answers: [record("A", Buffer.alloc(4), u16(0xc0ff))] }],
    "a pointer into a loop of two": [
      "A",
      { answers: [record("A", Buffer.alloc(4), Buffer.concat([label("x"), u16(0xc000 | 24)]))] },
    ],
    "a pointer cut short": ["A", { answers: [Buffer.from([0xc0])] }],
    "a label of 64 octets": [
      "A",
      { answers: [record("A", Buffer.alloc(4), Buffer.from([64, ...Buffer.alloc(64), 0]))] },
    ],
    "a name of 256 octets": [
      "PTR",
      {
        answers: [
          record("PTR", Buffer.concat([...Array<Buffer>(4).fill(label("x".repeat(62))), label("xx"), ROOT])),
        ],
      },
    ],
    "more than a thousand records": ["A", { answers: Array<Buffer>(1001).fill(A) }],
    "twenty thousand strings": ["TXT", { answers: [record("TXT", Buffer.alloc(20_000))] }],
    "a broken record after the answer": ["A", { answers: [A], additionals: [Buffer.from([0xc0])] }],
    "an SOA cut short": [
      "A",
      { authorities: [record("SOA", Buffer.concat([name("ns.test"), name("h.test"), Buffer.alloc(19)]))] },
    ],
  };
  for (const [what, [type, sections]] of Object.entries(malformed)) {
    it(`calls malformed ${what}`, () => {
      assert.equal(read(response(type, sections), type), MALFORMED);
    });
  }

  const referral = "DNS answer is a referral, the name server does not look names up";
  const ns = record("NS", name("a.gtld-servers.net"), name("test"));
  const soa = record("SOA", Buffer.concat([name("ns.test"), name("h.test"), Buffer.alloc(20)]));
  const withoutAnswer: readonly [what: string, sections: Sections, says: string][] = [
    ["name servers from a server that looks no further", { authorities: [ns, ns], bits: 0 }, referral],
    ["broken name servers", { authorities: [record("NS", Buffer.from([3]))], bits: 0 }, referral],
    ["nothing", { bits: 0 }, "nodata"],
    ["name servers and an SOA", { authorities: [ns, soa], bits: 0 }, "nodata"],
    ["name servers from one that looks further", { authorities: [ns] }, "nodata"],
    ["name servers from the zone's own", { authorities: [ns], bits: 0x400 }, "nodata"],
    ["name servers among the additional records", { additionals: [ns], bits: 0 }, "nodata"],
    ["name servers of a name that does not exist", { authorities: [ns], bits: 0, rcode: 3 }, "nxdomain"],
  ];
  for (const [what, sections, says] of withoutAnswer) {
    it(`says ${says} of no answer with ${what}`, () => {
      assert.equal(read(response("TXT", sections), "TXT"), says);
    });
  }

  it("takes an answer that comes with name servers for one", () => {
    assert.deepEqual(read(response("A", { answers: [A], authorities: [ns], bits: 0 }), "A"), ["192.0.2.1"]);
  });

  it("calls malformed counts that promise more than there is", () => {
    for (const at of [6, 8, 10]) {
      for (const count of [2, 500, 0xffff]) {
        const message = response("A", { answers: [A] });
        message.writeUInt16BE(count, at);
        assert.equal(read(message, "A"), MALFORMED);
      }
    }
  });

  it("calls malformed a ladder of compression pointers, wherever it leads in from", () => {
    const start = response("TXT", {}).length + 12;
    const rungs = (0x3fff - start) >> 1;
    // In data that nobody reads, so that nothing else is wrong with it.
    const holder = record("NULL", ladder(rungs, start));
    const top = u16(0xc000 | (start + 2 * rungs));
    assert.equal(read(response("TXT", { answers: [holder] }), "TXT") === MALFORMED, false);
    assert.equal(
      read(response("TXT", { answers: [holder, record("TXT", label("x"), top)] }), "TXT"),
      MALFORMED,
    );
    assert.equal(read(response("PTR", { answers: [holder, record("PTR", top)] }), "PTR"), MALFORMED);
  });

  it("follows a chain of pointers as compressors make it", () => {
    const start = response("PTR", {}).length + 12;
    // host.sub.a.test: a label and a pointer to (a label and a pointer to the question's name).
    const inner = Buffer.concat([label("sub"), QNAME]);
    const outer = Buffer.concat([label("host"), u16(0xc000 | start)]);
    const message = response("PTR", { answers: [record("PTR", inner), record("PTR", outer)] });
    assert.deepEqual(read(message, "PTR"), ["sub.a.test", "host.sub.a.test"]);
  });

  it("reads ten thousand strings of one TXT record", () => {
    const strings = Buffer.concat(Array<Buffer>(10_000).fill(label("x")));
    assert.deepEqual(read(response("TXT", { answers: [record("TXT", strings)] }), "TXT"), [
      "x".repeat(10_000),
    ]);
  });

  it("reads a TXT record without any string as empty", () => {
    assert.deepEqual(read(response("TXT", { answers: [record("TXT", Buffer.alloc(0))] }), "TXT"), [""]);
  });

  const passedOver: Record<string, Buffer> = {
    "of another class": record("A", Buffer.from([192, 0, 2, 9]), QNAME, 4, 3),
    "with the cache-flush bit of mDNS": record("A", Buffer.from([192, 0, 2, 9]), QNAME, 4, 0x8001),
    "of another type": record("TXT", label("x")),
    "of a type whose names are not checked": record("SRV", Buffer.concat([u16(1, 2, 3), u16(0xc0ff)])),
    "with an RRSIG": record("RRSIG", Buffer.alloc(40)),
    "of another owner": record("A", Buffer.from([192, 0, 2, 9]), name("b.test")),
    "whose owner has a dot inside a label": record(
      "A",
      Buffer.from([192, 0, 2, 9]),
      Buffer.concat([label("a.test"), ROOT]),
    ),
  };
  for (const [what, extra] of Object.entries(passedOver)) {
    it(`passes over a record ${what}`, () => {
      assert.deepEqual(read(response("A", { answers: [extra, A] }), "A"), ["192.0.2.1"]);
      assert.deepEqual(read(response("A", { answers: [extra] }), "A"), "nodata");
    });
  }

  it("passes over a name in rdata that has a dot inside a label", () => {
    const tricky = record("PTR", Buffer.concat([label("mail.example.org"), label("test"), ROOT]));
    assert.deepEqual(read(response("PTR", { answers: [tricky, record("PTR", name("x.test"))] }), "PTR"), [
      "x.test",
    ]);
  });

  it("reads no answer out of other sections", () => {
    assert.equal(read(response("A", { authorities: [A], additionals: [A] }), "A"), "nodata");
  });

  it("fails on every RCODE but 0 and 3, EDNS0's upper bits included", () => {
    for (let rcode = 0; rcode < 16; rcode++) {
      const said = read(response("A", { rcode }), "A");
      if (rcode === 0) assert.equal(said, "nodata");
      else if (rcode === 3) assert.equal(said, "nxdomain");
      else assert.match(String(said), /^DNS answer [A-Z]+/);
    }
    assert.equal(read(response("A", { additionals: [OPT(1)] }), "A"), "DNS answer BADVERS");
    assert.equal(read(response("A", { additionals: [OPT(2)], rcode: 3 }), "A"), "DNS answer RCODE 35");
    assert.deepEqual(read(response("A", { answers: [A], additionals: [OPT(0)] }), "A"), ["192.0.2.1"]);
  });

  it("keeps 8-bit names apart from ASCII ones", () => {
    const message = response("PTR", {
      answers: [record("PTR", name("\xc3\xa4.test")), record("PTR", name("\xff.test"))],
    });
    const [utf8, other] = read(message, "PTR") as string[];
    assert.equal(utf8, "\xc3\xa4.test");
    // Not UTF-8: the decoder loses the octet. What matters is that the name cannot be asked.
    assert.match(other ?? "", /[^\0-\x7f]/);
  });

  it("never throws, whatever octets come", () => {
    const sound = response("MX", {
      answers: [
        record("CNAME", name("b.test")),
        record("MX", Buffer.concat([u16(10), label("mx"), QNAME]), name("b.test")),
        record("TXT", Buffer.concat([label("v=spf1"), label("")])),
      ],
      authorities: [record("SOA", Buffer.concat([QNAME, QNAME, Buffer.alloc(20)]))],
      additionals: [OPT(0), A],
    });
    const header = 12 + 12;
    const edit = fc.record({
      at: fc.integer({ min: 4, max: sound.length - 1 }),
      value: fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0, 1, 63, 64, 192, 193, 255)),
    });
    fc.assert(
      fc.property(
        fc.array(edit, { maxLength: 12 }),
        fc.uint8Array({ maxLength: 80 }),
        fc.nat(200),
        (edits, tail, cut) => {
          const message = Buffer.concat([sound, tail]);
          for (const { at, value } of edits) {
            if (at < 12 || at >= header) message[at] = value;
          }
          const used = message.subarray(0, message.length - (cut > 100 ? cut - 100 : 0));
          for (const type of ["MX", "TXT"] as const) {
            const result = readResponse(Buffer.from(used), encodeQuery({ name: "a.test", type }, true));
            if (result.kind === "answer" && result.answer.status === "found") {
              assert.ok(result.answer.ttlSeconds >= 0 && result.answer.ttlSeconds <= 0x7fffffff);
            }
          }
        },
      ),
      { seed: SEED, numRuns: 3000 },
    );
  });

  it("leaves nothing to the decoder that it would throw at", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), fc.nat(4), fc.nat(4), (rest, answers, authorities) => {
        const message = Buffer.concat([response("TXT", {}), rest]);
        message.writeUInt16BE(answers, 6);
        message.writeUInt16BE(authorities, 8);
        const copy = Buffer.from(message);
        const result = readResponse(copy, encodeQuery({ name: "a.test", type: "TXT" }, true));
        if (result.kind === "failure") assert.equal(result.problem, MALFORMED);
        else assert.doesNotThrow(() => dnsPacket.decode(copy));
      }),
      { seed: SEED, numRuns: 2000 },
    );
  });
});
