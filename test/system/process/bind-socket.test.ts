import assert from "node:assert/strict";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { connect, type Server } from "node:net";
import { join } from "node:path";
import { describe, it } from "node:test";
import { bindSocket, type SocketAccess } from "../../../src/process/index.ts";
import { bareServer, closed, daemonError, leaveStaleSocket, NEEDS_ROOT, withFolder } from "./samples.ts";

const access: SocketAccess = { mode: 0o660, account: undefined, gid: undefined };

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => {
      resolve(false);
    });
  });
}

describe("bindSocket", () => {
  it("makes a socket with the mode set, and takes away no other file than its own", () =>
    withFolder(async (folder) => {
      const address = { kind: "unix", path: join(folder, "s") } as const;
      const { server, listen } = bareServer();
      const bound = await bindSocket(listen, address, access);
      assert.equal(statSync(address.path).mode & 0o777, 0o660);
      assert.deepEqual(readdirSync(folder), ["s"]);
      assert.equal(await answers(address.path), true);
      await closed(server);
      bound.remove();
      assert.deepEqual(readdirSync(folder), []);
      writeFileSync(address.path, "another's");
      bound.remove();
      assert.ok(existsSync(address.path));
    }));

  it("has the mode set from the moment it can be found", () =>
    withFolder(async (folder) => {
      const path = join(folder, "s");
      const { server, listen } = bareServer();
      let found = true;
      await bindSocket(
        (options) => {
          const listening = listen(options);
          found = existsSync(path);
          if ("path" in options) assert.equal(statSync(options.path).mode & 0o777, 0o600);
          return listening;
        },
        { kind: "unix", path },
        access,
      );
      assert.equal(found, false);
      await closed(server);
    }));

  it("binds the longest path that the configuration takes, and makes no other name of it", () =>
    withFolder(async (folder) => {
      const inner = join(folder, "f".repeat(103 - folder.length - 2 - "smf-spf.sock".length));
      mkdirSync(inner);
      const path = join(inner, "smf-spf.sock");
      assert.equal(path.length, 103);
      const { server, listen } = bareServer();
      await bindSocket(listen, { kind: "unix", path }, access);
      assert.equal(await answers(path), true);
      assert.deepEqual(readdirSync(inner), ["smf-spf.sock"]);
      await closed(server);
    }));

  it("refuses with 69 a name that leaves no room for another one beside it", () =>
    withFolder(async (folder) => {
      const inner = join(folder, "f".repeat(103 - folder.length - 2 - "s".length));
      mkdirSync(inner);
      const { listen } = bareServer();
      const binding = bindSocket(listen, { kind: "unix", path: join(inner, "s") }, access);
      await assert.rejects(binding, daemonError(69, /name of eight letters or more/));
      assert.deepEqual(readdirSync(inner), []);
    }));

  it("keeps the umask of the process", () =>
    withFolder(async (folder) => {
      const former = process.umask(0o027);
      const { server, listen } = bareServer();
      try {
        await bindSocket(listen, { kind: "unix", path: join(folder, "s") }, access);
      } finally {
        assert.equal(process.umask(former), 0o027);
      }
      await closed(server);
    }));

  it("replaces a stale socket", () =>
    withFolder(async (folder) => {
      const path = join(folder, "s");
      leaveStaleSocket(path);
      assert.ok(lstatSync(path).isSocket());
      const { server, listen } = bareServer();
      await bindSocket(listen, { kind: "unix", path }, access);
      assert.equal(await answers(path), true);
      await closed(server);
    }));

  it("refuses with 69 when a daemon answers there, and leaves it alone", () =>
    withFolder(async (folder) => {
      const path = join(folder, "s");
      const first = bareServer();
      await bindSocket(first.listen, { kind: "unix", path }, access);
      const { ino } = statSync(path);
      await assert.rejects(
        bindSocket(bareServer().listen, { kind: "unix", path }, access),
        daemonError(69, /in use: a daemon answers/),
      );
      assert.equal(statSync(path).ino, ino);
      assert.equal(await answers(path), true);
      await closed(first.server);
    }));

  const foreign: [string, (path: string) => void][] = [
    [
      "a file",
      (path) => {
        writeFileSync(path, "precious");
      },
    ],
    [
      "a folder",
      (path) => {
        mkdirSync(path);
      },
    ],
    [
      "a symbolic link",
      (path) => {
        symlinkSync("/etc/passwd", path);
      },
    ],
    [
      "a dangling symbolic link",
      (path) => {
        symlinkSync("/nonexistent/x", path);
      },
    ],
  ];
  for (const [what, make] of foreign) {
    it(`refuses with 69 when ${what} is there, and does not remove it`, () =>
      withFolder(async (folder) => {
        const path = join(folder, "s");
        make(path);
        const before = lstatSync(path);
        await assert.rejects(
          bindSocket(bareServer().listen, { kind: "unix", path }, access),
          daemonError(69, /is not a socket; it is not removed/),
        );
        assert.equal(lstatSync(path).ino, before.ino);
      }));
  }

  it("lets one of many win that start at once over a stale socket", () =>
    withFolder(async (folder) => {
      const path = join(folder, "s");
      leaveStaleSocket(path);
      const servers: Server[] = [];
      const outcomes = await Promise.allSettled(
        Array.from({ length: 5 }, async () => {
          const { server, listen } = bareServer();
          await bindSocket(listen, { kind: "unix", path }, access);
          servers.push(server);
        }),
      );
      assert.equal(servers.length, 1);
      for (const outcome of outcomes) {
        if (outcome.status === "rejected") assert.ok(daemonError(69, /in use|is starting/)(outcome.reason));
      }
      assert.equal(await answers(path), true);
      for (const server of servers) await closed(server);
    }));

  it(
    "refuses with 69 when the folder may not be written to",
    { skip: NEEDS_ROOT === false && "root may write anywhere" },
    () =>
      withFolder(async (folder) => {
        chmodSync(folder, 0o500);
        await assert.rejects(
          bindSocket(bareServer().listen, { kind: "unix", path: join(folder, "s") }, access),
          daemonError(69, /permission denied/),
        );
        chmodSync(folder, 0o700);
      }),
  );

  it("gives the socket to user and group as root", { skip: NEEDS_ROOT }, () =>
    withFolder(async (folder) => {
      const path = join(folder, "s");
      const { server, listen } = bareServer();
      const account = { name: "x", uid: 12345, gid: 23456 };
      await bindSocket(listen, { kind: "unix", path }, { mode: 0o660, account, gid: 34567 });
      assert.deepEqual([statSync(path).uid, statSync(path).gid], [12345, 34567]);
      await closed(server);
    }),
  );

  it("works in a folder of User's with User's rights, and is root again after it", { skip: NEEDS_ROOT }, () =>
    withFolder(async (folder) => {
      const path = join(folder, "s");
      const account = { name: "x", uid: 12345, gid: 23456 };
      chownSync(folder, account.uid, account.gid);
      const { server, listen } = bareServer();
      let uid: number | undefined;
      const watched: typeof listen = (options) => {
        uid = process.geteuid?.();
        return listen(options);
      };
      await bindSocket(watched, { kind: "unix", path }, { mode: 0o660, account, gid: 34567 });
      assert.equal(uid, account.uid);
      assert.equal(process.geteuid?.(), 0);
      assert.deepEqual([statSync(path).uid, statSync(path).gid], [12345, 34567]);
      assert.equal(statSync(path).mode & 0o777, 0o660);
      await closed(server);
    }),
  );

  it("binds a port, and refuses with 69 when it is taken", async () => {
    const first = bareServer();
    await bindSocket(first.listen, { kind: "inet", host: "localhost", port: 0 }, access);
    const bound = first.server.address();
    assert.ok(typeof bound === "object" && bound !== null);
    assert.equal(bound.address, "127.0.0.1");
    await assert.rejects(
      bindSocket(bareServer().listen, { kind: "inet", host: "127.0.0.1", port: bound.port }, access),
      daemonError(69, /Socket inet:\d+@127\.0\.0\.1 cannot be bound: another program listens there/),
    );
    await closed(first.server);
  });

  it("refuses with 69 when the address is not this host's", async () => {
    await assert.rejects(
      bindSocket(bareServer().listen, { kind: "inet", host: "192.0.2.77", port: 0 }, access),
      daemonError(69, /no such address/),
    );
  });
});
