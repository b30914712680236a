import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { Engine } from "../../../src/smf-spf/engine.ts";
import { verdictOf } from "../../support/evaluate.ts";
import { type Nameserver, startNameserver, type Zone } from "../../support/nameserver/index.ts";
import { settingsOf } from "./filter-bench.ts";

const MANY = Array.from({ length: 100 }, (_, i) => i);
const TEN = MANY.slice(0, 10);

/** RFC 7208 section 4.6.4: ten terms, each with ten further names at most, the record itself, the explanation. */
const QUESTIONS_MAX = 1 + 10 * (1 + 10) + 1;
/** %{p} in the explanation asks for the client's names once more where nothing has asked before. */
const VALIDATION_MAX = 1 + 10;

/** No question is asked again only because this machine is busy. */
const PATIENT = "DNSTimeout 60s";

const mxs = (name: string, count = 100): Zone => ({
  [name]: MANY.slice(0, count).map((i) => ({ MX: [i, `${i}.${name}`] })),
  [`*.${name}`]: [{ A: "198.51.100.1" }],
});

/** Zones of an attacker who wants our resolver to work, or to work for him. */
const ZONE: Zone = {
  "mx.test": [{ TXT: `v=spf1 ${MANY.map((i) => `mx:m${i}.test`).join(" ")} exp=e.mx.test -all` }],
  "e.mx.test": [{ TXT: "%{p} is not permitted" }],
  ...Object.fromEntries(MANY.flatMap((i) => Object.entries(mxs(`m${i}.test`)))),
  "ten.test": [{ TXT: `v=spf1 ${TEN.map((i) => `mx:t${i}.test`).join(" ")} exp=e.ten.test -all` }],
  "e.ten.test": [{ TXT: "%{p} is not permitted" }],
  ...Object.fromEntries(TEN.flatMap((i) => Object.entries(mxs(`t${i}.test`, 10)))),
  "include.test": [{ TXT: `v=spf1 ${MANY.map((i) => `include:i${i}.test`).join(" ")} -all` }],
  ...Object.fromEntries(
    MANY.map((i) => [
      `i${i}.test`,
      [{ TXT: `v=spf1 ${MANY.map((j) => `mx:m${j}.test a:i${j}.test`).join(" ")}` }],
    ]),
  ),
  "self.test": [{ TXT: "v=spf1 include:self.test include:self.test -all" }],
  "redirect.test": [{ TXT: "v=spf1 redirect=%{i}.%{d}" }],
  "*.redirect.test": [{ TXT: "v=spf1 redirect=1.%{d}" }],
  "tree.test": [{ TXT: "v=spf1 include:a.%{d} include:b.%{d} include:c.%{d} -all" }],
  "*.tree.test": [{ TXT: "v=spf1 include:a.%{d} include:b.%{d} include:c.%{d} -all" }],
  "ptr.test": [{ TXT: `v=spf1 ${MANY.map((i) => `ptr:p${i}.test`).join(" ")} -all` }],
  "1.2.0.192.in-addr.arpa": MANY.map((i) => ({ PTR: `host${i}.p.test` })),
  "*.p.test": [{ A: "198.51.100.1" }],
  "exists.test": [{ TXT: `v=spf1 ${MANY.map((i) => `exists:%{l}.${i}.victim.test`).join(" ")} -all` }],
  "*.victim.test": [{ A: "127.0.0.2" }],
  "void.test": [{ TXT: `v=spf1 ${MANY.map((i) => `a:${i}.nowhere.test`).join(" ")} -all` }],
  "alias.test": [{ TXT: `v=spf1 ${MANY.map((i) => `a:c${i}.alias.test`).join(" ")} -all` }],
  "*.alias.test": [{ CNAME: "end.other.test" }],
  "end.other.test": [{ A: "198.51.100.1" }],
  "big.test": [{ TXT: ["v=spf1 ", ...MANY.map((i) => `include:l${i}.test `)] }],
  ...Object.fromEntries(
    MANY.map((i) => [`l${i}.test`, [{ TXT: ["v=spf1 ", ...MANY.map(() => "ip4:10.0.0.1 "), "-all"] }]]),
  ),
};
const DOMAINS = ["ten", "mx", "include", "self", "redirect", "tree", "ptr", "exists", "void", "alias", "big"];

describe("the questions that one message causes", () => {
  for (const prefetch of ["on", "off"]) {
    describe(`with Prefetch ${prefetch}`, () => {
      let server: Nameserver;
      let engine: Engine;

      before(async () => {
        server = await startNameserver(ZONE);
        engine = new Engine(
          settingsOf(`Nameserver 127.0.0.1:${server.port}\nPrefetch ${prefetch}\nTTL 0\n${PATIENT}`),
          (error) => {
            throw error;
          },
        );
      });
      after(async () => {
        engine.close();
        await server.close();
      });

      for (const name of DOMAINS) {
        it(`are within the limits of RFC 7208 for ${name}.test`, async () => {
          server.resetCounts();
          const { outcome } = await verdictOf(engine.evaluatorFor(settingsOf("")), `${name}.test`, 120_000);
          // Over TCP a question is asked for the second time.
          const { udp } = server.questions;
          assert.ok(udp <= QUESTIONS_MAX + VALIDATION_MAX, `${udp} questions`);
          if (name === "ten") assert.ok(udp >= QUESTIONS_MAX, "the most that is allowed was not reached");
          assert.ok(server.questions.tcp <= 11 + 1, `${server.questions.tcp} over TCP`);
          assert.ok(outcome.lookups <= 11, `${outcome.lookups} lookups`);
        });
      }

      it("grow by 32 at most where a domain leads elsewhere than the last time", async () => {
        const ten = (letter: string): Zone => ({
          "turn.test": [{ TXT: `v=spf1 ${TEN.map((i) => `mx:${letter}${i}.test`).join(" ")} -all` }],
          ...Object.fromEntries(TEN.flatMap((i) => Object.entries(mxs(`${letter}${i}.test`, 10)))),
        });
        const turning = await startNameserver({ ...ten("w"), ...ten("v") }, { ttlSeconds: 1 });
        const again = new Engine(
          settingsOf(`Nameserver 127.0.0.1:${turning.port}\nPrefetch ${prefetch}\n${PATIENT}`),
          (error) => {
            throw error;
          },
        );
        const asked = async (): Promise<number> => {
          turning.resetCounts();
          await verdictOf(again.evaluatorFor(settingsOf("")), "turn.test", 120_000);
          return turning.questions.udp;
        };
        try {
          assert.equal(await asked(), QUESTIONS_MAX - 1);
          turning.setZone({ ...ten("w"), "*.test": [{ A: "198.51.100.1" }] });
          await delay(2100);
          const foreseen = (await asked()) - (QUESTIONS_MAX - 1);
          assert.ok(foreseen >= 0 && foreseen <= (prefetch === "on" ? 32 : 0), `${foreseen} more`);
          if (prefetch === "on") assert.ok(foreseen > 0, "nothing was foreseen");
        } finally {
          again.close();
          await turning.close();
        }
      });

      it("does not grow when the domain's server never answers", async () => {
        const silent = await startNameserver(
          { "quiet.test": [{ TXT: "v=spf1 mx:m0.test -all" }] },
          {
            intercept: (question) => (question.type === "TXT" ? "normal" : "drop"),
          },
        );
        const waiting = new Engine(
          settingsOf(`Nameserver 127.0.0.1:${silent.port}\nPrefetch ${prefetch}\nDNSTimeout 3s\nDNSTries 2`),
          (error) => {
            throw error;
          },
        );
        const { outcome } = await verdictOf(waiting.evaluatorFor(settingsOf("")), "quiet.test", 120_000);
        waiting.close();
        assert.equal(outcome.result, "temperror");
        // One for the record, and DNSTries for the question that stays open. The server is asked for the root, too.
        assert.equal(silent.questions.of("quiet.test", "TXT"), 1);
        assert.equal(silent.questions.of("m0.test", "MX"), 2);
        assert.equal(silent.questions.total - silent.questions.of("", "NS"), 3);
        await silent.close();
      });
    });
  }
});
