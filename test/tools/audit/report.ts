/** What the registry knows against the packages of a lock file. */
export type Audit =
  | { readonly kind: "clean"; readonly packages: number }
  | { readonly kind: "vulnerable"; readonly found: readonly string[] }
  /** No answer that says one or the other: no network, or a registry without audits. */
  | { readonly kind: "unanswered"; readonly reason: string };

/** A run of npm audit and what came of it. */
export interface AuditRun {
  readonly what: string;
  readonly audit: Audit;
}

/** npm itself ends with 1 in both cases, which are not the same. */
export const EXIT_VULNERABLE = 1;
/** EX_UNAVAILABLE of sysexits.h. */
export const EXIT_UNANSWERED = 69;

/** Reads what `npm audit --json` has printed. */
export function readAudit(output: string): Audit {
  let report: unknown;
  try {
    report = JSON.parse(output);
  } catch {
    return { kind: "unanswered", reason: "npm printed no report" };
  }
  const vulnerabilities = property(report, "vulnerabilities");
  if (!isObject(vulnerabilities)) return { kind: "unanswered", reason: reasonOf(report) };
  const found = Object.entries(vulnerabilities).map(([name, entry]) => lineFor(name, entry));
  if (found.length > 0) return { kind: "vulnerable", found };
  const total = property(property(property(report, "metadata"), "dependencies"), "total");
  return { kind: "clean", packages: typeof total === "number" ? total : 0 };
}

/** What is told of the runs, and the exit code; what is known of a vulnerability weighs more than a missing answer. */
export function conclude(runs: readonly AuditRun[]): { readonly lines: string[]; readonly exitCode: number } {
  const lines = runs.flatMap(({ what, audit }) => {
    switch (audit.kind) {
      case "clean":
        return [`${what}: nothing is known against ${audit.packages} packages`];
      case "vulnerable":
        return [`${what}: ${audit.found.length} vulnerable`, ...audit.found.map((line) => `  ${line}`)];
      case "unanswered":
        return [`${what}: NOT AUDITED, the registry does not answer audit requests: ${audit.reason}`];
    }
  });
  const has = (kind: Audit["kind"]): boolean => runs.some(({ audit }) => audit.kind === kind);
  return {
    lines,
    exitCode: has("vulnerable") ? EXIT_VULNERABLE : has("unanswered") ? EXIT_UNANSWERED : 0,
  };
}

/** `name versions: severity: title (address)`; where another package is to blame, its name. */
function lineFor(name: string, entry: unknown): string {
  const via = property(entry, "via");
  const reasons = (Array.isArray(via) ? via : []).map((reason: unknown) =>
    typeof reason === "string"
      ? `by way of ${reason}`
      : `${textOf(reason, "title")} (${textOf(reason, "url")})`,
  );
  return `${name} ${textOf(entry, "range")}: ${textOf(entry, "severity")}: ${reasons.join("; ")}`;
}

function reasonOf(report: unknown): string {
  const error = property(report, "error");
  const texts = [property(report, "message"), property(error, "summary"), property(error, "code")];
  const told = texts.find((text) => typeof text === "string" && text !== "");
  return typeof told === "string" ? told : "its answer is no report";
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function property(value: unknown, name: string): unknown {
  return isObject(value) ? value[name] : undefined;
}

function textOf(value: unknown, name: string): string {
  const text = property(value, name);
  return typeof text === "string" ? text : "?";
}
