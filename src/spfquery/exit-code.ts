import type { SpfResult } from "spf-check";

/** Whose exit codes are spoken: the qmail patch's, Mail::SPF's or libspf2's spfquery. */
export const EXIT_STYLES = ["qmail", "mail-spf", "libspf2"] as const;
export type ExitStyle = (typeof EXIT_STYLES)[number];

const MAIL_SPF: Record<SpfResult, number> = {
  pass: 0,
  fail: 1,
  softfail: 2,
  neutral: 3,
  permerror: 4,
  temperror: 5,
  none: 6,
};

const LIBSPF2: Record<SpfResult, number> = {
  neutral: 1,
  pass: 2,
  fail: 3,
  softfail: 4,
  none: 5,
  temperror: 6,
  permerror: 7,
};

/** The exit code for a result. */
export function exitCodeOf(style: ExitStyle, result: SpfResult): number {
  switch (style) {
    case "qmail":
      return 0;
    case "mail-spf":
      return MAIL_SPF[result];
    case "libspf2":
      return LIBSPF2[result];
  }
}

/** The exit code for arguments that make no sense. */
export function usageExitCode(style: ExitStyle): number {
  return style === "qmail" ? 100 : 255;
}
