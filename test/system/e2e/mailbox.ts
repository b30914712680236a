/** Where the MTAs' local delivery ends: one file a message in a folder for each mailbox. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { RIG } from "./namespace.ts";

const MAIL = join(RIG, "mail");

/** The delivery program of both MTAs: `deliver LOCAL-PART`, the message on standard input. */
export const DELIVER = join(RIG, "deliver");

const SCRIPT = `#!/bin/sh
umask 0
box=$1
case $box in */*|.|..) box=odd ;; esac
mkdir -p "${MAIL}/$box" || exit 75
cat > "${MAIL}/$box/$$.part" && mv "${MAIL}/$box/$$.part" "${MAIL}/$box/$$.eml" || exit 75
`;

export function makeMailboxes(): void {
  mkdirSync(MAIL);
  chmodSync(MAIL, 0o1777);
  writeFileSync(DELIVER, SCRIPT);
  chmodSync(DELIVER, 0o755);
}

/** The messages of every mailbox that has any, in the order of their delivery, as octet strings. */
export function readMailboxes(): Map<string, string[]> {
  const boxes = new Map<string, string[]>();
  for (const box of readdirSync(MAIL).sort()) {
    const messages = readdirSync(join(MAIL, box))
      .filter((name) => name.endsWith(".eml"))
      .map((name) => ({
        path: join(MAIL, box, name),
        at: statSync(join(MAIL, box, name), { bigint: true }).mtimeNs,
      }))
      .sort((a, b) => (a.at < b.at ? -1 : 1))
      .map(({ path }) => readFileSync(path, "latin1"));
    if (messages.length > 0) boxes.set(box, messages);
  }
  return boxes;
}

/** Forgets every message. */
export function emptyMailboxes(): void {
  if (!existsSync(MAIL)) return;
  for (const box of readdirSync(MAIL)) rmSync(join(MAIL, box), { recursive: true, force: true });
}
