/** An SMTP client that says what it is told to, one command at a time, from the address it is told to use. */
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

/** One SMTP reply (RFC 5321 section 4.2). */
export interface SmtpReply {
  /** Three digits. */
  readonly code: string;
  /** The text of every line, after the code and the character that follows it. */
  readonly lines: readonly string[];
}

/** Where to connect, and from where. */
export interface SmtpOptions {
  readonly host: string;
  readonly port: number;
  /** The address to bind, which the server sees as the client. */
  readonly localAddress?: string;
  /** How long one reply may take. */
  readonly timeoutMs?: number;
}

/** A client certificate, in PEM. */
export interface ClientCertificate {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** The server closed the connection, or answered nothing in time, where a reply was due. */
export class SmtpConnectionLost extends Error {}

/** One connection. All text is in octet strings (latin1). */
export class SmtpClient {
  #socket: Socket;
  readonly #timeoutMs: number;
  #unread = "";
  #closed = false;
  #wake: () => void = () => undefined;

  private constructor(socket: Socket, timeoutMs: number) {
    this.#socket = socket;
    this.#timeoutMs = timeoutMs;
    this.#listen();
  }

  /** Connects; the server's greeting is the first {@link reply} to read. */
  static async connect(options: SmtpOptions): Promise<SmtpClient> {
    const { host, port, localAddress } = options;
    const socket = connectTcp({ host, port, ...(localAddress === undefined ? {} : { localAddress }) });
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve).once("error", reject);
    });
    return new SmtpClient(socket, options.timeoutMs ?? 30_000);
  }

  /** Sends one line and reads its reply. */
  async command(line: string): Promise<SmtpReply> {
    this.write(`${line}\r\n`);
    return this.reply();
  }

  /** Sends octets as they are. */
  write(octets: string): void {
    this.#socket.write(Buffer.from(octets, "latin1"));
  }

  /** Sends octets and waits until they are with the system. */
  async flush(octets: string): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#socket.write(Buffer.from(octets, "latin1"), () => {
        resolve();
      });
    });
  }

  /**
   * Sends a message after DATA was answered with 354, and reads the reply to its final dot.
   * @param lines without line ends; leading dots are doubled here
   * @param along what is sent in the same write
   */
  async message(lines: readonly string[], along = ""): Promise<SmtpReply> {
    const text = lines.map((line) => (line.startsWith(".") ? `.${line}` : line) + "\r\n").join("");
    this.write(`${text}.\r\n${along}`);
    return this.reply();
  }

  /** AUTH PLAIN (RFC 4616). */
  async authenticate(user: string, password: string): Promise<SmtpReply> {
    return this.command(`AUTH PLAIN ${Buffer.from(`\0${user}\0${password}`).toString("base64")}`);
  }

  /** STARTTLS and the handshake; the server's certificate is taken as it comes. */
  async startTls(certificate?: ClientCertificate): Promise<SmtpReply> {
    const reply = await this.command("STARTTLS");
    if (reply.code !== "220") return reply;
    const plain = this.#socket;
    plain.removeAllListeners("data");
    const secure = connectTls({ socket: plain, rejectUnauthorized: false, ...certificate });
    await new Promise<void>((resolve, reject) => {
      secure.once("secureConnect", resolve).once("error", reject);
    });
    this.#socket = secure;
    this.#listen();
    return reply;
  }

  /** Reads the next reply. */
  async reply(): Promise<SmtpReply> {
    const until = setTimeout(() => this.#socket.destroy(new Error("no reply in time")), this.#timeoutMs);
    try {
      for (;;) {
        const reply = this.#takeReply();
        if (reply !== undefined) return reply;
        if (this.#closed)
          throw new SmtpConnectionLost(`connection closed after ${JSON.stringify(this.#unread)}`);
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      clearTimeout(until);
    }
  }

  /** Says QUIT and closes; a server that is gone already is not an error. */
  async quit(): Promise<void> {
    if (!this.#closed) await this.command("QUIT").catch(() => undefined);
    this.drop();
  }

  /** Closes without a word. */
  drop(): void {
    this.#socket.destroy();
  }

  #listen(): void {
    this.#socket.on("data", (chunk: Buffer) => {
      this.#unread += chunk.toString("latin1");
      this.#wake();
    });
    this.#socket.on("error", () => undefined);
    this.#socket.on("close", () => {
      this.#closed = true;
      this.#wake();
    });
  }

  #takeReply(): SmtpReply | undefined {
    const found = /^(?:\d{3}-[^\n]*\n)*(\d{3})(?: [^\n]*)?\r?\n/.exec(this.#unread);
    if (found === null) return undefined;
    this.#unread = this.#unread.slice(found[0].length);
    const lines = found[0].split("\n").slice(0, -1);
    return { code: found[1]!, lines: lines.map((line) => line.replace(/\r$/, "").slice(4)) };
  }
}
