import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  ARGUMENTS_MAX,
  type Packet,
  PacketDecoder,
  ProtocolError,
  type ProtocolErrorCode,
} from "milter-protocol";
import { decodeCommand } from "../../support/decode-command.ts";
import { command, packet } from "../../support/mta-codec.ts";

function parse(bytes: Buffer): Packet {
  const decoder = new PacketDecoder();
  decoder.append(bytes);
  const found = decoder.next();
  assert.ok(found);
  return found;
}

const client = { hostname: "mail.example.net", port: 25_000 } as const;

const GOOD: readonly (readonly [what: string, bytes: Buffer, expected: ReturnType<typeof decodeCommand>])[] =
  [
    [
      "an offer",
      command.negotiate({ version: 6, actions: 0x1ff, protocol: 0x1fffff }),
      { kind: "negotiate", version: 6, actions: 0x1ff, protocol: 0x1fffff },
    ],
    [
      "an offer of a later version with more words",
      packet(0x4f, Buffer.concat([Buffer.from("0000000700000fff8fffffff", "hex"), Buffer.alloc(8)])),
      { kind: "negotiate", version: 7, actions: 0xfff, protocol: 0x8fffffff },
    ],
    [
      "macros",
      command.macros(0x4d, { i: "Q1", "{auth_authen}": "me" }),
      { kind: "macros", command: 0x4d, text: "i\0Q1\0{auth_authen}\0me\0" },
    ],
    [
      "ten thousand macros",
      packet(0x44, `M${"a\0b\0".repeat(10_000)}`),
      { kind: "macros", command: 0x4d, text: "a\0b\0".repeat(10_000) },
    ],
    ["an empty set of macros", command.macros(0x48, {}), { kind: "macros", command: 0x48, text: "" }],
    [
      "an IPv4 client",
      command.connect({ ...client, family: "inet", address: "192.0.2.1" }),
      { kind: "connect", ...client, family: "inet", address: "192.0.2.1" },
    ],
    [
      "an IPv6 client as Sendmail writes it",
      command.connect({ ...client, family: "inet6", address: "IPv6:2001:db8::1" }),
      { kind: "connect", ...client, family: "inet6", address: "IPv6:2001:db8::1" },
    ],
    [
      "a client on a Unix socket",
      command.connect({ hostname: "localhost", family: "unix", port: 0, address: "/run/x" }),
      { kind: "connect", hostname: "localhost", family: "unix", port: 0, address: "/run/x" },
    ],
    [
      "a client of unknown family, which has no address",
      command.connect({ hostname: "localhost", family: "unknown", port: 9, address: "x" }),
      { kind: "connect", hostname: "localhost", family: "unknown", port: 0, address: "" },
    ],
    ["HELO", command.helo("mail.example.net"), { kind: "helo", name: "mail.example.net" }],
    ["an empty HELO", command.helo(""), { kind: "helo", name: "" }],
    ["a NUL inside HELO", packet(0x48, "a\0b\0"), { kind: "helo", name: "a\0b" }],
    ["8-bit octets", command.helo("\xe4\xff"), { kind: "helo", name: "\xe4\xff" }],
    ["MAIL", command.mail("<a@b.test>"), { kind: "mail", path: "<a@b.test>", parameters: [] }],
    [
      "MAIL with parameters",
      command.mail("<>", ["SIZE=1", "BODY=8BITMIME"]),
      { kind: "mail", path: "<>", parameters: ["SIZE=1", "BODY=8BITMIME"] },
    ],
    [
      "RCPT with an empty parameter",
      command.rcpt("<c@d.test>", [""]),
      { kind: "rcpt", path: "<c@d.test>", parameters: [""] },
    ],
    [
      "as many arguments as there may be",
      command.mail("<>", new Array<string>(ARGUMENTS_MAX - 1).fill("")),
      { kind: "mail", path: "<>", parameters: new Array<string>(ARGUMENTS_MAX - 1).fill("") },
    ],
    [
      "a folded header",
      command.header("Subject", "one\n two"),
      { kind: "header", name: "Subject", value: "one\n two" },
    ],
    ["an empty header value", command.header("X", ""), { kind: "header", name: "X", value: "" }],
    ["a NUL inside a header value", packet(0x4c, "X\0a\0b\0"), { kind: "header", name: "X", value: "a\0b" }],
    ["a body chunk", command.body("abc"), { kind: "body", bytes: Buffer.from("abc") }],
    [
      "end of message with Postfix's rest of the body",
      command.endOfMessage("abc"),
      { kind: "endOfMessage", bytes: Buffer.from("abc") },
    ],
    ["an unknown SMTP command", command.unknown("FOO bar"), { kind: "unknown", line: "FOO bar" }],
    ["DATA", command.data(), { kind: "data" }],
    ["end of headers", command.endOfHeaders(), { kind: "endOfHeaders" }],
    ["ABORT", command.abort(), { kind: "abort" }],
    ["ABORT with something behind it", packet(0x41, "junk"), { kind: "abort" }],
    ["QUIT", command.quit(), { kind: "quit" }],
    ["QUIT_NC", command.quitNewConnection(), { kind: "quitNewConnection" }],
  ];

const BAD: readonly (readonly [what: string, bytes: Buffer, code: ProtocolErrorCode])[] = [
  ["an unknown command", packet(0x5a), "command-unknown"],
  ["command octet 0", packet(0), "command-unknown"],
  ["command octet 255", packet(255), "command-unknown"],
  ["an offer without words", packet(0x4f), "negotiation-malformed"],
  ["an offer one octet short", packet(0x4f, Buffer.alloc(11, 6)), "negotiation-malformed"],
  ["version 1", command.negotiate({ version: 1, actions: 0, protocol: 0 }), "version-unsupported"],
  ["version 0", command.negotiate({ version: 0, actions: 0, protocol: 0 }), "version-unsupported"],
  ["macros for nothing", packet(0x44), "macros-malformed"],
  ["macros without their last NUL", packet(0x44, "Mi\0Q1"), "string-unterminated"],
  ["more macros than are kept", packet(0x44, `M${"a\0b\0".repeat(20_000)}`), "macros-too-long"],
  ["CONNECT without anything", packet(0x43), "string-unterminated"],
  ["CONNECT without NUL after the name", packet(0x43, "host"), "string-unterminated"],
  ["CONNECT without family", packet(0x43, "host\0"), "connect-malformed"],
  ["CONNECT with another family", packet(0x43, "host\x005\0\0a\0"), "connect-malformed"],
  ["CONNECT cut off in the port", packet(0x43, "host\x004\0"), "connect-malformed"],
  ["CONNECT cut off before the address", packet(0x43, "host\x004\0\0"), "connect-malformed"],
  ["CONNECT with an address without NUL", packet(0x43, "host\x004\0\x19192.0.2.1"), "string-unterminated"],
  ["HELO without a string", packet(0x48), "argument-missing"],
  ["HELO without NUL", packet(0x48, "host"), "string-unterminated"],
  ["MAIL without a string", packet(0x4d), "argument-missing"],
  ["MAIL without NUL", packet(0x4d, "<a@b.test>"), "string-unterminated"],
  ["MAIL with a parameter without NUL", packet(0x4d, "<a@b.test>\0SIZE=1"), "string-unterminated"],
  [
    "MAIL with too many parameters",
    command.mail("<>", new Array<string>(ARGUMENTS_MAX).fill("")),
    "arguments-too-many",
  ],
  ["MAIL of nothing but NULs", packet(0x4d, Buffer.alloc(1_000_000)), "arguments-too-many"],
  ["RCPT without a string", packet(0x52), "argument-missing"],
  ["a header without anything", packet(0x4c), "argument-missing"],
  ["a header without value", packet(0x4c, "Subject\0"), "argument-missing"],
  ["a header without NUL", packet(0x4c, "Subject"), "string-unterminated"],
  ["a header value without NUL", packet(0x4c, "Subject\0x"), "string-unterminated"],
  ["an unknown SMTP command without a string", packet(0x55), "argument-missing"],
];

describe("commands", () => {
  for (const [what, bytes, expected] of GOOD) {
    it(`reads ${what}`, () => {
      assert.deepEqual(decodeCommand(parse(bytes)), expected);
    });
  }

  for (const [what, bytes, code] of BAD) {
    it(`throws ${code} for ${what}`, () => {
      assert.throws(
        () => decodeCommand(parse(bytes)),
        (error) =>
          error instanceof ProtocolError && error.code === code && error.message.startsWith(`${code}: `),
      );
    });
  }
});
