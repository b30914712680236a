/** A message as an MTA keeps it while a filter edits it. */
import type { Edit } from "milter-protocol";
import { localPart } from "./observation.ts";

/** Name and value; the value is as sent, white space after the colon included. */
interface Field {
  readonly name: string;
  readonly value: string;
}

/** One message with its envelope. */
export class VirtualMessage {
  readonly recipients: string[] = [];
  readonly #received: Field;
  #top: Field[] = [];
  #fields: Field[] = [];
  #body: readonly string[] = [];
  held: string | undefined;

  /** @param received the value of the field that the MTA itself puts on top */
  constructor(received: string) {
    this.#received = { name: "Received", value: received };
  }

  get fields(): readonly Field[] {
    return this.#fields;
  }

  get bodyText(): string {
    return this.#body.map((line) => `${line}\r\n`).join("");
  }

  /** Takes what was sent after DATA: fields, an empty line, the body. */
  take(lines: readonly string[]): void {
    const blank = lines.findIndex((line) => !/^[!-9;-~]+[ \t]*:|^[ \t]/.test(line));
    const head = blank < 0 ? lines : lines.slice(0, blank);
    const rest = blank < 0 ? [] : lines.slice(blank);
    this.#body = rest[0] === "" ? rest.slice(1) : rest;
    for (const line of head) {
      const last = this.#fields.at(-1);
      if (/^[ \t]/.test(line) && last !== undefined) {
        this.#fields[this.#fields.length - 1] = { name: last.name, value: `${last.value}\n${line}` };
      } else {
        const colon = line.indexOf(":");
        this.#fields.push({ name: line.slice(0, colon).trimEnd(), value: line.slice(colon + 1) });
      }
    }
  }

  /** Does what a filter asks for at end of message. */
  edit(edit: Edit): void {
    switch (edit.kind) {
      case "insertHeader":
        // Sendmail and Postfix both put index 0 and 1 above their own Received.
        if (edit.index <= 1) this.#top.unshift(edit);
        else this.#fields.splice(edit.index - 1, 0, edit);
        return;
      case "addHeader":
        this.#fields.push(edit);
        return;
      case "changeHeader":
        this.#change(edit.name, edit.index, edit.value);
        return;
      case "addRecipient":
        if (!this.recipients.includes(edit.path)) this.recipients.push(edit.path);
        return;
      case "deleteRecipient": {
        const at = this.recipients.indexOf(edit.path);
        if (at >= 0) this.recipients.splice(at, 1);
        return;
      }
      case "quarantine":
        this.held = edit.reason;
        return;
      default:
        throw new Error(`no scenario expects the edit ${edit.kind}`);
    }
  }

  /** The whole text as delivered, and the mailboxes it goes to. */
  deliver(): { boxes: string[]; text: string } {
    const fields = [...this.#top, this.#received, ...this.#fields];
    const head = fields.map(({ name, value }) => `${name}: ${value.trim()}\n`).join("");
    return { boxes: [...new Set(this.recipients.map(localPart))], text: `${head}\n${this.bodyText}` };
  }

  /** `index` counts the fields of that name from 1; an empty value deletes, one that is not there is added. */
  #change(name: string, index: number, value: string): void {
    const same = this.#fields.filter((field) => field.name.toLowerCase() === name.toLowerCase());
    const old = same[index - 1];
    if (old === undefined) {
      if (value !== "") this.#fields.push({ name, value });
      return;
    }
    this.#fields = this.#fields.flatMap((field) => {
      if (field !== old) return [field];
      return value === "" ? [] : [{ name, value }];
    });
  }
}
