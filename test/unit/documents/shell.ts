/** As much of the shell's grammar as the documents use: words, quotes, comments, pipes, redirections. */

const TOKEN =
  /\\\n|\s+|#.*|&&|\|\||[|;&]|\d?>>?|<|(?:\$\([^)]*\)|'[^']*'|"(?:[^"\\]|\\.)*"|\\.|[^\s'"\\|;&<>])+/gy;

/**
 * The commands of a text, each as its words. Prompts, `sudo`, and the files of redirections are left out.
 *
 * @throws where a quote is open
 */
export function commandsOf(text: string): string[][] {
  return text.replaceAll("\\\n", " ").split("\n").flatMap(commandsOfLine);
}

function commandsOfLine(line: string): string[][] {
  const commands: string[][] = [[]];
  let redirected = false;
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < line.length) {
    const [token] = TOKEN.exec(line) ?? [];
    if (token === undefined) throw new Error(`open quote: ${line}`);
    if (/^(?:\s|#)/.test(token)) continue;
    if (/^(?:&&|\|\||[|;&])$/.test(token)) commands.push([]);
    else if (/^(?:\d?>>?|<)$/.test(token)) redirected = true;
    else if (redirected) redirected = false;
    else commands.at(-1)?.push(unquoted(token));
  }
  return commands
    .map((words) => words.slice(words.findIndex((word) => !/^(?:\$|sudo|[A-Z_]+=.*)$/.test(word))))
    .filter((words) => words.length > 0);
}

function unquoted(token: string): string {
  return token.replace(
    /'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)/g,
    (_, single?: string, double?: string, one?: string) =>
      single ?? double?.replace(/\\(.)/g, "$1") ?? one ?? "",
  );
}
