import { programs } from "./programs.ts";
import { bashCompletion, fishCompletion, zshCompletion } from "./shells.ts";

/** The completion files of all programs: paths as below $(PREFIX)/share, and texts. */
export function completionFiles(): readonly { readonly path: string; readonly text: string }[] {
  return programs().flatMap((program) => [
    { path: `bash-completion/completions/${program.name}`, text: bashCompletion(program) },
    { path: `zsh/site-functions/_${program.name}`, text: zshCompletion(program) },
    { path: `fish/vendor_completions.d/${program.name}.fish`, text: fishCompletion(program) },
  ]);
}
