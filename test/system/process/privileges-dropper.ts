/** Becomes the user named as argument and prints who it then is. For privileges.test.ts. */
import { DaemonError, dropPrivileges, findUser } from "../../../src/process/index.ts";

try {
  const account = findUser(process.argv[2] ?? "");
  if (account === undefined) throw new Error("no such user");
  // What root has must go as well.
  process.setgroups?.([0, 4]);
  dropPrivileges(account);
  let root = "regained";
  try {
    process.setuid?.(0);
  } catch {
    root = "refused";
  }
  process.stdout.write(
    JSON.stringify({
      uid: process.getuid?.(),
      euid: process.geteuid?.(),
      gid: process.getgid?.(),
      groups: process.getgroups?.(),
      root,
    }),
  );
} catch (error) {
  process.stderr.write(String(error));
  process.exitCode = error instanceof DaemonError ? error.exitCode : 1;
}
