/** The results of check_host() (RFC 7208 section 2.6), in the RFC's words. */
export const SPF_RESULTS = ["none", "neutral", "pass", "fail", "softfail", "temperror", "permerror"] as const;

/** One result of check_host() (RFC 7208 section 2.6). */
export type SpfResult = (typeof SPF_RESULTS)[number];
