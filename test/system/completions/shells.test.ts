import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { completionFiles } from "../../../src/completions/completions.ts";
import { makeCommand as makeDaemonCommand } from "../../../src/smf-spf/command-line.ts";
import { helpText } from "../../../src/spfquery/options.ts";
import { makeCommand as makeReportCommand } from "../../../src/spfreport/command-line.ts";
import { PATIENCE_MS } from "../../support/child-process.ts";

const HELP = {
  "smf-spf": makeDaemonCommand("", "FILE").helpInformation(),
  spfquery: helpText(),
  spfreport: makeReportCommand("", 0).helpInformation(),
} as const;
const PROGRAMS = ["smf-spf", "spfquery", "spfreport"] as const;

/** What is typed, with the word to complete last, and what is offered. */
const CASES: readonly (readonly [line: string, offered: readonly string[]])[] = [
  ["smf-spf --show-config c", ["changed"]],
  ["smf-spf --status j", ["json"]],
  ["smf-spf -c a", ["a.conf", "a.log"]],
  ["smf-spf --config a", ["a.conf", "a.log"]],
  ["smf-spf --migrate a", ["a.conf", "a.log"]],
  ["spfquery --scope ", ["helo", "mfrom"]],
  ["spfquery --exit-style ", ["libspf2", "mail-spf", "qmail"]],
  ["spfquery --colour a", ["always", "auto"]],
  ["spfquery --mail b", ["b file"]],
  ["spfreport --format ", ["csv", "html", "json", "text"]],
  ["spfreport --date ", ["today", "yesterday"]],
  ["spfreport -d y", ["yesterday"]],
  ["spfreport --what-if RefuseF", ["RefuseFail="]],
  ["spfreport -q a", ["a.conf", "a.log"]],
  ["spfreport -o b", ["b file"]],
];

describe("completion", () => {
  let folder: string;
  let files: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "smf-spf-completion-"));
    files = join(folder, "files");
    mkdirSync(files);
    for (const name of ["a.conf", "a.log", "b file"]) writeFileSync(join(files, name), "");
    for (const { path, text } of completionFiles()) {
      mkdirSync(join(folder, path, ".."), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
  });

  after(() => {
    rmSync(folder, { recursive: true });
  });

  /** The long options that the help of the program lists. */
  const helped = (program: keyof typeof HELP): string[] =>
    [...HELP[program].matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, name = ""]) => name).sort();

  const run = (shell: string, args: readonly string[], input = ""): string[] =>
    execFileSync(shell, args, {
      cwd: files,
      encoding: "utf8",
      input,
      timeout: 2 * PATIENCE_MS,
      killSignal: "SIGKILL",
      env: { ...process.env, HOME: folder, TERM: "xterm" },
    })
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== "")
      .sort();

  /** As readline asks the function; the words are split as COMP_WORDBREAKS says. */
  function bash(line: string): string[] {
    const [program = ""] = line.split(" ");
    const words = line
      .split(" ")
      .flatMap((word) => word.split(/(=)/).filter((part, i) => part !== "" || i === 0));
    const list = words.map((word) => `'${word}'`).join(" ");
    const fn = `_${program.replaceAll("-", "_")}`;
    const script = `. '${folder}/bash-completion/completions/${program}'
      COMP_WORDS=(${list}); COMP_CWORD=${words.length - 1}; ${fn}; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return run("bash", ["--norc", "--noprofile", "-c", script]);
  }

  function fish(line: string): string[] {
    const [program = ""] = line.split(" ");
    const script = `source '${folder}/fish/vendor_completions.d/${program}.fish'; complete -C '${line}'`;
    const offered = run("fish", ["--no-config", "-c", script]).map((row) => row.split("\t")[0] ?? "");
    return [...new Set(offered.map((row) => row.replace(/\\(.)/g, "$1").replace(/^(--[a-z-]+)=$/, "$1")))];
  }

  /**
   * zsh completes in a terminal only: the matches are taken from compadd in a shell of zpty. One key completes and says
   * when it is over, once there is a prompt: zsh offers nothing while more keys wait.
   */
  function zsh(line: string): string[] {
    const script = `zmodload zsh/zpty
      zpty z zsh -f -i
      zpty -w z "PS1= PROMPT= RPROMPT= ; unsetopt beep zle_bracketed_paste; fpath=('${folder}/zsh/site-functions' \\$fpath); autoload -Uz compinit; compinit -u -d '${folder}/zcompdump'"
      zpty -w z 'compadd () { [[ \${@[1,(i)(-|--)]} == *-(O|A|D)\\ * ]] && { builtin compadd "$@"; return }; local -a found; builtin compadd -A found "$@"; local one; for one in $found; do print -r -- "<<$one>>"; done; builtin compadd "$@" }'
      zpty -w z "probe () { zle complete-word; print -r -- END''END }; zle -N probe; bindkey '^T' probe; cd '${files}'; zle_highlight=none; PS1='READY''READY '"
      zpty -r -m z line '*READYREADY*'
      zpty -n -w z "${line}"$'\x14'
      zpty -r -m z line '*ENDEND*'
      print -r -- $line`;
    const shown = run("zsh", ["-f", "-c", script]).join("\n");
    return [
      ...new Set([...shown.matchAll(/<<(.*?)>>/g)].map(([, one = ""]) => one.replace(/\\(.)/g, "$1"))),
    ].sort();
  }

  const shells = { bash, fish, zsh };
  for (const [shell, offers] of Object.entries(shells)) {
    const missing = !existsSync(`/usr/bin/${shell}`) && !existsSync(`/bin/${shell}`);
    describe(`of ${shell}`, { skip: missing && `${shell} is not installed` }, () => {
      for (const program of PROGRAMS) {
        it(`offers each option that ${program} --help lists`, () => {
          const offered = offers(`${program} --`).map((name) => name.replace(/=$/, ""));
          assert.deepEqual(offered.sort(), helped(program));
        });
      }
      for (const [line, expected] of CASES) {
        it(`offers for "${line}" ${expected.join(", ")}`, () => {
          assert.deepEqual(offers(line), expected);
        });
      }
    });
  }

  it("of bash knows values after =", () => {
    assert.deepEqual(bash("spfreport --format=j"), ["json"]);
    assert.deepEqual(bash("spfreport --format="), ["csv", "html", "json", "text"]);
    assert.deepEqual(bash("smf-spf --status="), ["json"]);
    assert.deepEqual(bash("smf-spf --config=a"), ["a.conf", "a.log"]);
    assert.deepEqual(bash("spfreport --what-if RefuseFail="), []);
  });
});
