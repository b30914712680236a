import type { Answer, AnswerSource, Pending, Question } from "spf-check";
import { questionKey } from "../dns/index.ts";

/** How long the question to DNS waits for the engine. */
const GRACE_MS = 3;

/** What a question needs of the cache. */
export interface QuestionPorts {
  /** `done` in a later tick, within 20 ms: what the engine has, or undefined. */
  readonly get: (key: string, done: (answer: Answer | undefined) => void) => void;
  /** How often the caches were emptied so far. */
  readonly emptied: () => number;
  /** An answer of DNS, for the other hosts, and how often the caches had been emptied when DNS was asked. */
  readonly share: (key: string, answer: Answer, emptied: number) => void;
}

/** One question to the engine and to DNS: the first usable answer wins. */
export class SharedQuestion implements Pending {
  readonly #question: Question;
  readonly #key: string;
  readonly #source: AnswerSource;
  readonly #ports: QuestionPorts;
  readonly #done: (answer: Answer) => void;
  readonly #grace: NodeJS.Timeout;
  #dns: Pending | undefined;
  #isDnsAsked = false;
  #emptied = 0;
  /** DNS has failed while the engine may still answer. */
  #fault: Answer | undefined;
  #isGetOver = false;
  #isSettled = false;

  constructor(
    question: Question,
    source: AnswerSource,
    ports: QuestionPorts,
    done: (answer: Answer) => void,
  ) {
    this.#question = question;
    this.#key = questionKey(question);
    this.#source = source;
    this.#ports = ports;
    this.#done = done;
    this.#grace = setTimeout(() => {
      this.#askDns();
    }, GRACE_MS);
    ports.get(this.#key, (answer) => {
      this.#isGetOver = true;
      if (this.#isSettled) return;
      if (answer !== undefined) {
        this.#dns?.cancel();
        this.#settle(answer);
      } else if (this.#fault !== undefined) this.#settle(this.#fault);
      else this.#askDns();
    });
  }

  cancel(): void {
    this.#isSettled = true;
    clearTimeout(this.#grace);
    this.#dns?.cancel();
  }

  #askDns(): void {
    clearTimeout(this.#grace);
    if (this.#isDnsAsked) return;
    this.#isDnsAsked = true;
    this.#emptied = this.#ports.emptied();
    const known = this.#source.ask(this.#question, (answer) => {
      this.#dns = undefined;
      this.#answered(answer);
    });
    if ("cancel" in known) this.#dns = known;
    else this.#answered(known);
  }

  #answered(answer: Answer): void {
    if (this.#isSettled) return;
    if (answer.status === "fault" && !this.#isGetOver) {
      this.#fault = answer;
      return;
    }
    this.#ports.share(this.#key, answer, this.#emptied);
    this.#settle(answer);
  }

  #settle(answer: Answer): void {
    this.#isSettled = true;
    clearTimeout(this.#grace);
    this.#done(answer);
  }
}
