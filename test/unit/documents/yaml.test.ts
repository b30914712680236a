/** What others read as YAML: blocks of the documents, and the forms for issues. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { parse } from "yaml";
import { parseConfig } from "../../../src/config/index.ts";
import { blocksOf, PAGES, ROOT, readDocument } from "./page.ts";

const FORMS = ".github/ISSUE_TEMPLATE";

interface Form {
  readonly name: string;
  readonly description: string;
  readonly body: readonly {
    readonly type: string;
    readonly id?: string;
    readonly attributes?: { readonly label?: string };
  }[];
}

describe("the YAML of the documents", () => {
  it("has Prometheus ask where the page before it has the daemon listen", () => {
    const blocks = PAGES.flatMap(blocksOf).filter(({ language }) => language === "yaml");
    assert.ok(blocks.length > 0);
    for (const { page, text } of blocks) {
      const { scrape_configs: jobs } = parse(text) as {
        scrape_configs: { job_name: string; static_configs: { targets: string[] }[] }[];
      };
      const targets = jobs.flatMap((job) => job.static_configs.flatMap((config) => config.targets));
      const sockets = blocksOf(page)
        .filter(({ language }) => language === "conf")
        .map(({ text: lines }) => parseConfig(lines, { file: page, env: {}, readList: () => ({ text: "" }) }))
        .map(({ settings }) => settings?.statusSocket)
        .flatMap((socket) => (socket?.kind === "inet" ? [`${socket.host}:${socket.port}`] : []));
      assert.ok(targets.length > 0);
      for (const target of targets) assert.ok(sockets.includes(target), `${page}: ${target}`);
    }
  });

  for (const name of readdirSync(join(ROOT, FORMS)).filter((file) => file !== "config.yml")) {
    it(`${name} is a form as GitHub reads it`, () => {
      const form = parse(readDocument(join(FORMS, name))) as Form;
      assert.ok(form.name !== "" && form.description !== "");
      const fields = form.body.filter(({ type }) => type !== "markdown");
      assert.ok(fields.length > 0);
      for (const { type, id, attributes } of fields) {
        assert.match(type, /^(?:input|textarea|dropdown|checkboxes)$/);
        assert.notEqual(attributes?.label ?? "", "");
        assert.match(id ?? "", /^[a-z_-]+$/);
      }
      assert.equal(new Set(fields.map(({ id }) => id)).size, fields.length);
    });
  }
});
