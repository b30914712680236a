import assert from "node:assert/strict";
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import {
  formatNameserver,
  type Nameserver,
  parseResolvConf,
  SystemNameservers,
} from "../../../src/dns/index.ts";

describe("parseResolvConf", () => {
  const cases: [string, string[]][] = [
    ["nameserver 192.0.2.53\n", ["192.0.2.53"]],
    ["nameserver\t2001:db8::53  \r\nnameserver 192.0.2.53 # second", ["2001:db8::53", "192.0.2.53"]],
    ["  nameserver 192.0.2.53\nnameserver 192.0.2.53", ["192.0.2.53"]],
    ["nameserver fe80::1%eth0", ["fe80::1%eth0"]],
    ["#nameserver 192.0.2.1\n; nameserver 192.0.2.2\nsearch example.test\noptions timeout:1", []],
    ["nameserver\nnameserver localhost\nnameserver 192.0.2.256\nnameservers 192.0.2.1", []],
    ["", []],
    [[1, 2, 3, 4].map((i) => `nameserver 192.0.2.${i}`).join("\n"), ["192.0.2.1", "192.0.2.2", "192.0.2.3"]],
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

describe("SystemNameservers", () => {
  function fixture(t: TestContext): {
    write: (text: string) => void;
    clock: { nowMs: number };
    follow: () => SystemNameservers;
  } {
    const directory = mkdtempSync(join(tmpdir(), "resolv-"));
    t.after(() => {
      rmSync(directory, { recursive: true });
    });
    const path = join(directory, "resolv.conf");
    const clock = { nowMs: 0 };
    let version = 0;
    return {
      clock,
      write: (text) => {
        writeFileSync(path, text);
        utimesSync(path, ++version, version);
      },
      follow: () => new SystemNameservers(path, () => clock.nowMs),
    };
  }
  const addresses = (servers: readonly Nameserver[]): string => servers.map(formatNameserver).join(" ");

  it("reads the file, and falls back to 127.0.0.1 where it is missing or names none", (t) => {
    const { write, follow } = fixture(t);
    assert.equal(addresses(follow().current()), "127.0.0.1");
    write("search example.test\n");
    assert.equal(addresses(follow().current()), "127.0.0.1");
    write("nameserver 192.0.2.53\n");
    assert.equal(addresses(follow().current()), "192.0.2.53");
  });

  it("sees a change after five seconds, and after one where lookups fail", (t) => {
    const { write, follow, clock } = fixture(t);
    const servers = follow();
    const before = servers.current();
    write("nameserver 192.0.2.53\n");
    clock.nowMs = 999;
    assert.equal(servers.current(true), before);
    clock.nowMs = 1000;
    assert.equal(servers.current(), before);
    assert.equal(addresses(servers.current(true)), "192.0.2.53");
    write("nameserver 192.0.2.54\n");
    clock.nowMs = 5999;
    assert.equal(addresses(servers.current()), "192.0.2.53");
    clock.nowMs = 6000;
    assert.equal(addresses(servers.current()), "192.0.2.54");
  });

  it("gives the same list while the servers stay the same", (t) => {
    const { write, follow, clock } = fixture(t);
    write("nameserver 192.0.2.53\n");
    const servers = follow();
    const before = servers.current();
    write("# written anew\nnameserver 192.0.2.53\n");
    clock.nowMs = 60_000;
    assert.equal(servers.current(), before);
  });
});
