import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ACCEPT, CONTINUE, LATER } from "milter-protocol";
import { line, net, outcome, pattern } from "../policy/facts.ts";
import { endOf, OFFER, Rig, shownActions, shownEdits, spoken } from "./rig.ts";

const FAIL = { "sender.test": "fail" } as const;

describe("connect", () => {
  it("says nothing of a client that is checked", () => {
    const rig = new Rig();
    assert.equal(rig.connect(), CONTINUE);
    assert.deepEqual(rig.events, []);
  });

  it("leaves the acceptance of a whitelisted client to MAIL where CONNECT is not answered", () => {
    const rig = new Rig({ settings: { whitelistIP: [net("192.0.2.0/24")] }, zone: FAIL });
    assert.equal(rig.connect(), CONTINUE);
    assert.deepEqual(rig.events, []);
    rig.helo();
    assert.equal(rig.mail("<user@sender.test>"), ACCEPT);
    assert.equal(rig.mail("<other@sender.test>"), ACCEPT);
    assert.deepEqual(rig.requests, []);
    assert.deepEqual(shownActions(rig), [
      "skipped: WhitelistIP 192.0.2.0/24",
      "skipped: WhitelistIP 192.0.2.0/24",
    ]);
  });

  for (const [what, transport, offer] of [
    ["over an inet socket", "inet", OFFER],
    ["to an MTA that knows no NR_CONN", "unix", { ...OFFER, protocol: 0x7f }],
    ["to an MTA of version 5, whatever bits it offers", "unix", { ...OFFER, version: 5 }],
    ["to an MTA of version 2", "unix", { version: 2, actions: 0x3f, protocol: 0x7f }],
  ] as const) {
    it(`accepts a whitelisted client at once ${what}`, () => {
      const rig = new Rig({ settings: { whitelistIP: [net("192.0.2.0/24")] }, transport, offer });
      assert.equal(rig.connect(), ACCEPT);
      assert.deepEqual(shownActions(rig), ["skipped: WhitelistIP 192.0.2.0/24"]);
    });
  }

  for (const family of ["unix", "unknown"] as const) {
    it(`lets mail of family ${family} pass`, () => {
      const rig = new Rig({ zone: FAIL });
      rig.connect("", "localhost", family);
      assert.equal(rig.mail("<user@sender.test>"), ACCEPT);
      assert.deepEqual(rig.requests, []);
    });
  }
});

describe("mail", () => {
  it("evaluates the sender with all that its policy may ask for", () => {
    const rig = new Rig({ settings: { clientIPNAT: [{ from: "192.0.2.9", to: "198.51.100.7" }] } });
    rig.start("<@relay.test:User@Sender.test>");
    const { ip, ...rest } = rig.requests[0]!;
    assert.equal(ip.text, "198.51.100.7");
    assert.deepEqual(rest, {
      domain: "sender.test",
      sender: "User@Sender.test",
      helo: "helo.sender.test",
      receiver: "mx.rig.test",
      // It is the name of another address than the one evaluated.
      clientName: undefined,
      deadlineMs: 21_000,
    });
  });

  it("tells the evaluation the host name of the client where the MTA has verified it", () => {
    for (const [hostname, name] of [
      ["mx.sender.test", "mx.sender.test"],
      ["[192.0.2.9]", undefined],
      ["unknown", undefined],
    ] as const) {
      const rig = new Rig();
      rig.connect("192.0.2.9", hostname);
      rig.helo();
      rig.mail("<user@sender.test>");
      assert.equal(rig.requests[0]?.clientName, name);
    }
  });

  it("reads an IPv6 client in Sendmail's spelling, and an IPv4-mapped one as IPv4", () => {
    for (const [address, ip] of [
      ["IPv6:2001:db8:0:0:0:0:0:10", "2001:db8::10"],
      ["::ffff:192.0.2.9", "192.0.2.9"],
    ] as const) {
      const rig = new Rig();
      rig.connect(address);
      rig.helo();
      rig.mail("<user@sender.test>");
      assert.equal(rig.requests[0]?.ip.text, ip);
    }
  });

  it("features its own host name where the MTA sends no {j}", () => {
    const rig = new Rig();
    rig.filter.connect(
      { hostname: "mx.sender.test", family: "inet", port: 25, address: "192.0.2.9" },
      { get: () => undefined },
    );
    rig.mail("<user@sender.test>");
    assert.equal(rig.requests[0]?.receiver, "own.host.test");
    assert.equal(rig.requests[0].helo, "");
    assert.match(
      shownEdits(endOf(rig.eom())).at(-1) ?? "",
      /^insert 0 Authentication-Results: own\.host\.test; /,
    );
  });

  for (const [what, macros, answer] of [
    ["{auth_authen}", { "{auth_authen}": "alice" }, "accept"],
    ["{verify} OK", { "{verify}": "OK" }, "accept"],
    ["{verify} NO", { "{verify}": "NO" }, "550 5.7.23"],
    ["an empty {auth_authen}", { "{auth_authen}": "" }, "550 5.7.23"],
  ] as const) {
    it(`answers "${answer}" to a fail with ${what}`, () => {
      const rig = new Rig({ zone: FAIL });
      rig.connect();
      rig.helo();
      assert.equal(spoken(rig.mail("<user@sender.test>", macros)), answer);
    });
  }

  for (const [result, settings, answer] of [
    ["fail", {}, "550 5.7.23"],
    ["fail", { softFail: true }, "450 4.7.23"],
    ["fail", { refuseFail: "off" }, "continue"],
    ["softfail", {}, "continue"],
    ["softfail", { refuseSoftFail: true }, "550 5.7.23"],
    ["neutral", { refuseNeutral: true }, "550 5.7.23"],
    ["none", { refuseSPFNone: true }, "550 5.7.1"],
    ["permerror", { refusePermError: true }, "550 5.7.24"],
    ["temperror", { acceptTempError: false }, "451 4.7.24"],
    ["temperror", {}, "continue"],
    ["pass", {}, "continue"],
  ] as const) {
    it(`answers "${answer}" to ${result} with ${JSON.stringify(settings)}`, () => {
      const rig = new Rig({ settings, zone: { "sender.test": result } });
      assert.equal(spoken(rig.start()), answer);
      assert.deepEqual(shownActions(rig), /^[45]/.test(answer) ? [`refused: SPF ${result} [${answer}]`] : []);
    });
  }

  it("tells of a refusal with the first line of the reply", () => {
    const rig = new Rig({ zone: FAIL });
    rig.start();
    assert.deepEqual(rig.actions, [
      {
        event: "action",
        queueId: "Q1",
        ip: "192.0.2.9",
        ptr: "mx.sender.test",
        helo: "helo.sender.test",
        from: "user@sender.test",
        action: "refused",
        reason: "SPF fail",
        rule: "RefuseFail",
        location: undefined,
        recipients: [],
        reply: "550 5.7.23 SPF fail: sender.test does not permit 192.0.2.9 to send mail for user@sender.test",
        dkim: undefined,
        reportOnly: false,
      },
    ]);
  });

  it("tells of each verdict", () => {
    const rig = new Rig({ zone: { "sender.test": outcome("pass", { lookups: 3, voids: 1 }) } });
    rig.start();
    assert.deepEqual(rig.results, [
      {
        event: "result",
        queueId: "Q1",
        ip: "192.0.2.9",
        ptr: "mx.sender.test",
        helo: "helo.sender.test",
        from: "user@sender.test",
        result: "pass",
        cached: false,
        source: "dns",
        identity: "mailfrom",
        mechanism: "-all",
        problem: undefined,
        failure: undefined,
        lookups: 3,
        voids: 1,
        elapsedMs: 7,
        local: undefined,
        guess: undefined,
      },
    ]);
  });

  it("refuses a sender that is no address", () => {
    const rig = new Rig();
    assert.equal(spoken(rig.start("<user sender.test>")), "550 5.1.7");
    assert.deepEqual(rig.requests, []);
    assert.match(shownActions(rig)[0] ?? "", /^refused: sender syntax: /);
  });

  it("evaluates postmaster at the HELO name for the null sender", () => {
    const rig = new Rig({ zone: { "helo.sender.test": "fail" } });
    assert.equal(spoken(rig.start("<>")), "550 5.7.23");
    assert.equal(rig.requests[0]?.sender, "postmaster@helo.sender.test");
    assert.equal(rig.results[0]?.identity, "helo");
    assert.equal(rig.results[0].from, "");
  });

  it('takes "<>" in a local part for no null sender', () => {
    const rig = new Rig({ settings: { skipNDR: true }, zone: FAIL });
    assert.equal(spoken(rig.start('<"<>"@sender.test>')), "550 5.7.23");
  });

  it("tells how long the MTA waited, once for a message whatever was evaluated", () => {
    const settings = { checkHelo: true };
    const late = new Rig({ settings, late: true });
    late.start();
    late.clockMs += 30;
    late.arrive("sender.test");
    late.clockMs += 12;
    assert.deepEqual(late.waits, []);
    late.arrive("helo.sender.test");
    assert.deepEqual(late.waits, [42]);
    assert.equal(late.results.length, 2);
    const known = new Rig({ settings });
    known.start();
    assert.deepEqual(known.waits, [0]);
    const left = new Rig({ late: true });
    left.start();
    left.filter.abort();
    assert.deepEqual(left.waits, [], "nobody waited to the end");
    const skipped = new Rig({ settings: { whitelistFrom: [pattern("@sender.test")] } });
    skipped.start();
    assert.deepEqual(skipped.waits, [], "nothing was evaluated");
  });

  it("evaluates HELO in a third of the time, the sender meanwhile, and ends with a HELO fail", () => {
    const settings = { checkHelo: true };
    const rig = new Rig({ settings, zone: { "helo.sender.test": "temperror", ...FAIL }, late: true });
    rig.start();
    assert.deepEqual(
      rig.requests.map(({ domain, deadlineMs }) => [domain, Math.round(deadlineMs)]),
      [
        ["helo.sender.test", 7667],
        ["sender.test", 21_000],
      ],
    );
    rig.arrive("sender.test");
    assert.deepEqual(rig.resumed, [], "HELO comes first");
    rig.arrive("helo.sender.test");
    assert.equal(spoken(rig.resumed[0] as never), "550 5.7.23");
    assert.deepEqual(
      rig.results.map(({ identity, result }) => `${identity} ${result}`),
      ["helo temperror", "mailfrom fail"],
    );
    const ended = new Rig({ settings, zone: { "helo.sender.test": "fail" }, late: true });
    ended.start();
    ended.arrive("helo.sender.test");
    assert.equal(spoken(ended.resumed[0] as never), "550 5.7.23");
    assert.equal(ended.cancelled, 1, "nobody waits for the sender any more");
    const left = new Rig({ settings, late: true });
    left.start();
    left.filter.abort();
    assert.equal(left.cancelled, 2);
    const refused = new Rig({ settings, zone: { "helo.sender.test": "fail" } });
    assert.equal(spoken(refused.start()), "550 5.7.23");
    assert.equal(refused.requests.length, 1);
    assert.deepEqual(shownActions(refused), ["refused: SPF fail of HELO [550 5.7.23]"]);
  });

  it("defers what had to wait too long in our own queue, whatever AcceptTempError says", () => {
    const zone = { "sender.test": outcome("temperror", { failure: "overload" }) };
    for (const settings of [{}, { refuseFail: "off", trustedForwarder: ["a.test"] }] as const) {
      const rig = new Rig({ settings, zone });
      assert.equal(spoken(rig.start()), "451 4.3.2");
      assert.deepEqual(shownActions(rig), ["refused: SPF temperror [451 4.3.2]"]);
    }
    assert.equal(spoken(new Rig({ settings: { reportOnly: true }, zone }).start()), "continue");
    assert.equal(spoken(new Rig({ settings: { check: false }, zone }).start()), "continue");
  });

  it("gives the answer later where the verdict comes later", () => {
    const rig = new Rig({ zone: FAIL, late: true });
    assert.equal(rig.start(), LATER);
    assert.deepEqual(rig.resumed, []);
    rig.arrive();
    assert.equal(rig.resumed.length, 1);
    assert.equal(spoken(rig.resumed[0] as never), "550 5.7.23");
    assert.equal(rig.mail("<user@sender.test>"), LATER);
    rig.arrive();
    assert.equal(rig.resumed.length, 2);
  });

  it("accepts at once where nothing is left to do", () => {
    const quiet = { addHeader: false, addReceivedHeader: false, removeForgedHeaders: "off" } as const;
    const zone = { "sender.test": "pass", "soft.test": "softfail" } as const;
    const rig = new Rig({ settings: quiet, zone });
    assert.equal(rig.start(), ACCEPT);
    assert.equal(rig.mail("<user@soft.test>"), CONTINUE);
    assert.equal(new Rig({ settings: { ...quiet, whitelistTo: [pattern("a@")] }, zone }).start(), CONTINUE);
    assert.equal(
      new Rig({ settings: { ...quiet, whitelistFrom: [pattern("@sender.test")] } }).start(),
      ACCEPT,
    );
  });

  it("records but does not act for a forwarder that is trusted", () => {
    const rig = new Rig({
      settings: { trustedForwarder: ["other.test", "forwarder.test"], quarantine: true },
      zone: { ...FAIL, "other.test": "fail", "forwarder.test": "pass" },
    });
    const { mail, end } = rig.message("<user@sender.test>", ["<bob@rig.test>"], [["Subject", "hello"]]);
    assert.equal(spoken(mail), "continue");
    assert.match(
      shownEdits(end).join("\n"),
      /^insert 0 Received-SPF: Fail .*\ninsert 0 Authentication-Results: \S+ spf=fail \S+$/,
    );
    assert.deepEqual(
      rig.results.map(({ result }) => result),
      ["fail"],
    );
    assert.deepEqual(shownActions(rig), ["skipped: TrustedForwarder forwarder.test"]);
  });
});

describe("a message whose sender is not checked", () => {
  for (const [what, settings, from, reason] of [
    [
      "WhitelistFrom",
      { whitelistFrom: [pattern("@sender.test")] },
      "<user@sender.test>",
      "WhitelistFrom @sender.test",
    ],
    ["SkipNDR", { skipNDR: true }, "<>", "SkipNDR"],
    ["SPFBehavior 0", { check: false }, "<user@sender.test>", "SPFBehavior 0"],
    [
      "SPFBehavior 0 by PolicyFor",
      { policyFor: [line({ from: pattern("user@"), actions: { check: false } })] },
      "<user@sender.test>",
      "SPFBehavior 0",
    ],
  ] as const) {
    it(`still loses forged fields with ${what}, and gets none of ours`, () => {
      const rig = new Rig({ settings, zone: FAIL });
      const { mail, end } = rig.message(
        from,
        ["<bob@rig.test>"],
        [["Authentication-Results", "mx.rig.test; spf=pass smtp.mailfrom=user@sender.test"]],
      );
      assert.equal(spoken(mail), "continue");
      assert.deepEqual(shownEdits(end), ["delete Authentication-Results 1"]);
      assert.deepEqual(rig.requests, []);
      assert.deepEqual(shownActions(rig), [
        `skipped: ${reason}`,
        "header removed: Authentication-Results in our name",
      ]);
    });
  }
});

describe("endOfMessage", () => {
  it("removes forged results from the last one up, and keeps what others have found", () => {
    const rig = new Rig({ zone: { "sender.test": "pass" } });
    const { end } = rig.message(
      "<user@sender.test>",
      [],
      [
        ["Authentication-Results", "mx.rig.test; dkim=pass header.d=sender.test"],
        ["AUTHENTICATION-RESULTS", "MX.rig.test; spf=pass smtp.mailfrom=a@b.test"],
        ["Received", "from x"],
        ["Authentication-Results", "other.test; spf=pass smtp.mailfrom=a@b.test"],
        ["authentication-results", "mx.rig.test; dkim=pass; spf=fail"],
      ],
    );
    assert.deepEqual(shownEdits(end).slice(0, 3), [
      "delete Authentication-Results 4",
      "delete Authentication-Results 2",
      shownEdits(end)[2],
    ]);
    assert.match(shownEdits(end)[2] ?? "", /^insert 0 Received-SPF/);
    assert.deepEqual(shownActions(rig), ["header removed: Authentication-Results in our name (2)"]);
  });

  it("goes by AuthservID, and removes every field in its name with all", () => {
    const settings = { authservID: "our.id", removeForgedHeaders: "all" } as const;
    const rig = new Rig({ settings, zone: { "sender.test": "pass" } });
    const { end } = rig.message(
      "<user@sender.test>",
      [],
      [
        ["Authentication-Results", "our.id; dkim=pass header.d=sender.test"],
        ["Authentication-Results", "mx.rig.test; spf=pass smtp.mailfrom=a@b.test"],
      ],
    );
    const edits = shownEdits(end);
    assert.equal(edits[0], "delete Authentication-Results 1");
    assert.equal(
      edits.at(-1),
      "insert 0 Authentication-Results: our.id; spf=pass smtp.mailfrom=user@sender.test",
    );
    assert.equal(edits.length, 3);
  });

  it("removes nothing with RemoveForgedHeaders off", () => {
    const rig = new Rig({ settings: { removeForgedHeaders: "off" }, zone: { "sender.test": "pass" } });
    const { end } = rig.message(
      "<user@sender.test>",
      [],
      [["Authentication-Results", "mx.rig.test; spf=pass"]],
    );
    assert.doesNotMatch(shownEdits(end).join("\n"), /delete/);
  });

  it("writes a guess into a field of its own and removes incoming ones", () => {
    const guess = { directives: [], redirect: undefined, explanation: undefined, unknownModifiers: [] };
    const told = outcome("none", { guess: { result: "pass", mechanism: "a/24" } });
    const rig = new Rig({ settings: { localPolicy: { guess } }, zone: { "sender.test": told } });
    const { end } = rig.message(
      "<user@sender.test>",
      [],
      [
        ["X-SPF-Guess", "pass (forged)"],
        ["x-spf-guess", "pass (forged too)"],
      ],
    );
    const edits = shownEdits(end);
    assert.deepEqual(edits.slice(0, 2), ["delete X-SPF-Guess 2", "delete X-SPF-Guess 1"]);
    assert.match(edits[2] ?? "", /^insert 0 Received-SPF: None .*best guess: pass/);
    assert.match(edits[3] ?? "", /^insert 0 X-SPF-Guess: pass \(/);
    assert.match(edits[4] ?? "", /^insert 0 Authentication-Results: .* spf=none \(best guess: pass\) /);
    assert.equal(edits.length, 5);
  });

  it("keeps the published result in fields and log where local policy decides", () => {
    const told = outcome("fail", { local: { result: "pass", mechanism: "+mx" } });
    const rig = new Rig({ zone: { "sender.test": told } });
    const { mail, end } = rig.message("<user@sender.test>", []);
    assert.equal(spoken(mail), "continue");
    assert.match(
      shownEdits(end).join("\n"),
      /Received-SPF: Fail .*local policy: pass[^]*spf=fail \(local policy: pass\)/,
    );
    assert.deepEqual([rig.results[0]?.result, rig.results[0]?.local], ["fail", "pass"]);
  });

  it("records both identities with CheckHelo, and one Received-SPF", () => {
    const rig = new Rig({
      settings: { checkHelo: true },
      zone: { "sender.test": "pass", "helo.sender.test": "softfail" },
    });
    const edits = shownEdits(rig.message("<user@sender.test>", []).end);
    assert.equal(edits.length, 2);
    assert.match(edits[0] ?? "", /identity=mailfrom/);
    assert.equal(
      edits[1],
      "insert 0 Authentication-Results: mx.rig.test; spf=pass smtp.mailfrom=user@sender.test; spf=softfail smtp.helo=helo.sender.test",
    );
  });

  it("records the HELO identity of the null sender", () => {
    const rig = new Rig({ zone: { "helo.sender.test": "pass" } });
    const edits = shownEdits(rig.message("<>", []).end);
    assert.match(edits[0] ?? "", /identity=helo; helo=helo\.sender\.test/);
    assert.equal(
      edits[1],
      "insert 0 Authentication-Results: mx.rig.test; spf=pass smtp.helo=helo.sender.test",
    );
  });

  for (const [settings, names] of [
    [{ addHeader: false }, ["Received-SPF"]],
    [{ addReceivedHeader: false }, ["Authentication-Results"]],
    [{ addHeader: false, addReceivedHeader: false }, []],
  ] as const) {
    it(`adds ${names.join() || "no field"} with ${JSON.stringify(settings)}`, () => {
      const { end } = new Rig({ settings, zone: { "sender.test": "pass" } }).message(
        "<user@sender.test>",
        [],
      );
      assert.deepEqual(
        end.edits.map((edit) => (edit.kind === "insertHeader" ? edit.name : edit.kind)),
        names,
      );
    });
  }

  it("tags the first Subject, and adds one where there is none", () => {
    const zone = { "sender.test": "softfail" } as const;
    const two = new Rig({ zone }).message(
      "<user@sender.test>",
      [],
      [
        ["SUBJECT", "one"],
        ["Subject", "two"],
      ],
    );
    assert.equal(shownEdits(two.end)[0], "change Subject 1: [SPF:fail] one");
    const empty = new Rig({ zone }).message("<user@sender.test>", [], [["Subject", ""]]);
    assert.equal(shownEdits(empty.end)[0], "change Subject 1: [SPF:fail]");
    const none = new Rig({ zone }).message("<user@sender.test>", []);
    assert.equal(shownEdits(none.end)[0], "add Subject: [SPF:fail]");
  });

  it("refuses at the end with RejectAt eom, and changes nothing then", () => {
    const rig = new Rig({ settings: { rejectAt: "eom" }, zone: FAIL });
    const { mail, end } = rig.message("<user@sender.test>", [], [["Subject", "x"]]);
    assert.equal(spoken(mail), "continue");
    assert.deepEqual(end.edits, []);
    assert.equal(spoken(end.response), "550 5.7.23");
    assert.deepEqual(shownActions(rig), ["refused: SPF fail [550 5.7.23]"]);
  });

  it("names the queue id that the MTA has given last", () => {
    const rig = new Rig({ zone: { "sender.test": "softfail" } });
    rig.connect();
    rig.filter.mail("<user@sender.test>", [], { get: () => undefined });
    assert.equal(rig.results[0]?.queueId, undefined);
    rig.eom({ i: "LATE" });
    assert.equal(rig.actions[0]?.queueId, "LATE");
  });

  it("does nothing about an end without a beginning", () => {
    const rig = new Rig();
    rig.connect();
    assert.deepEqual(endOf(rig.eom()), { edits: [], response: CONTINUE });
    assert.equal(rig.rcpt("<bob@rig.test>"), CONTINUE);
    assert.equal(rig.header("Subject", "x"), CONTINUE);
  });

  it("writes U-labels into a message that is SMTPUTF8, and A-labels into others", () => {
    const domain = "b\xc3\xbccher.test";
    const rig = new Rig();
    rig.connect();
    rig.helo();
    rig.mail(`<user@${domain}>`, {}, "SIZE=100", "smtputf8");
    assert.match(shownEdits(endOf(rig.eom())).at(-1) ?? "", /b\xc3\xbccher\.test/);
    rig.mail(`<user@${domain}>`);
    assert.match(shownEdits(endOf(rig.eom())).at(-1) ?? "", /xn--bcher-kva\.test/);
  });
});

describe("one message after another", () => {
  it("takes nothing over", () => {
    const rig = new Rig({
      zone: { "soft.test": "softfail", "sender.test": "pass" },
      settings: { quarantine: true },
    });
    rig.message(
      "<user@soft.test>",
      ["<bob@rig.test>"],
      [
        ["Subject", "one"],
        ["Authentication-Results", "mx.rig.test; spf=pass"],
      ],
    );
    rig.mail("<user@sender.test>");
    rig.rcpt("<eve@rig.test>");
    assert.deepEqual(
      shownEdits(endOf(rig.eom())).map((edit) => edit.split(":")[0]),
      ["insert 0 Received-SPF", "insert 0 Authentication-Results"],
    );
  });

  it("forgets a message that is aborted, and keeps the connection", () => {
    const rig = new Rig({ zone: { "sender.test": "softfail" } });
    rig.start();
    rig.header("Subject", "one");
    rig.filter.abort();
    assert.deepEqual(endOf(rig.eom()).edits, []);
    rig.mail("<user@sender.test>");
    assert.equal(rig.requests[1]?.helo, "helo.sender.test");
    assert.equal(shownEdits(endOf(rig.eom()))[0], "add Subject: [SPF:fail]");
  });

  it("forgets the client with a new connection", () => {
    const rig = new Rig({ settings: { whitelistIP: [net("192.0.2.9")] }, zone: FAIL });
    rig.connect();
    assert.equal(rig.mail("<user@sender.test>"), ACCEPT);
    rig.filter.newConnection();
    rig.connect("192.0.2.10");
    assert.equal(spoken(rig.mail("<user@sender.test>")), "550 5.7.23");
    assert.equal(rig.requests[0]?.helo, "");
  });

  it("forgets HELO with a second CONNECT, and takes the last of two HELO", () => {
    const rig = new Rig();
    rig.connect();
    rig.helo("one.test");
    rig.helo("two.test");
    rig.mail("<user@sender.test>");
    rig.connect();
    rig.mail("<user@sender.test>");
    assert.deepEqual(
      rig.requests.map(({ helo }) => helo),
      ["two.test", ""],
    );
  });

  for (const call of ["close", "abort", "newConnection"] as const) {
    it(`stops an evaluation in hand on ${call}`, () => {
      const rig = new Rig({ zone: FAIL, late: true });
      assert.equal(rig.start(), LATER);
      rig.filter[call]();
      assert.equal(rig.cancelled, 1);
      assert.deepEqual(rig.resumed, []);
      rig.filter.close();
      assert.equal(rig.cancelled, 1);
    });
  }
});
