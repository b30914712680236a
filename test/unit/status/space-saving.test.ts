import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Forwarders, SpaceSaving } from "../../../src/status/space-saving.ts";

const own = (key: string): { key: string; label: string } => ({ key, label: key });

describe("SpaceSaving", () => {
  it("counts exactly while there is a place for every key", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom("a", "b", "c", "d", "e")), (keys) => {
        const list = new SpaceSaving<string>(5, 1);
        const expected = new Map<string, number>();
        for (const key of keys) {
          list.add(key, own);
          expected.set(key, (expected.get(key) ?? 0) + 1);
        }
        assert.deepEqual(new Map(list.top(5).map(({ key, count }) => [key, count])), expected);
      }),
    );
  });

  it("keeps what is frequent through a flood of keys that come once", () => {
    const list = new SpaceSaving<string>(100, 1);
    for (let nth = 0; nth < 20_000; nth++) {
      list.add(`once${nth}`, own);
      if (nth % 10 === 0) list.add("often", own);
    }
    const [first, second] = list.top(2);
    assert.equal(first?.key, "often");
    assert.ok(first.count > 1500, `${first.count}`);
    assert.equal(second?.count, 1);
    assert.equal(list.top(1000).length, 100);
  });

  it("tells when a key was seen", () => {
    const list = new SpaceSaving<string>(2, 3);
    list.add("a", own);
    list.advance(1);
    list.add("a", own);
    list.add("a", own);
    assert.deepEqual(list.top(1)[0]?.trend, [0, 1, 2]);
    list.advance(2);
    assert.deepEqual(list.top(1)[0]?.trend, [2, 0, 0]);
    list.advance(1000);
    assert.deepEqual(list.top(1)[0]?.trend, [0, 0, 0]);
  });
});

describe("Forwarders", () => {
  it("lists the clients that fail for several domains, most domains first", () => {
    const list = new Forwarders(10, 1);
    const fail = (ip: string, ...domains: string[]): void => {
      for (const domain of domains) list.add(ip, domain, (key) => ({ key, label: "mx.test" }));
    };
    fail("192.0.2.1", "a.test", "a.test", "a.test", "a.test");
    fail("192.0.2.2", "a.test", "b.test", "c.test");
    fail("192.0.2.3", "a.test", "b.test", "c.test", "d.test", "d.test");
    assert.deepEqual(
      list.top(10, 3).map(({ ip, domains, count }) => [ip, domains, count]),
      [
        ["192.0.2.3", 4, 5],
        ["192.0.2.2", 3, 3],
      ],
    );
  });

  it("forgets the domains of a client that loses its place", () => {
    const list = new Forwarders(1, 1);
    for (const domain of ["a.test", "b.test", "c.test"]) list.add("192.0.2.1", domain, own);
    list.add("192.0.2.2", "d.test", own);
    assert.deepEqual(
      list.top(1, 1).map(({ ip, domains }) => [ip, domains]),
      [["192.0.2.2", 1]],
    );
  });
});
