/** CacheFile: what the caches hold outlives a restart. */
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, lstat, open, rename, unlink } from "node:fs/promises";

/** A cache as the file sees it: plain values and how long each of them still holds. */
export interface DumpableCache {
  /** What was used last comes first. Others may use the cache between two of them. */
  dump(): Iterable<{ readonly restMs: number; readonly plain: unknown }>;
  /** False where the value is none of this cache. */
  restore(plain: unknown, restMs: number): boolean;
}

/** What a {@link CacheFile} works with. */
export interface CacheFileOptions {
  readonly path: string;
  readonly answers: DumpableCache;
  readonly verdicts: DumpableCache;
  /** Of every setting that a verdict depends on: with another one only answers are taken. */
  readonly digest: string;
  /** The time of day in milliseconds since 1970: it goes on while nobody runs. */
  readonly wallMs: () => number;
  /** What the operator is to know, in words. */
  readonly tell: (text: string) => void;
  /** The size at which writing ends; 64 MiB. */
  readonly octetsMax?: number;
  /** A clock in milliseconds that nobody sets; `performance.now`. */
  readonly nowMs?: () => number;
}

const OCTETS_MAX = 64 * 1024 * 1024;
const FORMAT = 1;
/** What is read or written before others get a turn: so many milliseconds, looked at after so many entries or octets. */
const SLICE_MS = 2;
const LOOK_EVERY = 10;
const LOOK_OCTETS = 64 * 1024;
/** Entries that are written at once, or octets. */
const BATCH = 100;
const BATCH_OCTETS = 64 * 1024;
const READ_OCTETS = 256 * 1024;
/** The checksum of that takes a millisecond at most, on slow machines too. */
const HASH_OCTETS = 64 * 1024;
const LINE_END = 0x0a;
/** A clock that was set back a little is not a reason to start with nothing. */
const FUTURE_MS = 60_000;
const CLOSING_LINE_OCTETS_MAX = 200;
/** No entry of ours is longer: 16 KB, each octet written as six. A longer line would hold up others. */
const LINE_OCTETS_MAX = 128 * 1024;
/** What may be in the file, answers first: the verdicts are worth less without them. */
const SHARES = { a: 0.5, v: 0.9 } as const;

/**
 * The file is text, a JSON value a line: a head, the entries with the time of day at which each ends, what was used last
 * first, and a line with a checksum of all that is above it. It is written beside its place and renamed, so whoever ends
 * the daemon while it writes leaves the former file.
 */
export class CacheFile {
  readonly #options: CacheFileOptions;
  readonly #octetsMax: number;
  /** Whether what is in memory may take the place of the file: not before that has been read to its end. */
  #mayWrite = false;
  #lastProblem: string | undefined;
  #loading: Promise<void> | undefined;
  #saving: Promise<void> | undefined;
  #forgetting: Promise<void> | undefined;
  /** Grows whenever the caches are emptied. */
  #emptied = 0;

  constructor(options: CacheFileOptions) {
    this.#options = options;
    this.#octetsMax = options.octetsMax ?? OCTETS_MAX;
  }

  /**
   * Reads the file into the caches, in slices. Never rejects.
   *
   * @param former what has to end first: two writers would have one file between them
   */
  load(former?: Promise<void>): Promise<void> {
    this.#loading = this.#load(former, this.#emptied);
    return this.#loading;
  }

  async #load(former: Promise<void> | undefined, emptied: number): Promise<void> {
    await former;
    const { path, tell } = this.#options;
    try {
      const taken = await this.#read(emptied);
      this.#mayWrite = true;
      if (taken !== undefined) tell(`CacheFile ${path}: ${taken} entries read`);
    } catch (error) {
      if (!(error instanceof NotACache)) {
        // Whatever is in its place is not ours to replace.
        this.#fail("cannot be read", error);
        return;
      }
      try {
        await rename(path, `${path}.bad`);
        this.#mayWrite = true;
        tell(`CacheFile ${path} ${error.message}: set aside as ${path}.bad`);
      } catch (failure) {
        this.#fail("cannot be set aside", failure);
      }
    }
  }

  /** Writes what is in memory, unless the file has not been read yet; a second call joins the first. Never rejects. */
  save(): Promise<void> {
    return this.#forgetting ?? this.#save();
  }

  #save(): Promise<void> {
    if (!this.#mayWrite) return Promise.resolve();
    this.#saving ??= this.#write()
      .then(() => {
        this.#lastProblem = undefined;
      })
      .catch((error: unknown) => {
        this.#fail("cannot be written", error);
      })
      .finally(() => {
        this.#saving = undefined;
      });
    return this.#saving;
  }

  /** The operator has emptied the caches: what the file has, or had so far, must not come back. Never rejects. */
  forget(): Promise<void> {
    this.#emptied++;
    const forgetting = this.#forget().finally(() => {
      if (this.#forgetting === forgetting) this.#forgetting = undefined;
    });
    this.#forgetting = forgetting;
    return forgetting;
  }

  async #forget(): Promise<void> {
    await this.#loading;
    await this.#saving;
    if (!this.#mayWrite) return;
    // First of all: a full disk takes no other.
    await unlink(this.#options.path).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") this.#fail("cannot be removed", error);
    });
    await this.#save();
  }

  /** Resolves when nothing is read or written any more. Never rejects. */
  async idle(): Promise<void> {
    await this.#loading;
    await this.#forgetting;
    await this.#saving;
  }

  /** @returns how many entries were taken; undefined where there is no file */
  async #read(emptied: number): Promise<number | undefined> {
    const { path, answers, verdicts, digest } = this.#options;
    const file = await openRegular(path);
    if (file === undefined) return undefined;
    let bytes: Buffer;
    try {
      bytes = await readChecked(file, this.#octetsMax + CLOSING_LINE_OCTETS_MAX);
    } finally {
      await file.close();
    }
    const timeMs = steadyTime(this.#options);
    const headEnd = bytes.indexOf(LINE_END);
    const head = parse(bytes, 0, headEnd) as { digest?: unknown; writtenMs?: unknown };
    const { writtenMs } = head;
    if (typeof writtenMs !== "number") throw new NotACache("is damaged");
    if (writtenMs > timeMs() + FUTURE_MS) return 0;
    let taken = 0;
    const turns = new Turns(this.#options.nowMs);
    // From the end: what was used last is taken last, and so counts as used last again.
    for (let end = bytes.length - 1; end > headEnd && this.#emptied === emptied; ) {
      const start = bytes.lastIndexOf(LINE_END, end - 1) + 1;
      const entry = parse(bytes, start, end);
      const octets = end - start;
      end = start - 1;
      if (Array.isArray(entry)) {
        const [kind, endsMs, plain] = entry as readonly unknown[];
        const cache = kind === "a" ? answers : kind === "v" && head.digest === digest ? verdicts : undefined;
        // An entry cannot have more time left than it had when it was written.
        if (
          typeof endsMs === "number" &&
          cache?.restore(plain, endsMs - Math.max(timeMs(), writtenMs)) === true
        )
          taken++;
      }
      if (turns.isOver(octets)) await turns.next();
    }
    return taken;
  }

  async #write(): Promise<void> {
    const { path } = this.#options;
    const fresh = `${path}.new`;
    await unlink(fresh).catch(() => undefined);
    const file = await open(fresh, "wx", 0o600);
    let isOurs = true;
    try {
      let emptied: number;
      do {
        emptied = this.#emptied;
        await file.truncate();
        await this.#writeAll(file, () => this.#emptied === emptied);
        await file.sync();
      } while (this.#emptied !== emptied);
      const there = await lstat(fresh).catch(() => undefined);
      isOurs = there?.ino === (await file.stat()).ino;
      if (!isOurs) throw new Error(`another process writes ${fresh}: each needs a CacheFile of its own`);
      await file.close();
      await rename(fresh, path);
    } catch (error) {
      await file.close().catch(() => undefined);
      if (isOurs) await unlink(fresh).catch(() => undefined);
      throw error;
    }
  }

  /** @param goesOn asked from time to time: whether what is written is still wanted */
  async #writeAll(file: FileHandle, goesOn: () => boolean): Promise<void> {
    const { answers, verdicts, digest } = this.#options;
    const timeMs = steadyTime(this.#options);
    const hash = createHash("sha256");
    let octets = 0;
    const write = async (bytes: Buffer): Promise<void> => {
      for (let at = 0; at < bytes.length; ) {
        at += (await file.write(bytes, at, bytes.length - at, octets + at)).bytesWritten;
      }
      octets += bytes.length;
    };
    const put = (text: string): Promise<void> => {
      const bytes = Buffer.from(text, "latin1");
      hash.update(bytes);
      return write(bytes);
    };
    await put(
      `${JSON.stringify({ cache: "smf-spf", format: FORMAT, digest, writtenMs: Math.floor(timeMs()) })}\n`,
    );
    const turns = new Turns(this.#options.nowMs);
    for (const [kind, cache] of [
      ["a", answers],
      ["v", verdicts],
    ] as const) {
      const octetsMax = this.#octetsMax * SHARES[kind];
      let text = "";
      let lines = 0;
      for (const { restMs, plain } of cache.dump()) {
        const line = `${JSON.stringify([kind, Math.floor(timeMs() + restMs), plain])}\n`;
        if (octets + text.length + line.length > octetsMax) break;
        text += line;
        const isOver = turns.isOver(line.length);
        if (++lines < BATCH && text.length < BATCH_OCTETS && !isOver) continue;
        await put(text);
        [text, lines] = ["", 0];
        await turns.next();
        if (!goesOn()) return;
      }
      if (text !== "") await put(text);
    }
    await write(Buffer.from(`${JSON.stringify({ sha256: hash.digest("hex") })}\n`));
  }

  /** Told once for as long as it stays the same. */
  #fail(what: string, error: unknown): void {
    const problem = `CacheFile ${this.#options.path} ${what}: ${error instanceof Error ? error.message : String(error)}`;
    if (problem !== this.#lastProblem) this.#options.tell(problem);
    this.#lastProblem = problem;
  }
}

/** The file exists and is not a cache. */
class NotACache extends Error {}

/** Undefined where there is none. Links are not followed; only a regular file that nobody else may write to is read. */
async function openRegular(path: string): Promise<FileHandle | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  const stat = await file.stat();
  const isOurs = stat.uid === process.getuid?.() || stat.uid === 0;
  if (stat.isFile() && isOurs && (stat.mode & 0o022) === 0) return file;
  await file.close();
  throw new Error(stat.isFile() ? "others than its user may write to it" : "it is not a regular file");
}

/** The lines above the checksum, where that is right. */
async function readChecked(file: FileHandle, octetsMax: number): Promise<Buffer> {
  const { size } = await file.stat();
  if (size > octetsMax) throw new NotACache("is too large");
  const bytes = Buffer.allocUnsafe(size);
  for (let at = 0; at < size; ) {
    const { bytesRead } = await file.read(bytes, at, Math.min(READ_OCTETS, size - at), at);
    if (bytesRead === 0) throw new NotACache("is damaged");
    at += bytesRead;
  }
  const end = size < 2 ? -1 : bytes.lastIndexOf(LINE_END, size - 2) + 1;
  const { sha256 } = (end <= 0 ? {} : parse(bytes, end, size)) as { sha256?: unknown };
  const hash = createHash("sha256");
  for (let at = 0; at < end; at += HASH_OCTETS) {
    hash.update(bytes.subarray(at, Math.min(at + HASH_OCTETS, end)));
    await nextTurn();
  }
  const head = parse(bytes, 0, bytes.indexOf(LINE_END)) as Readonly<Record<string, unknown>>;
  if (head["cache"] !== "smf-spf") throw new NotACache("is not a cache");
  if (head["format"] !== FORMAT) throw new NotACache("is of another version");
  if (typeof sha256 !== "string" || sha256 !== hash.digest("hex")) throw new NotACache("is damaged");
  return bytes.subarray(0, end);
}

/** The line as an object in any case. */
function parse(bytes: Buffer, start: number, end: number): object {
  if (end - start > LINE_OCTETS_MAX) return {};
  try {
    const value: unknown = JSON.parse(bytes.toString("latin1", start, Math.max(start, end)));
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}

/** The time of day, which goes on as it began: set while the file is read or written, it would change what is left. */
function steadyTime({
  wallMs,
  nowMs = () => performance.now(),
}: Pick<CacheFileOptions, "wallMs" | "nowMs">): () => number {
  const aheadMs = wallMs() - nowMs();
  return () => nowMs() + aheadMs;
}

/** When others are to have a turn. */
class Turns {
  readonly #nowMs: () => number;
  #count = 0;
  #octets = 0;
  #beganMs: number;

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
    this.#beganMs = nowMs();
  }

  /** To be asked after each entry of so many octets. */
  isOver(octets: number): boolean {
    this.#count++;
    this.#octets += octets;
    if (this.#count < LOOK_EVERY && this.#octets < LOOK_OCTETS) return false;
    this.#count = 0;
    this.#octets = 0;
    return this.#nowMs() - this.#beganMs >= SLICE_MS;
  }

  async next(): Promise<void> {
    await nextTurn();
    this.#beganMs = this.#nowMs();
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
