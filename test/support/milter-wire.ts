import { createConnection, type NetConnectOpts, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { type MilterHandler, MilterSession } from "milter-protocol";

/** The way between an MTA and a filter, seen from the MTA. */
export interface MilterWire {
  write(bytes: Buffer): void;
  /** The next bytes of the filter; undefined when it has closed. */
  read(): Promise<Buffer | undefined>;
  close(): void;
}

/** Chunks that come in, for a reader that asks for them one by one. */
class Inbox {
  readonly #chunks: Buffer[] = [];
  #ended = false;
  #wake: (() => void) | undefined;

  put(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async take(): Promise<Buffer | undefined> {
    while (this.#chunks.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#chunks.shift();
  }
}

/** Connects to a milter: the path of a Unix socket, or host and port. Rejects where nobody listens. */
export async function openSocket(target: string | { host: string; port: number }): Promise<MilterWire> {
  const options: NetConnectOpts =
    typeof target === "string" ? { path: target } : { ...target, noDelay: true };
  const socket = await new Promise<Socket>((resolve, reject) => {
    const opening = createConnection(options, () => {
      resolve(opening);
    });
    opening.once("error", reject);
  });
  const inbox = new Inbox();
  socket.on("data", (chunk: Buffer) => {
    inbox.put(chunk);
  });
  // A reset is an end as far as an MTA is concerned; "close" follows.
  socket.on("error", () => {});
  socket.on("close", () => {
    inbox.end();
  });
  return {
    write: (bytes) => {
      if (socket.writable) socket.write(bytes);
    },
    read: () => inbox.take(),
    close: () => {
      socket.destroy();
    },
  };
}

/**
 * As {@link openSocket}, as soon as somebody listens, for ten seconds at most: other programs make the file of a
 * socket a moment before they listen on it.
 */
export async function openSocketOnceListening(path: string): Promise<MilterWire> {
  for (let tries = 1; ; tries++) {
    try {
      return await openSocket(path);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (tries === 1000 || (code !== "ENOENT" && code !== "ECONNREFUSED")) throw error;
      await delay(10);
    }
  }
}

/** Runs a handler in this process, behind a session and without a socket. Errors reported go to `report`. */
export function inMemory(
  createHandler: (resume: MilterSession["resume"]) => MilterHandler,
  report: (error: unknown) => void = (error) => {
    throw error;
  },
): MilterWire & { readonly session: MilterSession } {
  const inbox = new Inbox();
  const session: MilterSession = new MilterSession(
    createHandler((answer) => {
      session.resume(answer);
    }),
    {
      write: (bytes) => {
        inbox.put(bytes);
        return true;
      },
      close: () => {
        inbox.end();
      },
      report,
    },
  );
  return {
    session,
    write: (bytes) => {
      session.receive(bytes);
    },
    read: () => inbox.take(),
    close: () => {
      session.end();
      inbox.end();
    },
  };
}
