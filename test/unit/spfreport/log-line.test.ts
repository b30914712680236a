import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type LogLine, readLogLine } from "../../../src/spfreport/log-line.ts";

/** Reads a line and leaves out what is undefined. */
function read(line: string): Partial<LogLine> | string {
  const reading = readLogLine(line);
  if (typeof reading === "string") return reading;
  return Object.fromEntries(Object.entries(reading).filter(([, value]) => value !== undefined));
}

const WHO = { ip: "192.0.2.9", ptr: "[192.0.2.9]", helo: "mail.example.org", from: "a@example.org" };
const RESULT = { kind: "result", result: "fail", cached: false, ...WHO };

describe("readLogLine()", () => {
  it("reads classic results, ours and those of 2.0.2", () => {
    assert.deepEqual(read("SPF fail: 192.0.2.9, [192.0.2.9], mail.example.org, a@example.org"), {
      ...RESULT,
    });
    assert.deepEqual(read("SPF fail: 192.0.2.9, [192.0.2.9], mail.example.org, <a@example.org>"), RESULT);
    assert.deepEqual(read("SPF pass (cached): 2001:db8::1, h, h, <>"), {
      kind: "result",
      result: "pass",
      cached: true,
      ip: "2001:db8::1",
      ptr: "h",
      helo: "h",
      from: "",
    });
  });

  it("reads 2.5 results", () => {
    assert.deepEqual(
      read("SPF fail: ip=192.0.2.9, fqdn=[192.0.2.9], helo=mail.example.org, from=<a@example.org>"),
      RESULT,
    );
  });

  it("reads detailed results", () => {
    const line =
      "SPF fail: ip=192.0.2.9, ptr=[192.0.2.9], helo=mail.example.org, from=a@example.org, identity=mailfrom, " +
      'mechanism=-all, lookups=3, voids=0, ms=12, local=pass, problem="two \\"records\\", it says"';
    assert.deepEqual(read(line), {
      ...RESULT,
      ours: true,
      identity: "mailfrom",
      lookups: 3,
      ms: 12,
      local: "pass",
      problem: 'two "records", it says',
    });
  });

  it("reads actions with rule, line and dkim", () => {
    const line =
      'SPF refused (report only): 192.0.2.9, [192.0.2.9], mail.example.org, a@example.org, reason="SPF fail", ' +
      'rule=RefuseFail, line=/etc/mail/smfs/smf-spf.conf:9, dkim=none, queue=4B, reply="550 5.7.23 no, \\"to=<x>\\"", ' +
      "to=<you@rig.test>, to=<me@rig.test>";
    assert.deepEqual(read(line), {
      kind: "action",
      action: "refused",
      reportOnly: true,
      ...WHO,
      reason: "SPF fail",
      rule: "RefuseFail",
      line: "/etc/mail/smfs/smf-spf.conf:9",
      queue: "4B",
      to: ["<you@rig.test>", "<me@rig.test>"],
      ours: true,
    });
  });

  it("reads what was spared", () => {
    const said = read(
      'SPF spared: 192.0.2.9, h, h, a@b.example, reason="dkim=pass header.d=b.example", queue=Q1',
    );
    assert.ok(typeof said !== "string" && said.kind === "action");
    assert.equal(said.action, "spared");
    assert.equal(said.reason, "dkim=pass header.d=b.example");
  });

  it("reads a value that was cut off", () => {
    const said = read(
      'SPF refused: 192.0.2.9, h, h, a@b.example, reason="SPF fail", reply="550 5.7.23 SPF fail: a\\"...',
    );
    assert.ok(typeof said !== "string" && said.kind === "action");
    assert.equal(said.reason, "SPF fail");
  });

  it("reads json lines", () => {
    const line = {
      level: "notice",
      time: "2026-11-22T03:18:00.000Z",
      event: "action",
      action: "quarantined",
      reportOnly: false,
      queue: "Q",
      ...WHO,
      reason: "SPF fail",
      rule: "Quarantine",
      line: "f:3",
      to: ["<x@y>"],
      recipients: 1,
    };
    assert.deepEqual(read(JSON.stringify(line)), {
      kind: "action",
      action: "quarantined",
      reportOnly: false,
      ...WHO,
      reason: "SPF fail",
      rule: "Quarantine",
      line: "f:3",
      queue: "Q",
      time: "2026-11-22T03:18:00.000Z",
      to: ["<x@y>"],
      ours: true,
    });
    assert.equal(read('{"level":"notice","event":"daemon","message":"x"}'), "other");
    assert.equal(read('{"event":"result","result":"maybe","ip":"192.0.2.1","from":"a@b"}'), "unreadable");
    assert.equal(read('{"event":"result"'), "unreadable");
    assert.equal(read("{}"), "other");
    assert.equal(read('{"__proto__":{"event":"result"}}'), "other");
  });

  it("reads what the C program skips", () => {
    const user = read("SPF skip : username anna, from=<anna@rig.test>");
    assert.ok(typeof user !== "string" && user.kind === "action");
    assert.equal(user.reason, "SkipAuth");
    const empty = read("SPF skip : empty sender, helo=h.example, ip=192.0.2.7");
    assert.ok(typeof empty !== "string" && empty.kind === "action");
    assert.deepEqual([empty.reason, empty.ip, empty.helo], ["SkipNDR", "192.0.2.7", "h.example"]);
  });

  it("lets no word of a client become a field", () => {
    const from = '"x, reason=\\"SPF fail\\", rule=WhitelistIP"@evil.example';
    for (const line of [
      `SPF fail: 192.0.2.9, h, h, <${from}>`,
      `SPF fail: ip=192.0.2.9, fqdn=h, helo=h, from=<${from}>`,
    ]) {
      const said = read(line);
      assert.ok(typeof said !== "string" && said.kind === "result");
      assert.equal(said.from, from);
    }
  });

  for (const line of [
    "SPF fail",
    "SPF fail: ",
    "SPF fail: 192.0.2.9",
    "SPF fail: 192.0.2.9, h",
    "SPF fail: 192.0.2.9, h, h",
    "SPF fail: 192.0.2.9 x, h, h, a@b",
    "SPF maybe: 192.0.2.9, h, h, a@b",
    "SPF fail: ip=192.0.2.9, ptr=h, hallo=h, from=a@b",
    "SPF skip : something new",
  ]) {
    it(`cannot read ${line}`, () => {
      assert.equal(read(line), "unreadable");
    });
  }

  it("passes over what is of no message", () => {
    for (const line of [
      "",
      "smf-spf 3.1.0 started: listening",
      "verdicts: 3, cached 1",
      "running as uid: 5, gid: 5",
    ]) {
      assert.equal(read(line), "other");
    }
  });
});
