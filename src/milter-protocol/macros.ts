/** The macros an MTA has sent, by stage; the latest stage that has one wins. */
export interface Macros {
  /** The value of `j`, `i`, `{auth_authen}` …: one-letter names bare, longer ones in braces. */
  get(name: string): string | undefined;
}
