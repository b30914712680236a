import assert from "node:assert/strict";
import { chownSync, mkdirSync, readdirSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { makePrivateDirectory } from "../../../src/process/socket.ts";
import { NEEDS_ROOT, withFolder } from "./samples.ts";

const SKIP = process.platform === "linux" ? NEEDS_ROOT : "needs /proc";

describe("makePrivateDirectory", () => {
  it("makes a folder that only root can use, and takes it away with the file named", { skip: SKIP }, () =>
    withFolder((folder) => {
      chownSync(folder, 12345, 23456);
      const own = makePrivateDirectory(folder);
      const [name = ""] = readdirSync(folder);
      const { uid, mode } = statSync(join(folder, name));
      assert.deepEqual([uid, mode & 0o777], [0, 0o700]);
      writeFileSync(join(own.path, "socket"), "");
      assert.deepEqual(readdirSync(join(folder, name)), ["socket"]);
      own.remove("socket");
      assert.deepEqual(readdirSync(folder), []);
    }),
  );

  it("leads to that folder still when its name is given to another", { skip: SKIP }, () =>
    withFolder((folder) => {
      const own = makePrivateDirectory(folder);
      const [name = ""] = readdirSync(folder);
      renameSync(join(folder, name), join(folder, "moved"));
      mkdirSync(join(folder, name));
      writeFileSync(join(own.path, "socket"), "");
      assert.deepEqual(readdirSync(join(folder, "moved")), ["socket"]);
      own.remove("socket");
      assert.deepEqual(readdirSync(join(folder, "moved")), []);
    }),
  );
});
