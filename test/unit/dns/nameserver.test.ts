import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect } from "node:net";
import { after, before, describe, it } from "node:test";
import dnsPacket, { type DecodedPacket, type RecordType } from "dns-packet";
import { type Nameserver, startNameserver } from "../../support/nameserver/index.ts";

let server: Nameserver;

before(async () => {
  server = await startNameserver({
    "example.test": [
      { TXT: "v=spf1 -all" },
      { TXT: ["two ", "strings"], ttl: 60 },
      { TXT: [] },
      { MX: [10, "mx.example.test"] },
      { MX: [20, ""] },
      { A: "192.0.2.1" },
      { AAAA: "2001:db8::1" },
    ],
    "alias.test": [{ CNAME: "example.test" }],
    "*.wild.test": [{ A: "192.0.2.7" }],
    "slow.test": [{ TXT: "v=spf1 -all" }, "TIMEOUT"],
    "broken.test": ["SERVFAIL"],
    "half.test": [{ A: { rcode: "REFUSED" } }, { TXT: "x" }],
    "foo:bar/baz@\xc3\xa4.test": [{ TXT: "odd \xff octets" }],
    "big.test": [{ TXT: "x".repeat(3000) }],
    "1.2.0.192.in-addr.arpa": [{ PTR: "example.test" }],
  });
});

after(() => server.close());

function query(name: string, type: RecordType, udpPayloadSize?: number): Buffer {
  return dnsPacket.encode({
    type: "query",
    id: 4711,
    flags: dnsPacket.RECURSION_DESIRED,
    questions: [{ name, type }],
    additionals:
      udpPayloadSize === undefined
        ? []
        : [
            {
              type: "OPT",
              name: ".",
              udpPayloadSize,
              extendedRcode: 0,
              ednsVersion: 0,
              flags: 0,
              flag_do: false,
              options: [],
            },
          ],
  });
}

type Decoded = DecodedPacket & { rcode: string };

async function askUdp(name: string, type: RecordType, udpPayloadSize?: number): Promise<Decoded> {
  const socket = createSocket("udp4");
  socket.send(query(name, type, udpPayloadSize), server.port, server.address);
  const [bytes] = (await once(socket, "message")) as [Buffer];
  socket.close();
  return dnsPacket.decode(bytes) as Decoded;
}

async function askTcp(name: string, type: RecordType): Promise<Decoded> {
  const socket = connect(server.port, server.address);
  const message = query(name, type);
  socket.write(Buffer.concat([Buffer.from([message.length >> 8, message.length & 0xff]), message]));
  let received = Buffer.alloc(0);
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    received = Buffer.concat([received, chunk]);
    if (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) break;
  }
  socket.destroy();
  return dnsPacket.decode(received.subarray(2)) as Decoded;
}

const data = (packet: Decoded): unknown[] =>
  packet.answers?.map((answer) => "data" in answer && answer.data) ?? [];

describe("startNameserver", () => {
  it("serves the records of each type", async () => {
    assert.deepEqual(data(await askUdp("EXAMPLE.test", "A")), ["192.0.2.1"]);
    assert.deepEqual(data(await askUdp("example.test", "AAAA")), ["2001:db8::1"]);
    assert.deepEqual(data(await askUdp("1.2.0.192.in-addr.arpa", "PTR")), ["example.test"]);
    assert.deepEqual(data(await askUdp("example.test", "MX")), [
      { preference: 10, exchange: "mx.example.test" },
      { preference: 20, exchange: "." },
    ]);
    assert.deepEqual(data(await askUdp("example.test", "TXT")), [
      [Buffer.from("v=spf1 -all")],
      [Buffer.from("two "), Buffer.from("strings")],
      [Buffer.alloc(0)],
    ]);
  });

  it("gives a record its own TTL or the server's", async () => {
    const answers = (await askUdp("example.test", "TXT")).answers ?? [];
    assert.deepEqual(
      answers.map((answer) => "ttl" in answer && answer.ttl),
      [300, 60, 300],
    );
  });

  it("follows an alias and answers wildcards", async () => {
    const packet = await askUdp("alias.test", "A");
    assert.deepEqual(
      packet.answers?.map(({ type, name }) => `${type} ${name}`),
      ["CNAME alias.test", "A example.test"],
    );
    assert.deepEqual(data(await askUdp("a.b.wild.test", "A")), ["192.0.2.7"]);
  });

  it("tells a missing owner from a missing type, with the SOA of both", async () => {
    const missing = await askUdp("missing.test", "TXT");
    assert.equal(missing.rcode, "NXDOMAIN");
    assert.equal(missing.authorities?.[0]?.type, "SOA");
    const nodata = await askUdp("half.test", "MX");
    assert.equal(nodata.rcode, "NOERROR");
    assert.deepEqual(nodata.answers, []);
    assert.equal(nodata.authorities?.[0]?.type, "SOA");
  });

  it("fails where the zone says so", async () => {
    assert.equal((await askUdp("broken.test", "A")).rcode, "SERVFAIL");
    assert.equal((await askUdp("half.test", "A")).rcode, "REFUSED");
    assert.deepEqual(data(await askUdp("slow.test", "TXT")), [[Buffer.from("v=spf1 -all")]]);
    server.setOptions({ timeoutAs: "SERVFAIL" });
    assert.equal((await askUdp("slow.test", "A")).rcode, "SERVFAIL");
  });

  it("serves names of any octets and texts of any octets", async () => {
    assert.deepEqual(data(await askUdp("foo:bar/baz@ä.test", "TXT")), [
      [Buffer.from("odd \xff octets", "latin1")],
    ]);
  });

  it("truncates over UDP what TCP carries whole", async () => {
    for (const size of [undefined, 1232]) {
      const udp = await askUdp("big.test", "TXT", size);
      assert.equal(udp.flag_tc, true);
      assert.deepEqual(udp.answers, []);
    }
    const tcp = await askTcp("big.test", "TXT");
    assert.equal(
      (data(tcp)[0] as Buffer[]).reduce((sum, part) => sum + part.length, 0),
      3000,
    );
  });

  it("counts questions by transport, name and type", async () => {
    server.resetCounts();
    await askUdp("example.test", "A");
    await askUdp("EXAMPLE.test", "MX");
    await askTcp("example.test", "A");
    const { questions } = server;
    assert.deepEqual([questions.total, questions.udp, questions.tcp], [3, 2, 1]);
    assert.equal(questions.of("example.test"), 3);
    assert.equal(questions.of("example.test", "A"), 2);
    assert.deepEqual([...questions.list().keys()], ["A example.test", "MX example.test"]);
  });

  it("changes its zone and options while it runs", async () => {
    server.setZone({ "example.test": [{ A: "192.0.2.99" }] });
    assert.deepEqual(data(await askUdp("example.test", "A")), ["192.0.2.99"]);
    server.setOptions({ intercept: (question) => (question.count < 3 ? [Buffer.from("junk")] : "normal") });
    const socket = createSocket("udp4");
    socket.send(query("new.test", "A"), server.port, server.address);
    assert.deepEqual(await once(socket, "message").then(([bytes]) => String(bytes)), "junk");
    socket.close();
  });
});
