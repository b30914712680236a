/** The system log: a real rsyslogd on /dev/log, writing /var/log/maillog. */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LogTail } from "../../support/log-tail.ts";
import { RIG } from "./namespace.ts";
import { Program, waitUntil } from "./process.ts";

const MAILLOG = "/var/log/maillog";

const CONFIGURATION = `module(load="imuxsock")
global(workDirectory="${RIG}" maxMessageSize="8k")
template(name="rig" type="string"
  string="%timereported% %hostname% %syslogfacility-text%.%syslogseverity-text% %syslogtag%%msg:::sp-if-no-1st-sp%%msg%\\n")
*.* action(type="omfile" file="${MAILLOG}" template="rig")
`;

/** One line of the log. */
export interface LogLine {
  readonly facility: string;
  readonly severity: string;
  /** `smf-spf[123]`, `sendmail[77]` … */
  readonly tag: string;
  readonly text: string;
}

const LINE = /^\w{3} [ \d]\d [\d:]{8} \S+ (\w+)\.(\w+) ([^\s:]+):? (.*)$/;

/** rsyslogd, and the lines that came in since it was last asked. */
export class Syslog {
  readonly #program: Program;
  readonly #tail = new LogTail(MAILLOG);

  private constructor(program: Program) {
    this.#program = program;
  }

  static async start(): Promise<Syslog> {
    const file = join(RIG, "rsyslog.conf");
    writeFileSync(file, CONFIGURATION);
    const program = new Program("/usr/sbin/rsyslogd", ["-n", "-f", file, "-i", join(RIG, "rsyslog.pid")]);
    await program.becomes("listening on /dev/log", () => existsSync("/dev/log"));
    const syslog = new Syslog(program);
    syslog.skip();
    return syslog;
  }

  /** A stopped one hangs no more. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    await this.#program.stop(signal);
  }

  /** Lets it read nothing from now on: every writer has to wait. */
  hang(): void {
    this.#program.child.kill("SIGSTOP");
  }

  /** Lines that are there already are not read any more. */
  skip(): void {
    this.#tail.skip();
  }

  /** The lines since {@link skip} of the program with that ident and its parts (`ident/part`), so far. */
  lines(ident: string): LogLine[] {
    return this.#tail
      .lines()
      .map((line) => {
        const [, facility = "", severity = "", tag = "", text = line] = LINE.exec(line) ?? [];
        return { facility, severity, tag, text };
      })
      .filter(({ tag }) => tag === ident || tag.startsWith(`${ident}[`) || tag.startsWith(`${ident}/`));
  }

  /** The same, once there is one whose text matches. */
  async linesWith(ident: string, text: RegExp): Promise<LogLine[]> {
    await waitUntil(`a line of ${ident} with ${text.source}`, () =>
      this.lines(ident).some((line) => text.test(line.text)),
    );
    return this.lines(ident);
  }
}
