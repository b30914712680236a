/** A headless Chromium, driven over the DevTools protocol through its pipe. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly sessionId?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly message: string };
}

/** How a page is looked at. */
export interface View {
  readonly width: number;
  readonly height: number;
  readonly dark?: boolean;
  readonly mobile?: boolean;
}

/** Where Chromium is on this machine; undefined where there is none. */
export function chromiumPath(): string | undefined {
  return ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
}

/** A browser with one page. */
export class Browser {
  readonly #child: ChildProcess;
  readonly #profile: string;
  readonly #answers = new Map<number, (message: Message) => void>();
  readonly #waits = new Map<string, () => void>();
  #lastId = 0;
  #session = "";
  /** What the console, the page's errors and the policy have complained of. */
  readonly complaints: string[] = [];
  /** The addresses of all requests. */
  readonly requests: string[] = [];

  private constructor(child: ChildProcess, profile: string) {
    this.#child = child;
    this.#profile = profile;
    let rest = "";
    (child.stdio[4] as Readable).setEncoding("utf8").on("data", (chunk: string) => {
      const parts = (rest + chunk).split("\0");
      rest = parts.pop() ?? "";
      for (const part of parts) this.#take(JSON.parse(part) as Message);
    });
  }

  static async start(program: string): Promise<Browser> {
    const profile = mkdtempSync(join(tmpdir(), "smf-spf-chromium-"));
    const flags = [
      "--headless=new",
      "--remote-debugging-pipe",
      `--user-data-dir=${profile}`,
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-gpu",
      "--disable-dev-shm-usage",
      "--hide-scrollbars",
      // As root Chromium has no sandbox; the page it opens is our own.
      "--no-sandbox",
      "about:blank",
    ];
    const child = spawn(program, flags, {
      stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
      detached: true,
    });
    const browser = new Browser(child, profile);
    const { targetInfos } = (await browser.send("Target.getTargets")) as {
      targetInfos: { targetId: string; type: string }[];
    };
    const page = targetInfos.find(({ type }) => type === "page");
    const { sessionId } = (await browser.send("Target.attachToTarget", {
      targetId: page?.targetId,
      flatten: true,
    })) as { sessionId: string };
    browser.#session = sessionId;
    for (const domain of ["Page", "Runtime", "Network", "Log", "Accessibility"])
      await browser.send(`${domain}.enable`);
    return browser;
  }

  /** Opens an address and waits for its load event. */
  async open(url: string): Promise<void> {
    const loaded = new Promise<void>((resolve) => this.#waits.set("Page.loadEventFired", resolve));
    await this.send("Page.navigate", { url });
    await loaded;
  }

  async view({ width, height, dark = false, mobile = false }: View): Promise<void> {
    await this.send("Emulation.setDeviceMetricsOverride", { width, height, mobile, deviceScaleFactor: 1 });
    const value = dark ? "dark" : "light";
    await this.send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value }] });
  }

  /** The value of an expression in the page; a promise is waited for. */
  async evaluate<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = (await this.send("Runtime.evaluate", {
      expression,
      awaitPromise: true,
      returnByValue: true,
      userGesture: true,
    })) as { result: { value: T }; exceptionDetails?: { exception?: { description?: string } } };
    if (exceptionDetails !== undefined)
      throw new Error(exceptionDetails.exception?.description ?? expression);
    return result.value;
  }

  /** Waits until an expression holds. */
  async until(expression: string, withinMs = 60_000): Promise<void> {
    const end = Date.now() + withinMs;
    while (!(await this.evaluate<boolean>(`Boolean(${expression})`))) {
      if (Date.now() > end) throw new Error(`the page never came to: ${expression}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** A PNG of what is seen, or of the whole page. */
  async screenshot(whole = false): Promise<Buffer> {
    const { data } = (await this.send("Page.captureScreenshot", {
      format: "png",
      captureBeyondViewport: whole,
    })) as { data: string };
    return Buffer.from(data, "base64");
  }

  /** Presses a key as a person would. */
  async press(key: string, code: number): Promise<void> {
    for (const type of ["keyDown", "keyUp"]) {
      await this.send("Input.dispatchKeyEvent", {
        type,
        key,
        code: key,
        windowsVirtualKeyCode: code,
        ...(type === "keyDown" && key === "Enter" ? { text: "\r" } : {}),
      });
    }
  }

  /** Types into what has the focus. */
  async type(text: string): Promise<void> {
    await this.send("Input.insertText", { text });
  }

  async send(method: string, params: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    const id = ++this.#lastId;
    const message = { id, method, params, ...(this.#session === "" ? {} : { sessionId: this.#session }) };
    const answer = new Promise<Message>((resolve) => this.#answers.set(id, resolve));
    (this.#child.stdio[3] as Writable).write(`${JSON.stringify(message)}\0`);
    const { result, error } = await answer;
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) =>
      this.#child.once("close", () => {
        resolve();
      }),
    );
    // Its own processes too, which outlive it for a moment otherwise, and write.
    const { pid } = this.#child;
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
    await closed;
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 15, retryDelay: 100 });
  }

  #take(message: Message): void {
    if (message.id !== undefined) {
      this.#answers.get(message.id)?.(message);
      this.#answers.delete(message.id);
      return;
    }
    const { method = "", params = {} } = message;
    this.#waits.get(method)?.();
    this.#waits.delete(method);
    switch (method) {
      case "Network.requestWillBeSent":
        this.requests.push((params["request"] as { url: string }).url);
        break;
      case "Runtime.consoleAPICalled":
      case "Runtime.exceptionThrown":
      case "Log.entryAdded":
        this.complaints.push(JSON.stringify(params));
        break;
    }
  }
}
