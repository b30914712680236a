/** A real daemon with a status page, a name server of its own, and a mix of mail whose figures are known. */
import { chownSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { MtaPlayer, openSocket } from "../../support/mta-player.ts";
import { startNameserver, type Zone } from "../../support/nameserver/index.ts";
import { Daemon } from "../scenario/daemon.ts";

const NOBODY = 65534;

const ZONE: Zone = {
  "good.example": [{ TXT: "v=spf1 ip4:192.0.2.0/28 -all" }],
  "uso.example": [{ TXT: "v=spf1 ip4:192.0.2.0/28 -all" }],
  "shop.example": [{ TXT: "v=spf1 include:_spf.shop.example -all" }],
  "_spf.shop.example": [{ TXT: "v=spf1 ip4:192.0.2.16/28 -all" }],
  "news.example": [{ TXT: "v=spf1 ip4:192.0.2.32/28 ~all" }],
  "two.example": [{ TXT: "v=spf1 mx -all" }, { TXT: "v=spf1 a -all" }],
  "broken.example": ["SERVFAIL"],
};

export interface Mail {
  readonly times: number;
  readonly from: string;
  readonly address: string;
  readonly hostname?: string;
}

/** The mix, in this order. */
export const MAIL: readonly Mail[] = [
  { times: 40, from: "anna@good.example", address: "192.0.2.1", hostname: "mx.good.example" },
  { times: 12, from: "orders@shop.example", address: "192.0.2.20", hostname: "out.shop.example" },
  { times: 5, from: "someone@nothing.example", address: "198.51.100.8" },
  { times: 4, from: "post@news.example", address: "198.51.100.7", hostname: "web.hoster.example" },
  { times: 3, from: "info@two.example", address: "198.51.100.5" },
  { times: 2, from: "info@broken.example", address: "198.51.100.6" },
  { times: 6, from: "mail@uso.example", address: "203.0.113.9" },
  // A forwarder that keeps the senders of others.
  { times: 2, from: "anna@good.example", address: "203.0.113.40", hostname: "lists.forward.example" },
  { times: 2, from: "orders@shop.example", address: "203.0.113.40", hostname: "lists.forward.example" },
  { times: 1, from: "mail@uso.example", address: "203.0.113.40", hostname: "lists.forward.example" },
  { times: 1, from: '"<img src=x onerror=alert(1)>"@uso.example', address: "203.0.113.9" },
];

/** What the page has to show of it. */
export const EXPECTED = { pass: 52, none: 5, softfail: 4, permerror: 3, temperror: 2, fail: 12, neutral: 0 };

/** The daemon after that mail. */
export interface StatusRig {
  readonly url: string;
  readonly configFile: string;
  readonly play: (mail: readonly Mail[]) => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** Starts the daemon with the page on a port, and plays the mail. */
export async function startStatusRig(
  port: number,
  { mail = MAIL, environment = {} }: { mail?: readonly Mail[]; environment?: Record<string, string> } = {},
): Promise<StatusRig> {
  const folder = mkdtempSync(join(tmpdir(), "smf-spf-status-"));
  const isRoot = process.getuid?.() === 0;
  if (isRoot) chownSync(folder, NOBODY, NOBODY);
  const nameserver = await startNameserver(ZONE);
  const socket = join(folder, "smf-spf.sock");
  const settings = [
    `User ${isRoot ? "nobody" : userInfo().username}`,
    `Socket unix:${socket}`,
    `PidFile ${join(folder, "smf-spf.pid")}`,
    "Syslog none",
    `LogTo ${join(folder, "maillog")}`,
    `Nameserver ${nameserver.address}:${nameserver.port}`,
    "WhitelistIP 10.0.0.0/8",
    "RefuseFail on",
    `StatusSocket inet:${port}@127.0.0.1`,
  ];
  const place = {
    folder,
    socket,
    pidFile: join(folder, "smf-spf.pid"),
    socketMode: 0o600,
    settings: `${settings.join("\n")}\n`,
  };
  const daemon = await Daemon.start(place, { settings: "", files: new Map(), environment });
  const play = async (mails: readonly Mail[]): Promise<void> => {
    for (const [index, { times, from, address, hostname = `[${address}]` }] of mails.entries()) {
      for (let nth = 0; nth < times; nth++) {
        const mta = new MtaPlayer(await openSocket(socket));
        await mta.connect({ hostname, address });
        await mta.helo(hostname.startsWith("[") ? "mail.example" : hostname);
        const queueId = `4AT${String(index * 100 + nth).padStart(5, "0")}`;
        await mta.message({ from: `<${from}>`, recipients: ["<you@example.com>"], queueId });
        mta.quit();
      }
    }
  };
  await play(mail);
  return {
    url: `http://127.0.0.1:${port}`,
    configFile: join(folder, "smf-spf.conf"),
    play,
    stop: async () => {
      await daemon.stop();
      await nameserver.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
