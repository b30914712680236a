/** What docs tell their reader to do on a Debian 13 with systemd, as lines of shell. */
import { type Block, blocksOf } from "../../unit/documents/page.ts";
import { CONFIG } from "./daemon.ts";

/**
 * The blocks of some sections of a page in their order, each as the lines that do what it says: commands as they
 * stand, lines of a configuration put where they belong.
 */
export function instructionsOf(page: string, ...headings: readonly string[]): string[] {
  const missing = headings.filter((heading) => !blocksOf(page).some((block) => block.heading === heading));
  if (missing.length > 0) throw new Error(`${page} has no block under ${missing.join(", ")}`);
  return blocksOf(page)
    .filter(({ heading }) => headings.includes(heading))
    .flatMap(deeds);
}

function deeds({ language, text }: Block): string[] {
  const lines = text.trimEnd().split("\n");
  switch (language) {
    case "sh":
      return lines;
    case "conf":
      return [`sudo tee -a ${CONFIG} >/dev/null <<'END'\n${text}END`];
    case "main.cf":
      return lines.flatMap((line) => {
        const name = line.replace(/ =.*/, "");
        const file = "/etc/postfix/main.cf";
        return [
          `sudo sed -i '/^${name} =/d' ${file}`,
          `sudo tee -a ${file} >/dev/null <<'END'\n${line}\nEND`,
        ];
      });
    case "m4":
      return [
        `cat >/tmp/lines <<'END'\n${text}END`,
        "sudo sed -i -e '/^MAILER_DEFINITIONS/{' -e 'r /tmp/lines' -e 'N' -e '}' /etc/mail/sendmail.mc",
      ];
    default:
      return [];
  }
}
