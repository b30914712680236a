/** The Debian packages of the section: MTAs and the milters that are compared, unpacked and never installed. */

/** A list for each, since the two MTAs exclude each other as installed packages. */
export const WANTED: readonly (readonly string[])[] = [
  ["sendmail-bin", "sendmail-base", "sendmail-cf", "m4"],
  ["postfix"],
  ["pyspf-milter"],
  ["opendmarc"],
  ["rspamd"],
];

/** What a usable tree holds. */
export const PROGRAMS = [
  "usr/libexec/sendmail/sendmail",
  "usr/bin/m4",
  "usr/sbin/postfix",
  "usr/sbin/smtp-source",
  "usr/bin/pyspf-milter",
  "usr/sbin/opendmarc",
  "usr/bin/rspamd",
];
