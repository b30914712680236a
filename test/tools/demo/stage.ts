import { styleFor } from "../../../src/spfquery/layout.ts";
import type { MessageOutcome } from "../../support/mta-player.ts";
import type { Zone } from "../../support/nameserver/index.ts";
import type { Scene } from "./scenes.ts";

type Tone = "dim" | "bold" | "green" | "red" | "yellow" | "cyan";

const SGR: Record<Tone, string> = { dim: "2", bold: "1", green: "32", red: "31", yellow: "33", cyan: "36" };

/** Shows the demonstration: in colour on a terminal, plain in a pipe. */
export class Stage {
  readonly #look = styleFor(process.stdout, process.env, "auto");

  #paint(tone: Tone, text: string): string {
    return this.#look.colour ? `\x1b[${SGR[tone]}m${text}\x1b[0m` : text;
  }

  #say(...lines: readonly string[]): void {
    for (const line of lines) process.stdout.write(`${line}\n`);
  }

  #heading(text: string): void {
    this.#say("", this.#paint("bold", text), this.#paint("dim", (this.#look.unicode ? "─" : "-").repeat(72)));
  }

  /** What is set up before the first message. */
  opening(settings: readonly string[], zone: Zone): void {
    this.#heading("smf-spf.conf");
    for (const line of settings) this.#say(`  ${line}`);
    this.#heading("DNS, from a name server of the demo's own");
    for (const [name, entries] of Object.entries(zone)) {
      for (const entry of entries) {
        const text =
          typeof entry === "string"
            ? this.#paint("yellow", entry)
            : Object.entries(entry)
                .map(([type, data]) => `${type.padEnd(4)} ${dataText(data)}`)
                .join(" ");
        this.#say(`  ${name.padEnd(22)} ${text}`);
      }
    }
  }

  /** One message. */
  scene(
    number: number,
    scene: Scene,
    outcome: MessageOutcome,
    edits: readonly string[],
    log: readonly string[],
  ): void {
    this.#heading(`${number}  ${scene.title}`);
    for (const line of scene.about.match(/\S.{0,75}(?=\s|$)/g) ?? []) this.#say(`   ${line}`);
    this.#say("");
    this.#dialogue(scene, outcome);
    if (edits.length > 0) {
      this.#say("", this.#paint("dim", "   the message is changed:"));
      for (const edit of edits) this.#edit(edit);
    }
    this.#say("", this.#paint("dim", "   maillog:"));
    for (const line of log) this.#say(`   ${this.#paint("dim", line.slice(0, 15))}${line.slice(15)}`);
  }

  #dialogue({ client, helo, message }: Scene, { stage, verdict }: MessageOutcome): void {
    const says = (text: string): void => {
      this.#say(`   ${this.#paint("cyan", ">")} ${text}`);
    };
    const hears = (text: string, tone: Tone): void => {
      this.#say(`   ${this.#paint("cyan", "<")} ${this.#paint(tone, text)}`);
    };
    const name = client.hostname.startsWith("[") ? "" : `${client.hostname} `;
    this.#say(this.#paint("dim", `   ${name}[${client.address}] connects`));
    says(`HELO ${helo}`);
    says(`MAIL FROM:${message.from}`);
    if (verdict.kind === "reply" && stage === "mail") {
      for (const line of replyLines(verdict.code, verdict.text)) {
        hears(line, verdict.code.startsWith("5") ? "red" : "yellow");
      }
      return;
    }
    hears(
      verdict.kind === "accept" && stage === "mail" ? "250 ok (not filtered any further)" : "250 ok",
      "green",
    );
    for (const path of message.recipients) {
      says(`RCPT TO:${path}`);
      hears("250 ok", "green");
    }
    says("DATA");
    for (const [name, value] of message.headers ?? []) says(`${name}: ${value}`);
    says(".");
    hears("250 ok, delivered", "green");
  }

  #edit(text: string): void {
    const [verb = "", ...rest] = text.split(" ");
    const mark = { insert: "+", add: "+", change: "~", delete: "-" }[verb] ?? "!";
    const tone: Tone = mark === "+" ? "green" : mark === "-" ? "red" : "yellow";
    const [first = "", ...folded] = rest.join(" ").split("\n");
    this.#say(`   ${this.#paint(tone, `${mark} ${first}`)}`);
    for (const line of folded) this.#say(`     ${this.#paint(tone, line)}`);
  }

  /** What was not as it should be. */
  faults(faults: readonly string[]): void {
    for (const fault of faults) this.#say(this.#paint("red", `   !! ${fault}`));
  }

  closing(scenes: number, wrong: number, exitCode: number | null): void {
    this.#say("");
    if (exitCode !== 0) this.#say(this.#paint("red", `The daemon ended with ${exitCode ?? "a signal"}.`));
    if (wrong > 0) {
      this.#say(this.#paint("red", `${wrong} of ${scenes} messages were not handled as expected.`));
    } else {
      this.#say(this.#paint("green", `All ${scenes} messages were handled as expected.`));
      this.#say(
        "Next: README.md, make run CONFIG=FILE, or\n      node dist/spfquery.js --trace IP HELO SENDER",
      );
    }
  }
}

function dataText(data: unknown): string {
  if (typeof data === "string") return data;
  return Array.isArray(data) ? data.join(" ") : JSON.stringify(data);
}

/** A reply as the SMTP client reads it. */
function replyLines(code: string, text: string): string[] {
  const lines = text.split(/\r?\n/).filter((line) => line !== "");
  return lines.map((line, i) => {
    const bare = line.replace(new RegExp(`^${code}[- ]`), "");
    return `${code}${i < lines.length - 1 ? "-" : " "}${bare}`;
  });
}
