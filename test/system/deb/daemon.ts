/** The daemon of the package in a machine, as its administrator sees it. */
import { MtaPlayer, openSocket } from "../../support/mta-player.ts";
import type { Machine } from "./machine.ts";

export const CONFIG = "/etc/mail/smfs/smf-spf.conf";
export const SOCKET = "/run/smfs/smf-spf.sock";
export const PID_FILE = "/run/smfs/smf-spf.pid";
const SAMPLE = "/usr/share/doc/smf-spf/examples/smf-spf.conf.sample";

export class PackagedDaemon {
  readonly #machine: Machine;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  pid(): number {
    return Number(this.#machine.must(`cat ${PID_FILE}`));
  }

  /** What systemd says of a property of the service. */
  property(name: string): string {
    return this.#machine.must(`systemctl show -P ${name} smf-spf`).trim();
  }

  journal(): string {
    return this.#machine.must("journalctl --sync; journalctl -u smf-spf -o cat --no-pager");
  }

  /** What is answered to the sender at MAIL: `reply` where it is refused. */
  async verdict(from: string): Promise<string> {
    const mta = new MtaPlayer(await openSocket(this.#machine.path(SOCKET)));
    await mta.connect({ hostname: "mail.example.net", address: "192.0.2.1" });
    await mta.helo("mail.example.net");
    const { kind } = (await mta.message({ from: `<${from}>`, recipients: ["<b@c.test>"] })).verdict;
    mta.quit();
    return kind;
  }

  /** Settings in addition to the package's own, without any name server: fail.test fails, and pass.test passes. */
  configure(...lines: string[]): void {
    const records = ["OverrideRecord fail.test v=spf1 -all", "OverrideRecord pass.test v=spf1 +all"];
    this.#machine.must(`cp ${SAMPLE} /root/conf`);
    this.#machine.must(`cat /root/conf - > ${CONFIG}`, Buffer.from([...records, ...lines, ""].join("\n")));
  }
}
