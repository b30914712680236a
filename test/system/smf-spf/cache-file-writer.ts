/** Writes a cache file of so many entries for ever: `PATH ENTRIES`. */
import { AnswerCache } from "../../../src/dns/index.ts";
import { CacheFile } from "../../../src/smf-spf/cache-file.ts";

const [path = "", entries = ""] = process.argv.slice(2);
const answers = new AnswerCache({ source: { ask: () => ({ cancel() {} }) }, entriesMax: Number(entries) });
for (let i = 0; i < Number(entries); i++) {
  answers.restore([`TXT n${i}.test`, "found", ["v=spf1 ip4:192.0.2.0/24 -all"]], 3_600_000);
}
const file = new CacheFile({
  path,
  answers,
  verdicts: { *dump() {}, restore: () => false },
  digest: "d",
  wallMs: () => Date.now(),
  tell: () => undefined,
});
await file.load();
for (;;) await file.save();
