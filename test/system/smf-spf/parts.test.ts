import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { Installed } from "./installed.ts";

/** Where an installation of this machine would have them. */
const elsewhere = ["/usr/local/share/smf-spf", "/usr/share/smf-spf"].filter((directory) =>
  existsSync(directory),
);

describe("a part that is missing", {
  skip: elsewhere.length > 0 && `smf-spf is installed here: ${elsewhere.join(", ")}`,
}, () => {
  let installed: Installed;
  let answering: Server;
  const options = new Map<string, string[]>();
  const missing = (part: string): string =>
    `needs ${installed.folder}/share/smf-spf/${part}.cjs, which is missing: install it again`;

  before(async () => {
    installed = new Installed();
    const key = join(installed.folder, "key");
    writeFileSync(key, "k".repeat(32), { mode: 0o640 });
    options.set("SharedCache", ["SharedCache redis://127.0.0.1", `SharedCacheKey file:${key}`]);
    const socket = join(installed.folder, "answering");
    options.set("StatusSocket", [`StatusSocket unix:${socket}`]);
    answering = createServer((_request, response) => response.end("{}"));
    await new Promise<void>((resolve) => answering.listen(socket, resolve));
  });
  after(async () => {
    answering.close();
    await installed.close();
  });

  for (const [option, part] of [
    ["SharedCache", "shared-cache"],
    ["StatusSocket", "status"],
  ] as const) {
    it(`ends the start with ${option} and says which`, async () => {
      installed.configure(...(options.get(option) ?? []));
      const { code, err } = await installed.run("-f", "-c", installed.config);
      assert.equal(err, `smf-spf: ${option} ${missing(part)}\n`);
      assert.equal(code, 78);
    });

    it(`is a fault for -t with ${option}`, async () => {
      installed.configure(...(options.get(option) ?? []));
      const { code, out } = await installed.run("-t", "-c", installed.config);
      assert.ok(out.includes(`: ${option}: ${missing(part)}\n`), out);
      assert.equal(code, 78);
    });
  }

  it("is told by --status, which needs none for its JSON", async () => {
    installed.configure(...(options.get("StatusSocket") ?? []));
    const json = await installed.run("--status", "json", "-c", installed.config);
    assert.deepEqual([json.code, json.out, json.err], [0, "{}\n", ""]);
    const { code, err } = await installed.run("--status", "-c", installed.config);
    assert.equal(err, `smf-spf: StatusSocket ${missing("status")}\n`);
    assert.equal(code, 78);
  });
});
