import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { type AccountSources, findGroup, findUser } from "../../../src/process/privileges.ts";
import { withFolder } from "./samples.ts";

async function withSources(use: (sources: AccountSources) => void): Promise<void> {
  await withFolder((folder) => {
    const passwdFile = join(folder, "passwd");
    const groupFile = join(folder, "group");
    writeFileSync(
      passwdFile,
      "root:x:0:0:root:/root:/bin/sh\nsmfs:x:101:102:SPF:/nonexistent:/bin/false\nbroken:x::\n",
    );
    writeFileSync(groupFile, "mail:x:8:\npostfix:x:105:smfs\n");
    use({
      passwdFile,
      groupFile,
      getent: (database, name) =>
        name === "ldap" ? (database === "passwd" ? "ldap:*:5000:5001::/:\n" : "ldap:*:5001:\n") : "",
    });
  });
}

describe("findUser", () => {
  it("reads the passwd file first and asks getent for the rest", () =>
    withSources((sources) => {
      assert.deepEqual(findUser("smfs", sources), { name: "smfs", uid: 101, gid: 102 });
      assert.deepEqual(findUser("ldap", sources), { name: "ldap", uid: 5000, gid: 5001 });
    }));

  it("is undefined when there is no such user, or its line is broken", () =>
    withSources((sources) => {
      for (const name of ["nobody-here", "smf", "smfs:x", "", "broken"]) {
        assert.equal(findUser(name, sources), undefined, name);
      }
    }));

  it("takes a number, with an entry or without", () =>
    withSources((sources) => {
      assert.deepEqual(findUser("101", sources), { name: "smfs", uid: 101, gid: 102 });
      assert.deepEqual(findUser("0", sources), { name: "root", uid: 0, gid: 0 });
      assert.deepEqual(findUser("65534", sources), { name: "65534", uid: 65534, gid: 65534 });
      assert.equal(findGroup("65534", sources), 65534);
    }));

  it("finds the system's own root", () => {
    assert.deepEqual(findUser("root"), { name: "root", uid: 0, gid: 0 });
    assert.equal(findUser("no-such-user-7208"), undefined);
  });
});

describe("findGroup", () => {
  it("reads the group file first and asks getent for the rest", () =>
    withSources((sources) => {
      assert.equal(findGroup("postfix", sources), 105);
      assert.equal(findGroup("ldap", sources), 5001);
      assert.equal(findGroup("nobody-here", sources), undefined);
    }));
});
