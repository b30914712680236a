/**
 * Mail under load while things fail: of N messages sent, each pass is delivered once and bears the right verdict,
 * and no fail is ever delivered. Clients behave as MTAs do and send again what was deferred.
 */
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Zone } from "../../support/nameserver/index.ts";
import type { Daemon } from "../scenario/daemon.ts";
import { readScenario, type Scenario } from "../scenario/scenario.ts";
import { emptyMailboxes, readMailboxes } from "./mailbox.ts";
import type { Mta } from "./mta.ts";
import { MtaPlayer } from "./mta-player.ts";
import { Postfix } from "./postfix.ts";
import { waitUntil } from "./process.ts";
import { Sendmail } from "./sendmail.ts";
import { send } from "./traffic.ts";

const TEXT = `# A temperror defers, so that a name server that is down lets nobody past.
[settings]
AcceptTempError off
DNSTimeout 1s
DNSTries 1
LookupTime 2s
TTL 1s
[session]
connect 198.51.100.1
`;

/** Short lives: there is always something to ask. */
const ZONE: Zone = {
  "pass.test": [{ TXT: "v=spf1 include:spf.pass.test -all", ttl: 1 }],
  "spf.pass.test": [{ TXT: "v=spf1 ip4:198.51.100.0/24 -all", ttl: 1 }],
  "fail.test": [{ TXT: "v=spf1 -all", ttl: 1 }],
};

const CLIENTS = 6;
const MESSAGES_PER_CLIENT = 12;
const TRIES_MAX = 200;

/** What became of one message. */
interface Fate {
  readonly id: string;
  readonly pass: boolean;
  readonly code: string;
}

/** How many messages have their final answers. */
let decided = 0;

/**
 * Waits for three more of them. Where a machine is slow, disturbing at fixed times would leave no time in which a
 * message comes through.
 */
async function progress(isOver: () => boolean): Promise<void> {
  const goal = decided + 3;
  await waitUntil("messages to be decided", () => decided >= goal || isOver());
}

/** Sends until the answer is final, as MTAs do. */
async function sendUntilDecided(domain: string, client: string, id: string): Promise<Fate> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const code = await send(`user@${domain}`, client, id);
    if (/^[25]/.test(code)) {
      decided++;
      return { id, pass: domain === "pass.test", code };
    }
    await sleep(50);
  }
  return { id, pass: domain === "pass.test", code: "never" };
}

async function load(): Promise<Fate[]> {
  const clients = Array.from({ length: CLIENTS }, async (_, at) => {
    const fates: Fate[] = [];
    for (let i = 0; i < MESSAGES_PER_CLIENT; i++) {
      const id = `id-${at}-${i}`;
      fates.push(
        await sendUntilDecided(i % 3 === 2 ? "fail.test" : "pass.test", `198.51.100.${10 + at}`, id),
      );
    }
    return fates;
  });
  return (await Promise.all(clients)).flat();
}

/** Every message is where it belongs, once, with the verdict that is right. */
function assertAccounted(fates: readonly Fate[]): void {
  const copies = new Map<string, string[]>();
  for (const message of [...readMailboxes().values()].flat()) {
    const id = /^Subject: hello (id-\d+-\d+)\r?$/m.exec(message)?.[1] ?? "";
    copies.set(id, [...(copies.get(id) ?? []), message]);
  }
  assert.equal(fates.length, CLIENTS * MESSAGES_PER_CLIENT);
  for (const { id, pass, code } of fates) {
    const found = copies.get(id) ?? [];
    assert.equal(code, pass ? "250" : "550", id);
    assert.equal(found.length, pass ? 1 : 0, `${id} was delivered ${found.length} times`);
    for (const message of found) {
      assert.equal((message.match(/^Received-SPF: Pass /gm) ?? []).length, 1, message);
      assert.equal((message.match(/^Authentication-Results: .*\n?.*spf=pass/gm) ?? []).length, 1, message);
    }
    copies.delete(id);
  }
  assert.deepEqual([...copies.keys()], []);
}

/** The filter gone means "later": no message goes past it. */
const MTAS: readonly (readonly [name: Mta["name"], start: () => Promise<Mta>])[] = [
  ["sendmail", () => Sendmail.start("F=T, ")],
  ["postfix", () => Postfix.start("tempfail")],
];

for (const [name, startMta] of MTAS) {
  describe(`mail through ${name} under load`, () => {
    const read = readScenario(TEXT, "faults.test.ts", name);
    assert.ok(read);
    const scenario: Scenario = read;
    let player: MtaPlayer;
    let daemon: Daemon;

    before(async () => {
      player = await MtaPlayer.open(startMta);
      player.nameserver.setZone(ZONE);
    });
    after(() => player.close());
    beforeEach(async () => {
      player.nameserver.setOptions({ intercept: () => "normal", delayMs: 0 });
      daemon = await player.daemon.serve(scenario);
      emptyMailboxes();
    });

    /** Runs the load, and this again and again meanwhile. */
    async function loadWhile(disturb: (isOver: () => boolean) => Promise<void>): Promise<void> {
      const state = { over: false };
      const disturbing = (async () => {
        while (!state.over) await disturb(() => state.over);
      })();
      const fates = await load().finally(() => {
        state.over = true;
      });
      await disturbing;
      await player.mta.settled();
      assertAccounted(fates);
    }

    it("is neither lost nor doubled while the daemon is killed again and again", async () => {
      let kills = 0;
      await loadWhile(async (isOver) => {
        await Promise.all([sleep(150 + 37 * (kills++ % 5)), progress(isOver)]);
        await daemon.stop("SIGKILL");
        await player.daemon.stop();
        daemon = await player.daemon.serve(scenario);
      });
      assert.ok(kills > 1);
    });

    it("is neither lost nor doubled while the daemon is stopped and started in order", async () => {
      await loadWhile(async (isOver) => {
        await Promise.all([sleep(200), progress(isOver)]);
        assert.equal(await daemon.stop(), 0);
        await player.daemon.stop();
        daemon = await player.daemon.serve(scenario);
      });
    });

    it("gets right verdicts while settings are read anew every 100 ms", async () => {
      await loadWhile(async () => {
        await sleep(100);
        daemon.signal("SIGHUP");
      });
    });

    it("waits while the name server is down or slow, and arrives when it is back", async () => {
      // What is in memory from before is over then, and there is no way but to ask.
      await sleep(1_100);
      player.nameserver.resetCounts();
      let turn = 0;
      await loadWhile(async (isOver) => {
        const state = ["down", "slow", "back"][turn++ % 3];
        player.nameserver.setOptions({
          intercept: () => (state === "down" ? "drop" : "normal"),
          delayMs: state === "slow" ? 300 : 0,
        });
        await Promise.all([sleep(600), state === "back" && progress(isOver)]);
      });
      assert.ok(turn > 1);
      assert.ok(player.nameserver.questions.total > 3);
    });
  });
}
