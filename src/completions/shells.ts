/** The completions of a program in the language of each shell. None needs more than the shell itself. */
import { type CompletedOption, type CompletedProgram, type Offer, programs } from "./programs.ts";

/** The completion files of all programs: paths as below $(PREFIX)/share, and texts. */
export function completionFiles(): readonly { readonly path: string; readonly text: string }[] {
  return programs().flatMap((program) => [
    { path: `bash-completion/completions/${program.name}`, text: bashCompletion(program) },
    { path: `zsh/site-functions/_${program.name}`, text: zshCompletion(program) },
    { path: `fish/vendor_completions.d/${program.name}.fish`, text: fishCompletion(program) },
  ]);
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** bash parts words at `=` and `:` (COMP_WORDBREAKS), so `--format=js` comes as three words. */
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
