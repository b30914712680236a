/** The HTTP side of the status page: GET and HEAD, answered from one snapshot a second. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { ListenOptions, Socket } from "node:net";

/** An answer. */
export interface Page {
  readonly status: number;
  readonly type: string;
  readonly body: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers a request for a path; undefined for one that it does not serve. */
export type Respond = (request: {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly accept: string;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}) => Promise<Page | undefined>;

const CONNECTIONS_MAX = 16;
const REQUEST_MS_MAX = 5_000;
/** Afterwards a connection ends with the next answer, so that others get its place. */
const CONNECTION_MS_MAX = 5_000;
const HEAD_OCTETS_MAX = 8 * 1024;
const FIELDS_MAX = 64;

const REFUSED = "This page is served to this host only: to localhost, 127.0.0.1 or [::1].\n";

/** Serves pages to this machine. */
export class StatusServer {
  readonly #respond: Respond;
  readonly #server: Server;
  readonly #onError: (error: unknown) => void;
  /** Those with a request that is not answered yet, and those that are to end. */
  readonly #busy = new WeakSet<Socket>();
  readonly #old = new WeakSet<Socket>();
  #isTcp = false;
  #started = false;

  /** @param onError told of defects */
  constructor(respond: Respond, onError: (error: unknown) => void) {
    this.#respond = respond;
    this.#onError = onError;
    this.#server = createServer(
      {
        maxHeaderSize: HEAD_OCTETS_MAX,
        headersTimeout: REQUEST_MS_MAX,
        requestTimeout: REQUEST_MS_MAX,
        keepAliveTimeout: REQUEST_MS_MAX,
        connectionsCheckingInterval: 500,
        // A request without it is refused like one from elsewhere.
        requireHostHeader: false,
      },
      (request, response) => {
        void this.#serve(request, response);
      },
    );
    this.#server.maxHeadersCount = FIELDS_MAX;
    this.#server.maxConnections = CONNECTIONS_MAX;
    this.#server.on("connection", (socket: Socket) => {
      // Nothing is read while root has not been given up.
      if (!this.#started) {
        socket.destroy();
        return;
      }
      // Whoever neither asks nor reads gives the place to another one.
      socket.setTimeout(REQUEST_MS_MAX, () => {
        socket.destroy();
      });
      socket.unref();
      const timer = setTimeout(() => {
        this.#old.add(socket);
        if (!this.#busy.has(socket)) socket.destroy();
      }, CONNECTION_MS_MAX).unref();
      socket.once("close", () => {
        clearTimeout(timer);
      });
    });
    this.#server.on("clientError", (_error, socket) => {
      if (!socket.writable) socket.destroy();
      else socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    });
    this.#server.on("checkContinue", (request: IncomingMessage, response: ServerResponse) => {
      void this.#serve(request, response);
    });
  }

  /** Listens; rejects with the system's error where that cannot be. */
  async listen(options: ListenOptions & { readonly fd?: number }): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(options, () => {
        this.#server.off("error", reject);
        resolve();
      });
    });
    this.#server.on("error", this.#onError);
    this.#isTcp = typeof this.#server.address() !== "string";
    this.#server.unref();
  }

  /** Answers from now on. */
  start(): void {
    this.#started = true;
  }

  /** The port of an IP socket. */
  get port(): number | undefined {
    const address = this.#server.address();
    return typeof address === "object" ? address?.port : undefined;
  }

  /** Accepts nothing more and drops what is open. */
  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { socket } = request;
    // No browser and no Prometheus asks before the answer to the last question has come; a thousand requests in a
    // packet would keep mail waiting.
    if (this.#busy.has(socket)) {
      socket.destroy();
      return;
    }
    this.#busy.add(socket);
    const abort = new AbortController();
    const timer = setTimeout(() => request.socket.destroy(), REQUEST_MS_MAX).unref();
    response.on("close", () => {
      clearTimeout(timer);
      abort.abort();
      this.#busy.delete(socket);
    });
    try {
      this.#send(request, response, await this.#answer(request, abort.signal));
    } catch (error) {
      this.#onError(error);
      this.#send(request, response, text(500, "internal error\n"));
    }
  }

  async #answer(request: IncomingMessage, signal: AbortSignal): Promise<Page> {
    if (this.#isTcp && !isLocalHost(request)) return text(403, REFUSED);
    if (isFromAnotherSite(request)) return text(403, REFUSED);
    if (request.method !== "GET" && request.method !== "HEAD") {
      return { ...text(405, "GET and HEAD only\n"), headers: { Allow: "GET, HEAD" } };
    }
    const [, path = "", query = ""] = /^(\/[^?#]*)(?:\?([^#]*))?/.exec(request.url ?? "") ?? [];
    if (path === "") return text(400, "not a path\n");
    const accept = request.headers.accept ?? "";
    const page = await this.#respond({ path, query: new URLSearchParams(query), accept, signal });
    return page ?? text(404, "/, /metrics, /status.json, /healthz and /why are served\n");
  }

  #send(request: IncomingMessage, response: ServerResponse, page: Page): void {
    if (response.destroyed || response.headersSent) return;
    // What came with the request is not read, so no other request can follow it.
    const hasBody = request.headers["content-length"] !== undefined || "transfer-encoding" in request.headers;
    const isLast = hasBody || page.status === 403 || this.#old.has(request.socket);
    response.writeHead(page.status, {
      "Content-Type": page.type,
      "Content-Length": Buffer.byteLength(page.body),
      "Cache-Control": "no-store",
      "X-Content-Type-Options": "nosniff",
      ...page.headers,
      ...(isLast ? { Connection: "close" } : {}),
    });
    response.end(request.method === "HEAD" ? undefined : page.body);
  }
}

/** A page of plain text. */
export function text(status: number, body: string): Page {
  return { status, type: "text/plain; charset=utf-8", body };
}

/**
 * Whether a page from elsewhere asks. Browsers send Origin with what a script of another page asks for, and with
 * nothing that a person has opened; older ones send no Sec-Fetch-Site.
 */
function isFromAnotherSite({ headers: { origin, host = "", ...headers } }: IncomingMessage): boolean {
  if (headers["sec-fetch-site"] === "cross-site") return true;
  if (origin === undefined) return false;
  const [, originHost] = /^https?:\/\/(.*)$/i.exec(origin) ?? [];
  return originHost?.toLowerCase() !== host.toLowerCase();
}

/**
 * Whether a request names this machine, once. A page from elsewhere whose name was made to lead here (DNS
 * rebinding) has that name in the field.
 */
function isLocalHost({ rawHeaders }: IncomingMessage): boolean {
  const hosts = rawHeaders.filter(
    (_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === "host",
  );
  const [host, another] = hosts;
  if (host === undefined || another !== undefined) return false;
  return /^(?:localhost\.?|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i.test(host);
}
