/** Descriptors of all but the MTA's connections: the listener, logs and their helpers, DNS with its TCP connections. */
const OTHERS = 128;

/**
 * Why a process cannot have this many connections open; undefined where it can, or
 * where the system tells no limit.
 *
 * @param limit RLIMIT_NOFILE
 */
export function whyTooManyConnections(
  maxConnections: number,
  limit: number | undefined = descriptorLimit(),
): string | undefined {
  if (limit === undefined || maxConnections + OTHERS <= limit) return undefined;
  return (
    `MaxConnections ${maxConnections} cannot be reached: this process may have ${limit} files open ` +
    `(ulimit -n, LimitNOFILE), and needs up to ${OTHERS} besides its connections; raise that limit or lower MaxConnections`
  );
}

/** The soft limit, which Node has raised as far as the hard one lets it. A report is the one place that tells it. */
function descriptorLimit(): number | undefined {
  // Node 20.13 has it, its types do not. The names of peers are not wanted, and would be looked up.
  const report: typeof process.report & { excludeNetwork?: boolean } = process.report;
  report.excludeNetwork = true;
  const told = report.getReport() as { userLimits?: { open_files?: { soft?: unknown } } };
  const soft = told.userLimits?.open_files?.soft;
  return typeof soft === "number" ? soft : undefined;
}
