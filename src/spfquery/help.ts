import type { ExitStyle } from "./exit-code.ts";
import { OPTIONS } from "./option-table.ts";

/** A call that works, for messages about one that did not. */
export function exampleFor(style: ExitStyle): string {
  switch (style) {
    case "qmail":
      return "spfquery 192.0.2.1 mail.example.org user@example.org";
    case "mail-spf":
      return "spfquery --ip-address 192.0.2.1 --identity user@example.org --helo-identity mail.example.org";
    case "libspf2":
      return "spfquery -ip=192.0.2.1 -sender=user@example.org -helo=mail.example.org";
  }
}

/** What `--help` prints. */
export function helpText(): string {
  const rows = OPTIONS.flatMap(({ names, value, help }) =>
    help === undefined
      ? []
      : [[`--${names[0] ?? ""}${value === undefined ? "" : ` ${value}`}`, help] as const],
  );
  const width = Math.max(...rows.map(([left]) => left.length));
  return `usage:
  spfquery [options] IP HELO SENDER [LOCAL-RULES [GUESS-RULES [EXPLANATION]]]
  spfquery [options] --ip-address IP --identity SENDER [--scope mfrom|helo] [--helo-identity HELO]
  spfquery [options] -ip=IP -sender=SENDER [-helo=HELO]
  spfquery [options] --batch

Checks whether the client IP may send mail as SENDER (RFC 7208). An empty sender, or <>, is the null sender:
then the HELO name is checked. Why was my mail refused?  spfquery --trace IP HELO SENDER

options:
${rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}\n`).join("")}
exit codes:
                     pass  fail  softfail  neutral  none  temperror  permerror  usage
  qmail (IP HELO …)     0     0         0        0     0          0          0    100
  mail-spf (--ip…)      0     1         2        3     6          5          4    255
  libspf2 (-ip=…)       2     3         4        1     5          6          7    255
`;
}
