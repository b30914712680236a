import type { Zone } from "../../support/nameserver/index.ts";

/** The domains of the demonstration. */
export const ZONE: Zone = {
  "spf.example.jp": [{ TXT: "v=spf1 ip4:192.0.2.0/29 include:_spf.example.net -all" }],
  "_spf.example.net": [{ TXT: "v=spf1 ip6:2001:db8::/32 ~all" }],
  "mail.example.jp": [{ TXT: "v=spf1 a -all" }, { A: "192.0.2.1" }],
  "uso.example.jp": [{ TXT: "v=spf1 ip4:192.0.2.128/25 ~all" }],
  "strict.example.jp": [{ TXT: "v=spf1 mx -all exp=why.strict.example.jp" }, { MX: [10, "mail.example.jp"] }],
  "why.strict.example.jp": [{ TXT: "Mail of %{d} never comes from %{i}." }],
  "box.example.jp": [{ TXT: "v=spf1 -all" }],
  "broken.example.jp": ["SERVFAIL"],
};
