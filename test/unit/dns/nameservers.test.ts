import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { parseResolvConf, systemNameservers } from "../../../src/dns/index.ts";

describe("parseResolvConf", () => {
  const cases: [string, string[]][] = [
    ["nameserver 192.0.2.53\n", ["192.0.2.53"]],
    ["nameserver\t2001:db8::53  \r\nnameserver 192.0.2.53 # second", ["2001:db8::53", "192.0.2.53"]],
    ["  nameserver 192.0.2.53\nnameserver 192.0.2.53", ["192.0.2.53"]],
    ["nameserver fe80::1%eth0", ["fe80::1%eth0"]],
    ["#nameserver 192.0.2.1\n; nameserver 192.0.2.2\nsearch example.test\noptions timeout:1", []],
    ["nameserver\nnameserver localhost\nnameserver 192.0.2.256\nnameservers 192.0.2.1", []],
    ["", []],
  ];
  for (const [text, expected] of cases) {
    it(`reads ${JSON.stringify(text)}`, () => {
      assert.deepEqual(
        parseResolvConf(text),
        expected.map((address) => ({ address, port: 53 })),
      );
    });
  }
});

describe("systemNameservers", () => {
  it("reads the file, and falls back to 127.0.0.1 where it is missing or names none", (t) => {
    const folder = mkdtempSync(join(tmpdir(), "resolv-"));
    t.after(() => {
      rmSync(folder, { recursive: true });
    });
    const path = join(folder, "resolv.conf");
    const local = [{ address: "127.0.0.1", port: 53 }];
    assert.deepEqual(systemNameservers(path), local);
    writeFileSync(path, "search example.test\n");
    assert.deepEqual(systemNameservers(path), local);
    writeFileSync(path, "nameserver 192.0.2.53\n");
    assert.deepEqual(systemNameservers(path), [{ address: "192.0.2.53", port: 53 }]);
  });
});
