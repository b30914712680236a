import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { PACKET_OCTETS_MAX, PacketDecoder, ProtocolError } from "milter-protocol";
import { packet } from "../../support/mta-codec.ts";

function drain(decoder: PacketDecoder): string[] {
  const found: string[] = [];
  for (let p = decoder.next(); p !== undefined; p = decoder.next()) {
    found.push(`${p.command}:${p.payload.toString("hex")}`);
  }
  return found;
}

const header = (length: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(length);
  return bytes;
};

describe("PacketDecoder", () => {
  it("gives nothing before a packet is whole", () => {
    const decoder = new PacketDecoder();
    const bytes = packet(0x4d, "<a@b.test>\0");
    for (let i = 0; i < bytes.length - 1; i++) {
      decoder.append(bytes.subarray(i, i + 1));
      assert.equal(decoder.next(), undefined);
      assert.equal(decoder.pendingOctets, i + 1);
    }
    decoder.append(bytes.subarray(-1));
    assert.equal(decoder.next()?.payload.toString(), "<a@b.test>\0");
    assert.equal(decoder.pendingOctets, 0);
  });

  it("gives the same packets wherever the stream is split", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(255), fc.uint8Array({ maxLength: 40 })), { minLength: 1, maxLength: 8 }),
        fc.array(fc.nat(400), { maxLength: 12 }),
        (packets, cuts) => {
          const stream = Buffer.concat(packets.map(([letter, payload]) => packet(letter, payload)));
          const expected = packets.map(
            ([letter, payload]) => `${letter}:${Buffer.from(payload).toString("hex")}`,
          );
          const decoder = new PacketDecoder();
          const found: string[] = [];
          let from = 0;
          for (const cut of [...cuts.map((c) => Math.min(c, stream.length)), stream.length].sort(
            (a, b) => a - b,
          )) {
            decoder.append(stream.subarray(from, cut));
            found.push(...drain(decoder));
            from = cut;
          }
          assert.deepEqual(found, expected);
        },
      ),
      { seed: 7, numRuns: 500 },
    );
  });

  it("does not copy packets that are whole in a chunk", () => {
    const decoder = new PacketDecoder();
    const chunk = Buffer.concat([packet(0x48, "one\0"), packet(0x48, "two\0")]);
    decoder.append(chunk);
    for (let p = decoder.next(); p !== undefined; p = decoder.next()) {
      assert.equal(p.payload.buffer, chunk.buffer);
    }
  });

  it("keeps earlier payloads intact while later bytes come in", () => {
    const decoder = new PacketDecoder();
    const bytes = Buffer.concat(Array.from({ length: 50 }, (_, i) => packet(0x4c, `n${i}\0v${i}\0`)));
    const held: Buffer[] = [];
    for (let i = 0; i < bytes.length; i += 3) {
      decoder.append(bytes.subarray(i, i + 3));
      for (let p = decoder.next(); p !== undefined; p = decoder.next()) held.push(p.payload);
    }
    assert.deepEqual(
      held.map((payload) => payload.toString()),
      Array.from({ length: 50 }, (_, i) => `n${i}\0v${i}\0`),
    );
  });

  for (const [what, length, code] of [
    ["length 0", 0, "packet-empty"],
    ["one over the limit", PACKET_OCTETS_MAX + 1, "packet-too-long"],
    ["length 2^31", 2 ** 31, "packet-too-long"],
    ["length 2^32-1", 2 ** 32 - 1, "packet-too-long"],
  ] as const) {
    it(`throws ${code} for ${what} as soon as the length is read`, () => {
      const decoder = new PacketDecoder();
      decoder.append(header(length));
      assert.throws(
        () => decoder.next(),
        (error) => error instanceof ProtocolError && error.code === code,
      );
    });
  }

  it("takes a packet of length 1 and one of just the limit", () => {
    const decoder = new PacketDecoder();
    decoder.append(packet(0x54));
    assert.equal(decoder.next()?.payload.length, 0);
    decoder.append(header(PACKET_OCTETS_MAX));
    decoder.append(Buffer.alloc(PACKET_OCTETS_MAX, 0x42));
    assert.equal(decoder.next()?.payload.length, PACKET_OCTETS_MAX - 1);
  });

  it("makes room for what has come, not for what is announced", () => {
    const before = process.memoryUsage().arrayBuffers;
    const decoders = Array.from({ length: 200 }, () => {
      const decoder = new PacketDecoder();
      decoder.append(header(PACKET_OCTETS_MAX));
      decoder.append(Buffer.from("B"));
      assert.equal(decoder.next(), undefined);
      return decoder;
    });
    assert.ok(process.memoryUsage().arrayBuffers - before < 10_000_000, `${decoders.length} decoders`);
  });

  it("reads a packet that comes one octet at a time in linear time", () => {
    const decoder = new PacketDecoder();
    const bytes = packet(0x42, Buffer.alloc(300_000, 0x61));
    const octet = Buffer.from("a");
    decoder.append(bytes.subarray(0, 5));
    for (let i = 5; i < bytes.length; i++) decoder.append(octet);
    assert.equal(decoder.next()?.payload.length, 300_000);
  });
});
