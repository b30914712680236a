import { connect } from "node:net";

/** Whether somebody takes connections on a TCP or Unix socket; the one made to find out is closed at once. */
export function accepts(target: { host: string; port: number } | { path: string }): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(target);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => {
      resolve(false);
    });
  });
}
