/** The completions of a program in the language of each shell. None needs more than the shell itself. */
import type { Command } from "commander";
import { DEFAULT_CONFIG_FILE, OPTION_NAMES } from "../config/index.ts";
import { makeCommand as makeDaemonCommand } from "../smf-spf/command-line.ts";
import { EXIT_STYLES, OPTIONS } from "../spfquery/options.ts";
import { FORMATS, makeCommand as makeReportCommand } from "../spfreport/command-line.ts";

/** The completion files of all programs: paths as below $(PREFIX)/share, and texts. */
export function completionFiles(): readonly { readonly path: string; readonly text: string }[] {
  return programs().flatMap((program) => [
    { path: `bash-completion/completions/${program.name}`, text: bashCompletion(program) },
    { path: `zsh/site-functions/_${program.name}`, text: zshCompletion(program) },
    { path: `fish/vendor_completions.d/${program.name}.fish`, text: fishCompletion(program) },
  ]);
}

/** What a shell offers in the place of a value. */
type Offer =
  | { readonly kind: "files" }
  | { readonly kind: "words"; readonly words: readonly string[] }
  /** Words after which the value goes on: no space follows. */
  | { readonly kind: "beginnings"; readonly words: readonly string[] }
  | { readonly kind: "nothing" };

/** One option of a program. */
interface CompletedOption {
  /** As they are written, `-c` or `--config`; the short one first. */
  readonly names: readonly string[];
  /** Undefined where the option takes none. */
  readonly value: { readonly name: string; readonly isOptional: boolean; readonly offer: Offer } | undefined;
  readonly help: string;
  readonly isRepeatable: boolean;
}

/** What a shell has to know of a program. */
interface CompletedProgram {
  readonly name: string;
  readonly options: readonly CompletedOption[];
  /** What its arguments that belong to no option are. */
  readonly rest: Offer;
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** bash splits words at `=` and `:` (COMP_WORDBREAKS), so `--format=js` comes as three words. */
function bashCompletion({ name, options, rest }: CompletedProgram): string {
  const cases = options.flatMap(({ names, value }) => {
    if (value === undefined || value.isOptional) return [];
    return [`\t${names.join(" | ")})\n${bashOffer(value.offer)}\t\treturn 0\n\t\t;;\n`];
  });
  const optional = options.flatMap(({ names, value }) =>
    value?.isOptional === true
      ? [`\t${names.join(" | ")})\n${bashOffer(value.offer)}\t\t[ -n "$joined" ] && return 0\n\t\t;;\n`]
      : [],
  );
  const all = options.flatMap(({ names }) => names).join(" ");
  const fn = `_${name.replaceAll("-", "_")}`;
  return `# bash completion for ${name}
${fn}() {
	local cur=\${COMP_WORDS[COMP_CWORD]} option=\${COMP_WORDS[COMP_CWORD - 1]} joined= IFS=$'\\n'
	COMPREPLY=()
	if [ "$cur" = = ]; then
		cur= joined=1
	elif [ "$option" = = ] && [ "$COMP_CWORD" -ge 2 ]; then
		option=\${COMP_WORDS[COMP_CWORD - 2]} joined=1
	fi
	[ -n "$joined" ] && [ "\${option#-}" = "$option" ] && return 0
	case $option in
${[...cases, ...optional].join("")}	esac
	case $cur in
	-*) COMPREPLY+=($(IFS=' ' && compgen -W ${quoted(all)} -- "$cur")) ;;
${rest.kind === "files" ? `\t*)\n${bashOffer(rest)}\t\t;;\n` : ""}	esac
	return 0
}
complete -F ${fn} ${name}
`;
}

function bashOffer(offer: Offer): string {
  switch (offer.kind) {
    case "files":
      return `\t\tcompopt -o filenames 2>/dev/null\n\t\tCOMPREPLY=($(compgen -f -- "$cur"))\n`;
    case "words":
    case "beginnings": {
      const noSpace = offer.kind === "beginnings" ? "\t\tcompopt -o nospace 2>/dev/null\n" : "";
      const list = quoted(offer.words.join(" "));
      return `${noSpace}\t\tCOMPREPLY=($(IFS=' ' && compgen -W ${list} -- "$cur"))\n`;
    }
    case "nothing":
      return "";
  }
}

/** For the function `_arguments` of zsh. */
function zshCompletion({ name, options, rest }: CompletedProgram): string {
  const specs = options.flatMap(zshSpecs);
  if (rest.kind === "files") specs.push("'*:file:_files'");
  return `#compdef ${name}
_arguments -s -S \\
${specs.map((spec) => `  ${spec}`).join(" \\\n")}
`;
}

function zshSpecs({ names, value, help, isRepeatable }: CompletedOption): string[] {
  const excluded = isRepeatable ? "*" : `(${names.join(" ")})`;
  const text = help.replace(/[\][\\:]/g, "\\$&");
  return names.map((written) => {
    const equals = value === undefined ? "" : written.startsWith("--") ? "=" : "+";
    const message = value === undefined ? "" : zshValue(value);
    return quoted(`${excluded}${written}${equals}[${text}]${message}`);
  });
}

function zshValue({ name, isOptional, offer }: NonNullable<CompletedOption["value"]>): string {
  const message = `${isOptional ? "::" : ":"}${name.toLowerCase().replaceAll(":", "\\:")}:`;
  switch (offer.kind) {
    case "files":
      return `${message}_files`;
    case "words":
      return `${message}(${offer.words.join(" ")})`;
    case "beginnings":
      return `${message}compadd -S "" - ${offer.words.join(" ")}`;
    case "nothing":
      return `${message} `;
  }
}

/** Options that take no file complete none; the shell's own way is files everywhere. */
function fishCompletion({ name, options, rest }: CompletedProgram): string {
  const command = `complete -c ${name}`;
  const lines = options.flatMap(({ names, value, help }) => {
    const flags = names.map((written) =>
      written.startsWith("--") ? `-l ${written.slice(2)}` : `-s ${written.slice(1)}`,
    );
    const start = `${command} ${flags.join(" ")} -d ${fishQuoted(help)}`;
    if (value === undefined) return [start];
    const list = "words" in value.offer ? ` -a ${fishQuoted(value.offer.words.join(" "))}` : "";
    if (value.isOptional) {
      return [`${start}${list}`, `${command} -n '__fish_prev_arg_in ${names.join(" ")}'${list}`];
    }
    return [value.offer.kind === "files" ? `${start} -r -F` : `${start} -x${list}`];
  });
  return `# fish completion for ${name}
${rest.kind === "files" ? "" : `${command} -f\n`}${lines.join("\n")}
`;
}

const fishQuoted = (text: string): string => `'${text.replace(/[\\']/g, "\\$&")}'`;

const FILES: Offer = { kind: "files" };
const NOTHING: Offer = { kind: "nothing" };
const words = (...list: readonly string[]): Offer => ({ kind: "words", words: list });

/** By the name that the help gives the value, in lower case. */
const OFFERS: Readonly<Record<string, Offer>> = {
  file: FILES,
  path: FILES,
  changed: words("changed"),
  json: words("json"),
  day: words("today", "yesterday"),
  format: words(...FORMATS),
  "option=value": { kind: "beginnings", words: OPTION_NAMES.map((name) => `${name}=`) },
  "mfrom|helo": words("mfrom", "helo"),
  style: words(...EXIT_STYLES),
  when: words("always", "never", "auto"),
  time: NOTHING,
  n: NOTHING,
  "net|domain": NOTHING,
  "addr[:port]": NOTHING,
  ip: NOTHING,
  sender: NOTHING,
  name: NOTHING,
  line: NOTHING,
  address: NOTHING,
  "domain=record": NOTHING,
  rules: NOTHING,
  text: NOTHING,
};

/** @throws Error for a value of a kind that is not in {@link OFFERS}. */
function offerOf(program: string, value: string): Offer {
  const offer = OFFERS[value.toLowerCase()];
  if (offer === undefined) throw new Error(`${program}: no completion is known for the value ${value}`);
  return offer;
}

/** The three programs, from the tables that their parsers read. */
function programs(): readonly CompletedProgram[] {
  return [
    ofCommand(makeDaemonCommand("", DEFAULT_CONFIG_FILE), NOTHING),
    ofQuery(),
    ofCommand(makeReportCommand("", 0), FILES),
  ];
}

function ofCommand(command: Command, rest: Offer): CompletedProgram {
  const name = command.name();
  const options = command.createHelp().visibleOptions(command);
  return {
    name,
    rest,
    options: options.map((option) => {
      const value = /[<[]([^\]>].*)[\]>]$/.exec(option.flags)?.[1];
      return {
        names: [option.short, option.long].filter((written) => written !== undefined),
        value:
          value === undefined
            ? undefined
            : { name: value, isOptional: !option.required, offer: offerOf(name, value) },
        help: option.description,
        isRepeatable: option.description.includes("repeat"),
      };
    }),
  };
}

function ofQuery(): CompletedProgram {
  return {
    name: "spfquery",
    rest: NOTHING,
    options: OPTIONS.flatMap(({ names, value, help }) =>
      help === undefined
        ? []
        : [
            {
              names: names.slice(0, 1).map((name) => `--${name}`),
              value:
                value === undefined
                  ? undefined
                  : { name: value, isOptional: false, offer: offerOf("spfquery", value) },
              help,
              isRepeatable: help.includes("repeat"),
            },
          ],
    ),
  };
}
