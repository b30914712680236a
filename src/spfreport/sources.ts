/** Where log lines come from: files, compressed ones too, standard input, the journal. */
import { spawn } from "node:child_process";
import { createReadStream, statSync } from "node:fs";
import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { systemReason } from "../process/index.ts";

const CHUNK_OCTETS = 262_144;

/** A log that can be read once. */
export interface Source {
  /** As the operator named it. */
  readonly name: string;
  /** When it was last written: its lines may have no year. */
  readonly writtenMs: number;
  /** Octets in the file, as far as it has a size. */
  readonly size: number | undefined;
  /** @param onRead is told how many octets of the file have been read so far */
  readonly open: (onRead: (octets: number) => void) => AsyncIterable<Buffer>;
}

/** Why a source cannot be read, or not to its end, in words. */
export class SourceError extends Error {}

/** The files, the oldest first, whatever the order in which they are named; `-` is standard input. */
export function fileSources(
  files: readonly string[],
  nowMs: number,
  onFailure: (name: string, reason: string) => void,
): Source[] {
  const sources = files.flatMap((name): Source[] => {
    if (name === "-") return [standardInput(nowMs)];
    try {
      const stat = statSync(name);
      if (stat.isDirectory()) throw new SourceError("is a directory");
      return [
        {
          name,
          writtenMs: stat.isFile() ? stat.mtimeMs : nowMs,
          size: stat.isFile() ? stat.size : undefined,
          open: (onRead) => unpacked(createReadStream(name, { highWaterMark: CHUNK_OCTETS }), onRead),
        },
      ];
    } catch (error) {
      onFailure(name, reasonOf(error));
      return [];
    }
  });
  return sources.sort((a, b) => a.writtenMs - b.writtenMs);
}

export function standardInput(nowMs: number): Source {
  return {
    name: "standard input",
    writtenMs: nowMs,
    size: undefined,
    open: (onRead) => unpacked(process.stdin, onRead),
  };
}

/** The lines of smf-spf in the journal of systemd, from a time on. */
export function journal(nowMs: number, sinceMs: number): Source {
  return {
    name: "journalctl",
    writtenMs: nowMs,
    size: undefined,
    open: (onRead) => readJournal(sinceMs, onRead),
  };
}

async function* readJournal(sinceMs: number, onRead: (octets: number) => void): AsyncIterable<Buffer> {
  const since = Number.isFinite(sinceMs) ? [`--since=@${Math.floor(sinceMs / 1000)}`] : [];
  const child = spawn(
    "journalctl",
    ["-t", "smf-spf", "-o", "short-iso-precise", "--no-pager", "-q", ...since],
    {
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  let words = "";
  child.stderr.on("data", (chunk: Buffer) => {
    words = (words + chunk.toString("latin1")).slice(0, 500);
  });
  const ended = new Promise<string | undefined>((resolve) => {
    child.once("error", (error) => {
      resolve(reasonOf(error));
    });
    child.once("close", (code) => {
      resolve(code === 0 ? undefined : words.trim().split("\n")[0] || `ended with status ${String(code)}`);
    });
  });
  let octets = 0;
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
    onRead((octets += chunk.length));
    yield chunk;
  }
  const failure = await ended;
  if (failure !== undefined) throw new SourceError(failure);
}

/** What compressed files begin with that are not read here. */
const PACKED: readonly (readonly [magic: string, program: string])[] = [
  ["\xfd7zXZ\0", "xz"],
  ["BZh", "bzip2"],
  ["\x28\xb5\x2f\xfd", "zstd"],
];

/** The octets of a stream, unpacked where it begins as gzip does. */
async function* unpacked(stream: Readable, onRead: (octets: number) => void): AsyncIterable<Buffer> {
  let octets = 0;
  const chunks = (async function* (): AsyncGenerator<Buffer> {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      onRead((octets += chunk.length));
      yield chunk;
    }
  })();
  const first = await chunks.next();
  if (first.done === true) return;
  const whole = (async function* (): AsyncGenerator<Buffer> {
    yield first.value;
    yield* chunks;
  })();
  const magic = first.value.toString("latin1", 0, 6);
  const packer = PACKED.find(([beginning]) => magic.startsWith(beginning))?.[1];
  if (packer !== undefined) throw new SourceError(`is compressed by ${packer}: unpack it first`);
  if (!magic.startsWith("\x1f\x8b")) {
    yield* whole;
    return;
  }
  const input = Readable.from(whole);
  const gunzip = createGunzip({ chunkSize: CHUNK_OCTETS });
  input.once("error", (error) => gunzip.destroy(error));
  input.pipe(gunzip);
  yield* gunzip as AsyncIterable<Buffer>;
}

/** Words for what reading a log may fail with, where the system's fit less well. */
const REASONS: Readonly<Record<string, string>> = {
  ELOOP: "leads through too many symbolic links",
  ENAMETOOLONG: "the name is too long",
  ENXIO: "is not a file that can be read",
  Z_BUF_ERROR: "is cut off; what comes before the end is counted",
  Z_DATA_ERROR: "is damaged; what comes before the damage is counted",
};

/** Why something could not be read or written, in words. */
export function reasonOf(error: unknown): string {
  return systemReason(error, REASONS);
}
