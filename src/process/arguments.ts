/**
 * The arguments of smf-spf and spfreport: what is printed in place of a run, or because of what is wrong with them. No
 * export of index.ts, which would bring commander into spfquery too.
 */
import { type Command, CommanderError } from "commander";
import { EXIT } from "./errors.ts";

/** `--help`, `--version`, or a usage error: what is to be printed, and the exit code. */
export interface Done {
  readonly kind: "done";
  readonly exitCode: number;
  readonly output: string;
  readonly errors: string;
}

/**
 * Has a command read the arguments after the program's name; its options are then in `command`. Returned is what there
 * is to print instead, if anything.
 */
export function readArguments(command: Command, args: readonly string[]): Done | undefined {
  let output = "";
  let errors = "";
  command.exitOverride().configureOutput({
    writeOut: (text) => {
      output += text;
    },
    writeErr: (text) => {
      errors += text;
    },
    outputError: (text, write) => {
      write(text.replace(/^error: /, "").trimEnd());
    },
  });
  try {
    command.parse(args, { from: "user" });
    return undefined;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { kind: "done", exitCode: EXIT.ok, output, errors };
    return usageError(command, errors);
  }
}

/** What is printed for arguments that cannot be used. */
export function usageError(command: Command, problem: string): Done {
  const name = command.name();
  return {
    kind: "done",
    exitCode: EXIT.usage,
    output: "",
    errors: `${name}: ${problem}\nTry ${name} --help.\n`,
  };
}
