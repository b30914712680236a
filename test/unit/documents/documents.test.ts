import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, it } from "node:test";
import { DEFAULT_CONFIG_FILE, formatFault, parseConfig } from "../../../src/config/index.ts";
import { optionNamed } from "../../../src/config/table.ts";
import { parseCommandLine as parseDaemon } from "../../../src/smf-spf/command-line.ts";
import { parseArguments as parseQuery } from "../../../src/spfquery/arguments.ts";
import { parseCommandLine as parseReport } from "../../../src/spfreport/command-line.ts";
import { anchorsOf, blocksOf, codeOf, linksOf, PAGES, ROOT, readDocument } from "./page.ts";
import { commandsOf } from "./shell.ts";

/** Programs of others that the documents call; what they mean by their arguments is not ours to check. */
const FOREIGN = new Set([
  ".ci/run",
  "apt",
  "apt-get",
  "bash",
  "cp",
  "curl",
  "docker",
  "gmake",
  "id",
  "install",
  "journalctl",
  "kill",
  "ls",
  "mkdir",
  "npm",
  "pkg",
  "podman",
  "podman-compose",
  "postfix",
  "ps",
  "rpm",
  "rpmbuild",
  "service",
  "ssh",
  "systemctl",
  "openssl",
  "chgrp",
  "chmod",
  "tail",
  "xdg-open",
  "zsh",
]);

const MAKEFILE = readDocument("Makefile");
const TARGETS = new Set([...MAKEFILE.matchAll(/^([a-z][a-z0-9-]*):/gm)].map(([, target]) => target));

/** Where the variables of make targets are read. */
const VARIABLES = [
  MAKEFILE,
  ...readdirSync(join(ROOT, "test/tools"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => readFileSync(join(ROOT, "test/tools", name), "utf8")),
].join("\n");

/** What is wrong with a command; undefined where all is well. */
function faultOf([program = "", ...args]: readonly string[]): string | undefined {
  switch (program) {
    case "smf-spf": {
      const line = parseDaemon(args, { version: "0", defaultConfig: DEFAULT_CONFIG_FILE });
      return line.kind === "done" && line.exitCode !== 0 ? line.errors : undefined;
    }
    case "spfreport": {
      const line = parseReport(args, "0", Date.now());
      return line.kind === "done" && line.exitCode !== 0 ? line.errors : undefined;
    }
    case "spfquery":
      try {
        const request = parseQuery(args, "host.example", () => "Return-Path: <a@b.example>\r\n\r\n");
        return request.action === "check" && request.ignored.length > 0 ? request.ignored.join() : undefined;
      } catch (error) {
        return String(error);
      }
    case "make":
    case "gmake":
      return faultOfMake(args);
    default:
      return FOREIGN.has(program) ? undefined : `${program} is not a program that the documents may call`;
  }
}

function faultOfMake(args: readonly string[]): string | undefined {
  if (args[0] === "-C") return undefined; // The Makefile of something else.
  for (const arg of args) {
    const [, variable] = /^([A-Z_]+)=/.exec(arg) ?? [];
    if (variable === undefined && !TARGETS.has(arg)) return `make ${arg}: there is no such target`;
    if (variable !== undefined && !new RegExp(`\\b${variable}\\b`).test(VARIABLES))
      return `nothing reads ${variable}`;
  }
  return undefined;
}

/** What is wrong with lines of smf-spf.conf: of whole blocks also what warns, of a line alone what nothing excuses. */
function faultsOf(text: string, whole: boolean): string[] {
  const sources = { file: "block", env: {}, readList: () => ({ text: "" }) };
  const { faults, unknown, warnings } = parseConfig(text, sources);
  const meant = warnings.filter(({ option }) => whole && option !== "ReportOnly");
  // What another option has to go with it is not in the same line.
  return [...faults, ...unknown, ...meant]
    .map(formatFault)
    .filter((fault) => whole || !/: needs [A-Z]/.test(fault));
}

const BLOCKS = PAGES.flatMap(blocksOf);

/** For who works on the sources. */
const HOUSE = ["ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"];

/** What is wrong with a block, by its language. */
const CHECKS: Readonly<Record<string, (text: string) => readonly string[]>> = {
  sh: (text) => commandsOf(text).flatMap((command) => faultOf(command) ?? []),
  conf: (text) => faultsOf(text, true),
  "main.cf": (text) => linesNot(text, /^(?:[a-z0-9_]+ =|\s+)\s*\S/),
  "master.cf": (text) => linesNot(text, /^(?:\S+(?:\s+\S+){7}|\s+-o \S+=\S*)$/),
  "opendkim.conf": (text) => linesNot(text, /^[A-Z]\w+ +\S+$/),
  "opendmarc.conf": (text) => linesNot(text, /^[A-Z]\w+ +\S+$/),
  m4: (text) => linesNot(text, /^(?:INPUT_MAIL_FILTER|define)\(`[^']+', .+\)dnl$/),
  nginx: faultsOfNginx,
  // Who the page makes is who asks the engines of the tests.
  redis: (text) =>
    text.split("\n").filter((line) => {
      const [, rights] = /^ACL SETUSER \w+ (?:on >\w+ )?(.*)$/.exec(line) ?? [];
      if (rights !== undefined) return !ENGINES.includes(rights);
      return line !== "" && !/^[a-z-]+ \S+$/.test(line);
    }),
  // samples.test.ts and yaml.test.ts look into them.
  text: () => [],
  yaml: () => [],
};

const ENGINES = ["shared-cache.test.ts", "shared-cache-nodes.test.ts"]
  .map((name) => readDocument(`test/system/e2e/${name}`))
  .join("");

/** Blocks in braces, in which every line is a directive; the socket after it is one that a block of conf makes. */
function faultsOfNginx(text: string): string[] {
  const open = text.split("{").length - text.split("}").length;
  const sockets = [...text.matchAll(/http:\/\/unix:([^:]+):/g)].map(
    ([, path = ""]) => `StatusSocket unix:${path}`,
  );
  const made = BLOCKS.filter(({ language }) => language === "conf").map((block) => block.text);
  return [
    ...linesNot(text, /^(?:location \S+ \{|\s+[a-z_]+ .*;|\})$/),
    ...(open === 0 ? [] : ["braces"]),
    ...sockets.filter((socket) => !made.some((lines) => lines.includes(socket))),
  ];
}

function linesNot(text: string, form: RegExp): string[] {
  return text.split("\n").filter((line) => line !== "" && !form.test(line));
}

describe("the check of documents", () => {
  const wrong: readonly (readonly [language: string, text: string])[] = [
    ["sh", "smf-spf -t -x\n"],
    ["sh", "sudo smf-spf --chek\n"],
    ["sh", "spfquery 192.0.2.9 mail.example.org\n"],
    ["sh", "spfreport --what-if RefuseFail mail.log | tail\n"],
    ["sh", "make test && make nothing\n"],
    ["sh", "make install PREFIXX=/usr\n"],
    ["sh", "smfspf -t\n"],
    ["conf", "RefuseFail maybe\n"],
    ["conf", "RefuseFale on\n"],
    ["conf", "SocketGroup postfix\n"],
    ["main.cf", "smtpd_milters unix:/x\n"],
    ["nginx", "location /spf/ {\n    proxy_pass http://unix:/nowhere.sock:/;\n}\n"],
    ["nginx", "location /spf/ {\n    proxy_pass http://127.0.0.1\n}\n"],
    ["redis", "ACL SETUSER x on >y resetchannels ~* -@all +flushall\n"],
    ["m4", "INPUT_MAIL_FILTER(`smf-spf', `S=unix:/x')\n"],
  ];
  for (const [language, text] of wrong) {
    it(`finds what is wrong with ${text.trim()}`, () => {
      assert.notDeepEqual(CHECKS[language]?.(text), []);
    });
  }

  it("reads the shell's words", () => {
    assert.deepEqual(commandsOf('$ a \'b c\' "d \\" e" \\\n f  # g\nX=1 sudo h < i | j > k.txt l\n'), [
      ["a", "b c", 'd " e', "f"],
      ["h"],
      ["j", "l"],
    ]);
    assert.throws(() => commandsOf("a 'b"));
  });
});

describe("README and docs", () => {
  it("README.ja.md tells the same commands and lines as the pages in English", () => {
    const said = (page: string, language: string): string[] =>
      blocksOf(page)
        .filter((block) => block.language === language)
        .flatMap(({ text }) => text.split("\n"))
        .map((line) => line.replace(/\s+# .*/, ""))
        .filter((line) => line !== "");
    assert.deepEqual(said("README.ja.md", "m4"), said("docs/sendmail.md", "m4"));
    const english = PAGES.filter((page) => page !== "README.ja.md").flatMap((page) => said(page, "sh"));
    // What looks around, and what is asked about an example.
    const own = /^(?:id|ps|ls|spfquery|spfreport|sudo systemctl reload) /;
    for (const line of said("README.ja.md", "sh")) assert.ok(own.test(line) || english.includes(line), line);
  });

  for (const block of BLOCKS) {
    const { page, line, language, text } = block;
    it(`${page}:${line}: ${language} is as its reader expects it`, () => {
      const check = CHECKS[language];
      assert.ok(check !== undefined, `"${language}" is no language of a block`);
      assert.deepEqual(check(text), []);
    });
  }

  for (const { page, line, language, text } of HOUSE.flatMap(blocksOf)) {
    it(`${page}:${line} can be typed in as it stands`, () => {
      if (language !== "mermaid") assert.deepEqual(CHECKS["sh"]?.(text), []);
    });
  }

  for (const page of [...PAGES, ...HOUSE]) {
    it(`${page}: what is named in a line exists`, () => {
      for (const code of codeOf(page)) {
        const [first = "", second = ""] = code.split(" ");
        // A name in capitals, or an ellipsis, is for the reader to fill in.
        const complete = !/\b[A-Z]{2,}\b(?!=)|…|\.\.\./.test(code.replace(/\b[A-Z_]+=\S*/g, "X=1"));
        if (complete && second !== "" && /^(?:smf-spf|spfquery|spfreport|g?make)$/.test(first)) {
          // The name of an option alone: what is checked is left to the reader.
          const asked = /^spfquery(?: -\S+)+$/.test(code) ? `${code} 192.0.2.1 h.example a@b.example` : code;
          for (const command of commandsOf(asked)) assert.equal(faultOf(command), undefined, code);
        }
        if (
          /^[A-Z]\w+$/.test(first) &&
          second !== "" &&
          !code.endsWith("=") &&
          optionNamed(first) !== undefined
        ) {
          assert.deepEqual(faultsOf(code, false), [], code);
        }
        if (
          complete &&
          /^(?:src|test|init|etc|docs|dist)\/[\w./-]+$/.test(code) &&
          !code.startsWith("dist/")
        ) {
          assert.ok(existsSync(join(ROOT, code)), code);
        }
      }
    });
  }

  for (const page of [...PAGES, ...HOUSE]) {
    it(`${page}: every link leads somewhere`, () => {
      for (const target of linksOf(page)) {
        if (/^https?:/.test(target)) continue;
        const [path = "", anchor] = target.split("#");
        const file = path === "" ? page : normalize(join(dirname(page), path));
        assert.ok(existsSync(join(ROOT, file)), target);
        if (anchor !== undefined) assert.ok(anchorsOf(file).has(anchor), target);
      }
    });
  }

  it("README names what tests each system of its table, and CI tests those versions of Node", () => {
    const ci = readDocument(".ci/run");
    const [, table = ""] =
      /^\| \| what is tested .*\n\|[-| ]+\n((?:\|.*\n)+)/m.exec(readDocument("README.md")) ?? [];
    const rows = table
      .trimEnd()
      .split("\n")
      .map((row) => row.split("|").map((cell) => cell.trim()));
    assert.ok(rows.length > 5);
    for (const [, name = "", tested = "", by = ""] of rows) {
      const tests = [...by.matchAll(/`([^`]+)`/g)].map(([, test = ""]) => test);
      assert.ok(tested !== "" && tests.length > 0, name);
      for (const test of tests) {
        const [, target] = /^make (\S+)$/.exec(test) ?? [];
        assert.ok(target === undefined ? existsSync(join(ROOT, test)) : TARGETS.has(target), test);
      }
    }
    const others = rows.flatMap(([, name = ""]) => /^Node ([\d, ]+)$/.exec(name)?.[1]?.split(", ") ?? []);
    assert.deepEqual(
      others,
      [...ci.matchAll(/^other_node (\d+)$/gm)].map(([, major]) => major),
    );
    const { engines } = JSON.parse(readDocument("package.json")) as { engines: { node: string } };
    assert.ok(rows.some(([, name = ""]) => name.includes(`(${engines.node.replace(">=", "")} and newer)`)));
  });

  it("every page is reached from README", () => {
    const linked = linksOf("README.md").map((target) => normalize(target));
    assert.deepEqual(
      PAGES.filter((page) => page !== "README.md" && !linked.includes(page)),
      [],
    );
  });

  it("says of options that exist only", () => {
    const known = /^(?:Received-SPF|Authentication-Results)/;
    for (const page of PAGES) {
      for (const code of codeOf(page)) {
        if (!/^(?:Refuse|Whitelist|Trusted|Skip|Accept|Reject|Quarantine|Log|Status|SPF)[A-Z]\w+$/.test(code))
          continue;
        assert.ok(known.test(code) || optionNamed(code) !== undefined, `${page}: ${code}`);
      }
    }
  });
});
