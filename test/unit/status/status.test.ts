import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import fc from "fast-check";
import { ACTION_RULES } from "../../../src/status/figures.ts";
import { type Figures, Status, type StatusDocument, statusLines } from "../../../src/status/index.ts";
import { until } from "../../support/child-process.ts";
import { actionEvent, hostileEvent, resultEvent } from "../logging/samples.ts";
import { figures } from "./support.ts";

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

const NOW = Date.UTC(2026, 10, 29, 1, 2, 3);

/** A status page on a port, and what is asked of it. */
class Page {
  shown: Figures = figures();
  answerWhy: () => void = () => undefined;
  readonly whys: string[] = [];
  readonly status: Status;

  constructor() {
    this.status = new Status({
      product: { version: "9.9.9", node: "v20", startedMs: NOW - 3_600_000 },
      figures: () => this.shown,
      why: ({ ip, helo, sender }) => {
        if (ip === "nonsense") return undefined;
        this.whys.push(`${ip} ${helo} ${sender}`);
        return new Promise((resolve) => {
          this.answerWhy = () => {
            resolve(`{"ip":"${ip}"}`);
          };
          if (helo !== "slow") this.answerWhy();
        });
      },
      nowMs: () => NOW,
      onError: (error) => {
        throw error;
      },
    });
  }

  async listen(options: { port: number; host: string } | { path: string }): Promise<void> {
    await this.status.listen(options);
    this.status.start();
  }

  ask(path: string, { headers = {}, method = "GET", socketPath = "" } = {}): Promise<Answer> {
    const where = socketPath === "" ? { host: "127.0.0.1", port: this.status.port } : { socketPath };
    return new Promise((resolve, reject) => {
      const asked = request({ ...where, path, method, headers, agent: false }, (response) => {
        let body = "";
        response.setEncoding("utf8").on("data", (chunk: string) => {
          body += chunk;
        });
        response.on("end", () => {
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
        });
      });
      asked.once("error", reject);
      asked.end();
    });
  }

  /** What comes back for these octets. */
  raw(text: string): Promise<string> {
    return new Promise((resolve) => {
      const socket = connect(this.status.port ?? 0, "127.0.0.1");
      let answer = "";
      socket.setEncoding("latin1").on("data", (chunk: string) => {
        answer += chunk;
      });
      socket.on("error", () => undefined);
      socket.on("close", () => {
        resolve(answer);
      });
      socket.write(text);
    });
  }

  async document(): Promise<StatusDocument> {
    return JSON.parse((await this.ask("/status.json")).body) as StatusDocument;
  }
}

async function fresh(): Promise<Page> {
  const page = new Page();
  await page.listen({ port: 0, host: "127.0.0.1" });
  return page;
}

describe("who may ask", () => {
  let page: Page;
  before(async () => {
    page = await fresh();
  });
  after(() => {
    page.status.close();
  });

  const hosts: readonly [head: string, status: number][] = [
    ["Host: localhost", 200],
    ["Host: LOCALHOST:9325", 200],
    ["Host: 127.0.0.1:9325", 200],
    ["Host: 127.1.2.3", 200],
    ["Host: [::1]:9325", 200],
    ["Host: evil.example", 403],
    ["Host: 127.0.0.1.evil.example", 403],
    ["Host: localhost.evil.example", 403],
    ["Host: 192.0.2.1", 403],
    ["Host: ", 403],
    ["X: y", 403],
    ["Host: localhost\r\nHost: localhost", 403],
    ["Host: localhost\r\nHost: evil.example", 403],
    ["Host: localhost\r\nSec-Fetch-Site: cross-site", 403],
    ["Host: localhost\r\nSec-Fetch-Site: same-origin", 200],
    ["Host: localhost\r\nOrigin: https://evil.example", 403],
    ["Host: localhost\r\nOrigin: http://localhost:3000", 403],
    ["Host: localhost\r\nOrigin: null", 403],
    ["Host: localhost\r\nOrigin: http://LOCALHOST", 200],
  ];
  for (const [head, status] of hosts) {
    it(`${JSON.stringify(head)}: ${status}`, async () => {
      const answer = await page.raw(`GET /healthz HTTP/1.1\r\n${head}\r\nConnection: close\r\n\r\n`);
      assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `));
    });
  }

  it("refuses a foreign Host on HTTP/1.0 too", async () => {
    assert.match(await page.raw("GET / HTTP/1.0\r\n\r\n"), /^HTTP\/1\.1 403 /);
  });

  for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"]) {
    it(`${method} is 405`, async () => {
      const { status, headers } = await page.ask("/metrics", { method });
      assert.deepEqual([status, headers["allow"]], [405, "GET, HEAD"]);
    });
  }

  it("HEAD has the head of GET and no body", async () => {
    const { status, body, headers } = await page.ask("/metrics", { method: "HEAD" });
    assert.deepEqual([status, body], [200, ""]);
    assert.ok(Number(headers["content-length"]) > 1000);
  });

  const malformed: readonly [what: string, octets: string][] = [
    ["no HTTP", "hello\r\n\r\n"],
    ["a head over its limit", `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${"x".repeat(20_000)}\r\n\r\n`],
    [
      "a path of no form",
      "GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    ],
  ];
  for (const [what, octets] of malformed) {
    it(`answers ${what} with 400, and goes on`, async () => {
      assert.match(await page.raw(octets), /^HTTP\/1\.1 4(?:00|31) /);
      assert.equal((await page.ask("/healthz")).status, 200);
    });
  }

  it("closes the connections over 16 at once", async () => {
    const held = Array.from({ length: 16 }, () => connect(page.status.port ?? 0, "127.0.0.1"));
    await Promise.all(held.map((socket) => new Promise((resolve) => socket.once("connect", resolve))));
    assert.equal(await page.raw("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"), "");
    for (const socket of held) socket.destroy();
  });

  it("gives a slow request five seconds", { timeout: 90_000 }, async () => {
    const answer = await page.raw("GET / HTTP/1.1\r\nHost: local");
    assert.match(answer, /^(?:HTTP\/1\.1 40[08] |$)/);
  });

  it("answers one request at a time, and ends a connection that sends more", async () => {
    const one = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    assert.equal(await page.raw(one.repeat(1000)), "");
    assert.equal((await page.ask("/healthz")).status, 200);
  });

  const held: readonly [what: string, first: string, then: string][] = [
    ["asks again and again", "", "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"],
    ["speaks no HTTP and goes on", "hello\r\n\r\n", "x"],
    ["sends octet by octet", "GET / HTTP/1.1\r\nX: ", "x"],
    [
      "sends a body without end",
      "GET /healthz HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n",
      "1\r\nx\r\n",
    ],
  ];
  for (const [what, first, then] of held) {
    it(`gives the place of one that ${what} to others`, { timeout: 30_000 }, async () => {
      const socket = connect({ port: page.status.port ?? 0, host: "127.0.0.1", allowHalfOpen: true });
      const closed = new Promise((resolve) => socket.once("close", resolve));
      socket.on("error", () => undefined).resume();
      socket.write(first);
      const more = setInterval(() => {
        socket.write(then);
      }, 500);
      await closed;
      clearInterval(more);
    });
  }

  it("serves every Host on a Unix socket, where no browser comes by a name", async () => {
    const directory = mkdtempSync(join(tmpdir(), "status-"));
    const socketPath = join(directory, "s");
    const other = new Page();
    await other.listen({ path: socketPath });
    const { status } = await other.ask("/healthz", { socketPath, headers: { Host: "status.example.net" } });
    other.status.close();
    rmSync(directory, { recursive: true });
    assert.equal(status, 200);
  });

  it("answers nobody before it is started", async () => {
    const other = new Page();
    await other.status.listen({ port: 0, host: "127.0.0.1" });
    assert.equal(await other.raw("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"), "");
    other.status.close();
  });
});

describe("the paths", () => {
  let page: Page;
  before(async () => {
    page = await fresh();
  });
  after(() => {
    page.status.close();
  });

  it("serve with a head that lets nothing be kept or guessed", async () => {
    for (const path of [
      "/",
      "/metrics",
      "/status.json",
      "/healthz",
      "/why?ip=192.0.2.1&helo=a.test",
      "/nothing",
    ]) {
      const { headers } = await page.ask(path);
      assert.equal(headers["x-content-type-options"], "nosniff", path);
      assert.equal(headers["cache-control"], "no-store", path);
    }
  });

  it("/ is one file whose policy allows its own script and style only", async () => {
    const { status, headers, body } = await page.ask("/");
    assert.equal(status, 200);
    assert.equal(headers["referrer-policy"], "no-referrer");
    assert.equal(headers["cross-origin-resource-policy"], "same-origin");
    const csp = String(headers["content-security-policy"]);
    for (const part of [
      "default-src 'none'",
      "frame-ancestors 'none'",
      "base-uri 'none'",
      "form-action 'none'",
    ]) {
      assert.ok(csp.includes(part), part);
    }
    assert.doesNotMatch(csp, /unsafe/);
    assert.doesNotMatch(body, /\b(?:src|href)="(?!data:|#|\/status\.json)/);
    assert.doesNotMatch(body, /style="|\son[a-z]+="/);
  });

  it("/metrics speaks OpenMetrics to whoever asks for it", async () => {
    const plain = await page.ask("/metrics");
    assert.equal(plain.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    const headers = { Accept: "application/openmetrics-text;version=1.0.0,text/plain;q=0.5" };
    const open = await page.ask("/metrics", { headers });
    assert.match(String(open.headers["content-type"]), /^application\/openmetrics-text; version=1\.0\.0/);
    assert.match(open.body, /\n# EOF\n$/);
    assert.match(open.body, /^smfspf_results_total\{/m);
  });

  it("/healthz says why the daemon does not serve", async () => {
    const table: readonly [changes: Partial<Figures>, status: number, body: string][] = [
      [{}, 200, "ok\n"],
      [{ accepting: false }, 503, "the milter socket does not accept connections\n"],
      [{ dnsProblem: "DNS does not answer" }, 503, "DNS does not answer\n"],
    ];
    for (const [changes, status, body] of table) {
      const one = await fresh();
      one.shown = figures(changes);
      const answer = await one.ask("/healthz");
      one.status.close();
      assert.deepEqual([answer.status, answer.body], [status, body]);
    }
  });

  const whys: readonly [query: string, status: number, asked: string | undefined][] = [
    ["ip=192.0.2.1&helo=a.test&sender=u@b.test", 200, "192.0.2.1 a.test u@b.test"],
    ["ip=192.0.2.1&helo=a.test&sender=", 200, "192.0.2.1 a.test "],
    ["ip=192.0.2.1&helo=a.test", 200, "192.0.2.1 a.test "],
    ["helo=a.test", 400, undefined],
    ["ip=nonsense", 400, undefined],
    ["ip=192.0.2.1&ip=192.0.2.2", 400, undefined],
    ["ip=192.0.2.1&sender=a&sender=b", 400, undefined],
  ];
  for (const [query, status, asked] of whys) {
    it(`/why?${query} is ${status}`, async () => {
      page.whys.length = 0;
      assert.equal((await page.ask(`/why?${query}`)).status, status);
      assert.equal(page.whys[0], asked);
    });
  }

  it("/why evaluates two at a time", async () => {
    const one = await fresh();
    const slow = "/why?ip=192.0.2.1&helo=slow&sender=u@b.test";
    const first = one.ask(slow);
    await until("the first", () => one.whys.length === 1);
    const answerFirst = one.answerWhy;
    const second = one.ask(slow);
    await until("the second", () => one.whys.length === 2);
    const third = await one.ask(slow);
    assert.deepEqual([third.status, third.headers["retry-after"]], [429, "1"]);
    answerFirst();
    one.answerWhy();
    assert.deepEqual([(await first).status, (await second).status], [200, 200]);
    assert.equal((await one.ask("/why?ip=192.0.2.1&helo=a.test")).status, 200);
    one.status.close();
  });
});

describe("the figures", () => {
  it("are those of the mail", async () => {
    const page = await fresh();
    page.shown = figures({
      rules: [
        { rule: "RefuseFail", line: "/etc/smf-spf.conf:4", text: "RefuseFail on" },
        { rule: "WhitelistIP", line: "/etc/smf-spf.conf:9", text: "WhitelistIP 10.0.0.0/8" },
      ],
    });
    page.status.setRules(page.shown.rules);
    const client = { ip: "192.0.2.9", ptr: "mx.forward.test", helo: "h.test" };
    for (const domain of ["a.test", "b.test", "c.test"]) {
      const mail = { ...client, from: `u@${domain}` };
      page.status.add(resultEvent({ ...mail, result: "fail", elapsedMs: 30 }));
      page.status.add(actionEvent({ ...mail, location: "/etc/smf-spf.conf:4" }));
    }
    page.status.add(resultEvent({ source: "cache", cached: true, elapsedMs: 0 }));
    for (const ms of [30, 30, 0]) page.status.waited(ms);
    const problem = 'd.test: syntax error in "includ:x"';
    page.status.add(resultEvent({ from: "u@d.test", result: "permerror", problem, failure: "syntax" }));
    const document = await page.document();
    const { body: metrics } = await page.ask("/metrics");
    page.status.close();
    assert.deepEqual(document.results.fail, { total: 3, hour: 3, day: 3, week: 3 });
    assert.deepEqual(document.actions, [
      { action: "refused", rule: "RefuseFail", report_only: false, total: 3 },
    ]);
    assert.equal(document.waits.from_memory, 0.2);
    assert.deepEqual(
      document.top.domains_refused.map(({ domain, count, line }) => [domain, count, line]),
      ["a", "b", "c"].map((name) => [`${name}.test`, 1, `PolicyFor from=@${name}.test ReportOnly=on`]),
    );
    assert.deepEqual(
      document.top.clients_refused.map(({ ip, ptr, count, line }) => [ip, ptr, count, line]),
      [["192.0.2.9", "mx.forward.test", 3, "WhitelistIP 192.0.2.9"]],
    );
    assert.deepEqual(
      document.top.domains_in_error.map((row) => [row.domain, row.result, row.problem, row.count, row.line]),
      [["d.test", "permerror", problem, 1, null]],
    );
    assert.deepEqual(
      document.top.forwarders.map(({ ip, domains, line }) => [ip, domains, line]),
      [["192.0.2.9", 3, "TrustedForwarder forward.test"]],
    );
    assert.deepEqual(document.top.rules, [
      { rule: "RefuseFail on", line: "/etc/smf-spf.conf:4", hits: 3 },
      { rule: "WhitelistIP 10.0.0.0/8", line: "/etc/smf-spf.conf:9", hits: 0 },
    ]);
    assert.equal(document.decisions.length, 5);
    assert.deepEqual(document.decisions.map(({ result, action, rule }) => [result, action, rule]).slice(-1), [
      ["fail", "refused", "RefuseFail"],
    ]);
    for (const line of [
      'smfspf_results_total{result="fail",identity="mailfrom",source="dns"} 3',
      'smfspf_results_total{result="pass",identity="mailfrom",source="cache"} 1',
      'smfspf_actions_total{action="refused",rule="RefuseFail",report_only="0"} 3',
      'smfspf_rule_hits_total{rule="RefuseFail",line="/etc/smf-spf.conf:4"} 3',
      'smfspf_rule_hits_total{rule="WhitelistIP",line="/etc/smf-spf.conf:9"} 0',
      'smfspf_permerrors_total{problem="syntax"} 1',
      'smfspf_mail_wait_seconds_bucket{le="0.0005"} 1',
      "smfspf_mail_wait_seconds_count 3",
      'smfspf_build_info{version="9.9.9",node="v20"} 1',
    ]) {
      assert.ok(metrics.includes(`${line}\n`), line);
    }
    for (const line of statusLines(document, 40)) {
      assert.ok(line.length <= 40 || line.startsWith(" ".repeat(10)), line);
      assert.ok(line.length < 40 || line.endsWith("...") || line.startsWith(" ".repeat(10)), line);
    }
    const text = statusLines(document).join("\n");
    assert.match(text, /^smf-spf 9\.9\.9, up since .* \(1 h 0 min\)$/m);
    assert.match(text, /^ {7}3 {2}192\.0\.2\.9 mx\.forward\.test\n {10}WhitelistIP 192\.0\.2\.9$/m);
    assert.match(text, /^The line below a name lets its mail in\. Most of what is refused is forged/m);
    for (const line of text.split("\n")) assert.ok(line.length <= 80, line);
  });

  it("say in the terminal that nothing came yet, and warn of no lines where there are none", async () => {
    const page = await fresh();
    const text = statusLines(await page.document()).join("\n");
    page.status.close();
    assert.match(text, /^How long mail waited in the last hour\n {2}nothing: no mail came$/m);
    assert.doesNotMatch(text, /lets its mail in|Domains refused/);
  });

  it("tell of SharedCache where there is one", async () => {
    const none = await fresh();
    assert.equal((await none.document()).shared_cache, null);
    const { body: without } = await none.ask("/metrics");
    none.status.close();
    assert.doesNotMatch(without, /^smfspf_shared_cache_up /m);
    for (const line of ['smfspf_cache_hits_total{cache="shared"} 0', "smfspf_shared_cache_writes_total 0"]) {
      assert.ok(without.includes(`${line}\n`), line);
    }
    const page = new Page();
    const errors = { connect: 5, timeout: 2 };
    page.shown = figures({ sharedCache: { up: false, errors, hits: 12, misses: 3, writes: 4 } });
    await page.listen({ port: 0, host: "127.0.0.1" });
    const document = await page.document();
    const { body: metrics } = await page.ask("/metrics");
    page.status.close();
    assert.deepEqual(document.shared_cache, { up: false, hits: 12, misses: 3, writes: 4, errors: 7 });
    assert.deepEqual(document.problems, ["the shared cache is out of use: the log says why"]);
    for (const line of [
      "smfspf_shared_cache_up 0",
      'smfspf_shared_cache_errors_total{kind="timeout"} 2',
      'smfspf_shared_cache_errors_total{kind="dropped"} 0',
      "smfspf_shared_cache_writes_total 4",
      'smfspf_cache_hits_total{cache="shared"} 12',
      'smfspf_cache_misses_total{cache="shared"} 3',
    ]) {
      assert.ok(metrics.includes(`${line}\n`), line);
    }
    const text = statusLines(document).join("\n");
    assert.match(text, /^shared cache: out of use; 12 hits, 3 misses, 7 errors$/m);
  });

  it("name a server that is down as the list of name servers does", async () => {
    const page = new Page();
    const down = { port: 53, answerMs: undefined, down: true };
    page.shown = figures({
      nameservers: [
        { address: "192.0.2.53", ...down },
        { address: "2001:db8::53", ...down },
      ],
    });
    await page.listen({ port: 0, host: "127.0.0.1" });
    const { nameservers, problems } = await page.document();
    page.status.close();
    assert.deepEqual(
      nameservers.map(({ address }) => address),
      ["192.0.2.53:53", "[2001:db8::53]:53"],
    );
    assert.deepEqual(problems, [
      "name server 192.0.2.53:53 does not answer",
      "name server [2001:db8::53]:53 does not answer",
    ]);
  });

  it("come from one snapshot a second", async (t) => {
    let ms = performance.now();
    t.mock.method(performance, "now", () => ms);
    const page = await fresh();
    const first = await page.document();
    page.status.add(resultEvent());
    ms += 999;
    const second = await page.document();
    ms += 1;
    const third = await page.document();
    page.status.close();
    assert.deepEqual(second, first);
    assert.notDeepEqual(third, first);
  });
});

describe("hostile mail", () => {
  it("makes no series, no markup and no large document", async () => {
    const page = await fresh();
    const seriesOf = (text: string): string[] => text.split("\n").map((line) => line.replace(/ \S+$/, ""));
    const before = seriesOf((await page.ask("/metrics")).body);
    fc.assert(
      fc.property(hostileEvent, (event) => {
        page.status.add(event);
      }),
      { numRuns: 300 },
    );
    const long = '\u00e9<"\\\x1b'.repeat(400);
    for (let nth = 0; nth < 1500; nth++) {
      const from = `${nth}@${long}${nth}`;
      const facts = { from, helo: long, ptr: `a${nth}.${long}`, queueId: long, ip: `192.0.2.${nth % 250}` };
      page.status.add(resultEvent({ ...facts, result: "permerror", problem: long, failure: "other" }));
      page.status.add(resultEvent({ ...facts, result: "fail" }));
      page.status.add(actionEvent(facts));
    }
    const other = await fresh();
    other.status.close();
    await new Promise((resolve) => setTimeout(resolve, 1100));
    const { body } = await page.ask("/status.json");
    const after = seriesOf((await page.ask("/metrics")).body);
    page.status.close();
    assert.deepEqual(after, before);
    assert.ok(Buffer.byteLength(body) <= 1_000_000, `${Buffer.byteLength(body)}`);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what must not be there
    assert.doesNotMatch(body, /[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]/);
    const document = JSON.parse(body) as StatusDocument;
    assert.ok(document.decisions.length > 300);
    for (const { line } of [...document.top.domains_refused, ...document.top.domains_in_error]) {
      if (line !== null) assert.match(line, /^PolicyFor from=@[a-z0-9._-]+ [A-Za-z]+=o(?:n|ff)$/);
    }
  });
});

describe("texts of senders", () => {
  const table: readonly [what: string, text: string, shown: string][] = [
    ["words of other scripts", "\u5c71\u7530@\u4f8b.test", "\u5c71\u7530@\u4f8b.test"],
    ["a letter with two marks", "e\u0301\u0323@a.test", "e\u0301\u0323@a.test"],
    ["marks of direction", "a\u202eb\u2066c\u061c", "a\\u{202e}b\\u{2066}c\\u{61c}"],
    ["what has no width", "a\u200b\ufeff\u00adb", "a\\u{200b}\\u{feff}\\xadb"],
    ["fillers", "\u3164\uffa0\u115f\u2800@a.test", "\\u{3164}\\u{ffa0}\\u{115f}\\u{2800}@a.test"],
    ["selectors and joiners", "a\ufe0f\u034f\u180b\u{e0100}", "a\\u{fe0f}\\u{34f}\\u{180b}\\u{e0100}"],
    ["piled marks", "e\u0301\u0301\u0301\u0301", "e\u0301\u0301\\u{301}\\u{301}"],
    ["a mark on nothing", "\u0301a", "\\u{301}a"],
    ["ends of lines and spaces", "a\u2028b\u2029c\u3000d", "a\\u{2028}b\\u{2029}c\\u{3000}d"],
  ];
  for (const [what, text, shown] of table) {
    it(`are shown without what is not seen: ${what}`, async () => {
      const page = await fresh();
      page.status.add(resultEvent({ from: Buffer.from(text, "utf8").toString("latin1") }));
      const document = await page.document();
      page.status.close();
      assert.equal(document.decisions[0]?.from, shown);
    });
  }

  it("are nothing in the terminal that hides or is obeyed, whoever has the socket", async () => {
    const page = await fresh();
    const document = await page.document();
    page.status.close();
    const product = "smf-spf\x1b[2J\u202e\u3164\u2028\n1";
    assert.match(statusLines({ ...document, product })[0] ?? "", /^smf-spf\?\[2J\?{4}1, up since/);
  });
});

describe("ACTION_RULES", () => {
  it("has a series for each action and rule from the start", async () => {
    const page = await fresh();
    const { body } = await page.ask("/metrics");
    page.status.close();
    for (const [action, rules] of Object.entries(ACTION_RULES)) {
      for (const rule of rules) {
        const labels = `action="${action.replace(" ", "_")}",rule="${rule}",report_only="0"`;
        assert.ok(body.includes(`smfspf_actions_total{${labels}} 0`), labels);
      }
    }
  });
});

describe("domains in error", () => {
  it("have a line only where their mail is refused", async () => {
    for (const [refused, lines] of [
      [{ permerror: false, temperror: false }, [null, null]],
      [{ permerror: true, temperror: false }, [null, "PolicyFor from=@p.test RefusePermError=off"]],
      [{ permerror: false, temperror: true }, ["PolicyFor from=@t.test AcceptTempError=on", null]],
    ] as const) {
      const page = new Page();
      page.shown = figures({ refused });
      await page.listen({ port: 0, host: "127.0.0.1" });
      page.status.add(
        resultEvent({ from: "u@p.test", result: "permerror", problem: "x", failure: "syntax" }),
      );
      page.status.add(resultEvent({ from: "u@t.test", result: "temperror", problem: "x" }));
      page.status.add(resultEvent({ from: "u@t.test", result: "temperror", problem: "x" }));
      const { top } = await page.document();
      page.status.close();
      assert.deepEqual(
        top.domains_in_error.map(({ line }) => line),
        lines,
      );
    }
  });
});
