/** What a command prints that ends by itself. */

/**
 * Watches standard output and standard error. A reader that has seen enough (`| head`) is not an error.
 *
 * @param unread called when nobody reads standard output any more
 * @returns waits until what was written has left the process, which a pipe takes no faster than it is read; resolves
 *   with the error where something could not be written
 */
export function watchOutput(unread?: () => void): () => Promise<Error | undefined> {
  let failure: NodeJS.ErrnoException | undefined;
  const streams = [process.stdout, process.stderr];
  for (const stream of streams) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") failure ??= error;
      else if (stream === process.stdout) unread?.();
    });
  }
  return async () => {
    await Promise.all(
      streams.map(
        (stream) =>
          new Promise<void>((resolve) => {
            // Called with an error, too, where the stream is closed by now.
            stream.write("", () => {
              resolve();
            });
          }),
      ),
    );
    return failure;
  };
}
