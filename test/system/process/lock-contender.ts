/** Takes the lock named as argument and stays; says whether it has won. For start-lock.test.ts. */
import { takeLock } from "../../../src/process/run-files.ts";

const lock = takeLock(process.argv[2] ?? "");
process.send?.(typeof lock === "function" ? "won" : "lost");
setInterval(() => undefined, 60_000);
process.on("disconnect", () => {
  process.exit();
});
