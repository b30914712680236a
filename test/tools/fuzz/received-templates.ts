/** Received fields as MTAs write them, each with what it does to the client's words. */

/** What a client chooses of a Received field, in octets without line ends. */
export interface ClientWords {
  readonly helo: string;
  readonly ident: string;
  /** What the client's network says its name is. */
  readonly ptr: string;
  /** Local parts of the sender and of the recipient. */
  readonly sender: string;
  readonly recipient: string;
}

export interface ReceivedTemplate {
  readonly name: string;
  readonly write: (words: ClientWords, ip: string) => string;
}

const DATE = "Sun, 22 Nov 2026 03:18:00 +0900";

/** Postfix puts `?` in place of what could be taken for structure. */
const neutered = (text: string): string => text.replace(/[^!-~]|[<>()\\";:@]/g, "?");
/** Sendmail takes a HELO name up to the first octet that is none of a name. */
const nameOf = (text: string): string => /^[\w[\].#:-]*/.exec(text)?.[0] ?? "";
/** What qmail lets pass; qmail-ldap and notqmail brackets, too. */
const safe = (text: string): string => text.replace(/[^A-Za-z0-9.@%+/=:-]/g, "?");
const safeWithBrackets = (text: string): string => text.replace(/[^A-Za-z0-9.@%+/=:_#[\]-]/g, "?");
const printable = (text: string): string => text.replace(/[^ -~]/g, "?");
/** An address in its external form: what is not an atom is quoted. */
const path = (local: string): string =>
  /^[\w.+-]+$/.test(local)
    ? `<${local}@rig.test>`
    : `<"${printable(local).replace(/["\\]/g, "\\$&")}"@rig.test>`;
/** A name that a resolver takes for one; else the MTA writes none. */
const hostOf = (ptr: string): string | undefined => (/^[\w.-]+$/.test(ptr) ? ptr : undefined);

export const TEMPLATES: readonly ReceivedTemplate[] = [
  {
    name: "Postfix",
    write: ({ helo, ptr, recipient }, ip) =>
      `from ${neutered(helo)} (${hostOf(ptr) ?? "unknown"} [${ip}])\n\tby relay.test (Postfix) with ESMTP id 4XrLpt5Dqgz1x\n\tfor ${path(recipient)}; ${DATE} (JST)`,
  },
  {
    name: "Postfix with a client certificate",
    write: ({ helo, ptr, ident }, ip) =>
      `from ${neutered(helo)} (${hostOf(ptr) ?? "unknown"} [${ip}])\n\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)\n\t key-exchange X25519 server-signature RSA-PSS (2048 bits))\n\t(Client CN "${printable(ident).replace(/[()"\\]/g, "?")}", Issuer "x" (not verified))\n\tby relay.test (Postfix/Debian) with ESMTPS id 4XrLpt5Dqgz1x;\n\t${DATE} (JST)`,
  },
  {
    name: "Sendmail",
    write: ({ helo, ident, ptr, recipient }, ip) =>
      `from ${nameOf(helo)} (${ident === "" ? "" : `${ident.replace(/[^\w!#$%&'*+./^`{|}~=-]/g, "")}@`}${hostOf(ptr) ?? ""} [${ip}])\n\tby relay.test (8.17.1/8.17.1) with ESMTP id 4AM3I0Hx012344\n\tfor ${path(recipient)}; ${DATE}`,
  },
  {
    name: "Sendmail with a name that may be forged",
    write: ({ helo, ptr }, ip) =>
      `from ${nameOf(helo)} (${hostOf(ptr) ?? "x"} [${ip}] (may be forged))\n\tby relay.test (8.12.10/8.12.10/SuSE Linux 0.7) with SMTP id hAM3I0Hx012344;\n\t${DATE}`,
  },
  {
    name: "Exim",
    write: ({ helo, ident, ptr, sender, recipient }, ip) => {
      const said = ` helo=${nameOf(helo) || "x"}${ident === "" ? "" : ` ident=${printable(ident)}`}`;
      const host = hostOf(ptr);
      const from = host === undefined ? `[${ip}] (port=4711${said})` : `${host} ([${ip}]:4711${said})`;
      return `from ${from}\n\tby relay.test with esmtps (TLS1.3) tls TLS_AES_256_GCM_SHA384\n\t(Exim 4.96)\n\t(envelope-from ${path(sender)})\n\tid 1vMxyz-0001ab-2c\n\tfor ${path(recipient).slice(1, -1)};\n\t${DATE}`;
    },
  },
  {
    name: "qmail",
    write: ({ helo, ident, ptr }, ip) =>
      `from ${safe(ptr) || "unknown"} (HELO ${safe(helo)}) (${ident === "" ? "" : `${safe(ident)}@`}${ip})\n  by relay.test with SMTP; 22 Nov 2026 03:18:00 -0000`,
  },
  {
    name: "notqmail that lets brackets pass",
    write: ({ helo, ident, ptr }, ip) =>
      `from ${safeWithBrackets(ptr) || "unknown"} (HELO ${safeWithBrackets(helo)}) (${ident === "" ? "" : `${safeWithBrackets(ident)}@`}${ip})\n  by relay.test with ESMTPS; 22 Nov 2026 03:18:00 -0000`,
  },
  {
    name: "qmail-ldap",
    write: ({ helo, ident, ptr, sender, recipient }, ip) =>
      `from ${safeWithBrackets(ptr) || "unknown"} (HELO ${safeWithBrackets(helo)}) (${ident === "" ? "" : `${safeWithBrackets(ident)}@`}[${ip}])\n          (envelope-sender <${safeWithBrackets(sender)}@rig.test>)\n          by relay.test (qmail-ldap-1.03) with SMTP\n          for <${safeWithBrackets(recipient)}@rig.test>; 22 Nov 2026 03:18:00 -0000`,
  },
  {
    name: "Haraka",
    write: ({ helo, ptr, sender }, ip) =>
      `from ${helo} (${ptr === "" ? "" : `${ptr} `}[${ip}])\r\n\tby relay.test (Haraka/3.0.5) with ESMTPS id 7A1B2C3D-0000-4000-8000-000000000000.1\r\n\tenvelope-from ${path(sender)}\r\n\ttls TLS_AES_256_GCM_SHA384;\r\n\t${DATE}`,
  },
  {
    name: "maddy",
    write: ({ helo, ptr, sender }, ip) =>
      `from ${helo} (${ptr === "" ? "" : `${ptr} `}[${ip}]) by relay.test (envelope-sender ${path(sender)}) with UTF8ESMTPS id e2bfb479; ${DATE}`,
  },
  {
    name: "CommuniGate Pro",
    write: ({ helo, recipient }, ip) =>
      `from [${ip}] (HELO ${helo})\n  by relay.test (CommuniGate Pro SMTP 6.2.15)\n  with ESMTPS id 69788826 for ${path(recipient).slice(1, -1)}; ${DATE}`,
  },
  {
    name: "CommuniGate Pro with a verified name",
    write: ({ helo }, ip) =>
      `from ${safeWithBrackets(helo).replace(/^\[/, "?") || "x"} ([${ip}] verified)\n  by relay.test (CommuniGate Pro SMTP 5.4.8)\n  with ESMTP id 43698954; ${DATE}`,
  },
  {
    name: "Cisco ESA",
    write: ({ helo, ptr, ident }, ip) =>
      `from ${hostOf(ptr) ?? "unknown"} (HELO ${helo}) (${ident === "" ? "" : `${safe(ident)}@`}[${ip}])\n  by relay.test with ESMTP/TLS/ECDHE-RSA-AES256-GCM-SHA384; 22 Nov 2026 03:18:00 +0900`,
  },
  {
    name: "James",
    write: ({ helo, ptr, recipient }, ip) =>
      `from ${hostOf(ptr) ?? ip} (EHLO ${helo}) ([${ip}])\n          by relay.test (JAMES SMTP Server 2.3.2) with SMTP ID 798\n          for ${path(recipient)};\n          ${DATE} (JST)`,
  },
  {
    name: "Microsoft SMTPSVC",
    write: ({ helo }, ip) =>
      `from ${helo} ([${ip}] unverified) by relay.test with Microsoft SMTPSVC(6.0.3790.4675);\n\t ${DATE}`,
  },
  {
    name: "Microsoft Exchange",
    write: ({ helo }, ip) =>
      `from ${helo} (${ip}) by\n relay.test (10.0.0.1) with Microsoft SMTP Server (version=TLS1_2,\n cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) id 15.2.1118.40; ${DATE}`,
  },
  {
    name: "MDaemon",
    write: ({ helo, recipient }, ip) =>
      `from ${helo} ([${ip}])\n\tby relay.test (relay.test)\n\t(MDaemon PRO v9.6.5)\n\twith ESMTP id md50001359993.msg\n\tfor ${path(recipient)}; ${DATE}`,
  },
  {
    name: "old MDaemon",
    write: ({ helo }, ip) =>
      `from ${helo} [${ip}] by relay.test [10.0.0.1]\n\twith SMTP (MDaemon.v3.5.7.R)\n\tfor <bob@rig.test>; ${DATE}`,
  },
  {
    name: "Courier",
    write: ({ helo, ptr, ident }, ip) =>
      `from ${helo} (${ptr === "" ? "" : `${ptr} `}[::ffff:${ip}])\n  (IDENT: ${safe(ident)}, TLS: TLSv1.3,256bits,TLS_AES_256_GCM_SHA384)\n  by relay.test with ESMTPS; ${DATE}\n  id 0000000000000301.0000000049D1F1E4.00006C7B`,
  },
  {
    name: "OpenSMTPD",
    write: ({ helo, ptr, recipient }, ip) =>
      `from ${nameOf(helo)} (${hostOf(ptr) ?? "<unknown>"} [${ip}])\n\tby relay.test (OpenSMTPD) with ESMTPS id 8d1f0e3c (TLSv1.3:TLS_AES_256_GCM_SHA384:256:NO)\n\tfor ${path(recipient)};\n\t${DATE} (JST)`,
  },
  {
    name: "old OpenSMTPD",
    write: ({ helo, ptr, recipient }, ip) =>
      `from ${nameOf(helo)} (${hostOf(ptr) ?? "<unknown>"} [${ip}]);\n\tby relay.test (OpenSMTPD) with ESMTP id 8d1f0e3c;\n\tTLS version=TLSv1/SSLv3 cipher=AES256-SHA bits=256 verify=NO;\n\tfor ${path(recipient)};\n\t${DATE} (JST)`,
  },
  {
    name: "amavis",
    write: ({ helo }, ip) =>
      `from ${helo} ([${ip}])\n\tby localhost (relay.test [127.0.0.1]) (amavisd-new, port 10024)\n\twith ESMTP id abcDEF123; ${DATE} (JST)`,
  },
];

/** The writers whose host names are verified. */
export const VERIFYING = /^(?:Postfix|Sendmail|Exim)/;
