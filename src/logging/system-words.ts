const WORDS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EDQUOT: "the quota is used up",
  EIO: "input/output error",
  EISDIR: "is a folder",
  ELOOP: "is a symbolic link",
  ENOENT: "there is no such folder",
  ENOSPC: "no space is left there",
  ENOTDIR: "a part of the path is no folder",
  ENXIO: "is a FIFO that nobody reads",
  EPIPE: "nobody reads it any more",
  EROFS: "the file system is read-only (under systemd ReadWritePaths= lets the unit write there)",
};

/** Why the system does not let a log be written, in words as far as there are better ones than its own. */
export function systemWords(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return ("code" in error ? WORDS[String(error.code)] : undefined) ?? error.message;
}
