import type { MessageOutcome, PlayedMessage } from "../../support/mta-player.ts";

/** One message of the demonstration, and what has to come of it. */
export interface Scene {
  readonly title: string;
  /** What the reader should see in it. */
  readonly about: string;
  readonly client: { readonly hostname: string; readonly address: string };
  readonly helo: string;
  readonly message: PlayedMessage;
  readonly expect: {
    readonly stage: MessageOutcome["stage"];
    /** The code of the refusal; undefined where the message is taken. */
    readonly code?: "451" | "550";
    /** Fields, tag and recipients that the filter asks for, in order: each must match. */
    readonly edits: readonly RegExp[];
    /** Lines of the log, in order: each must match. */
    readonly log: readonly RegExp[];
  };
}

const FRIEND = { hostname: "mail.example.jp", address: "192.0.2.1" };
const STRANGER = { hostname: "[192.0.2.9]", address: "192.0.2.9" };
const TO = ["<you@example.com>"];

const mail = (
  from: string,
  subject: string,
  extra: readonly (readonly [string, string])[] = [],
): PlayedMessage => ({
  from: `<${from}>`,
  recipients: TO,
  headers: [
    ...extra,
    ["From", from === "" ? "MAILER-DAEMON" : from],
    ["To", "you@example.com"],
    ["Subject", subject],
  ],
  body: "Hello.\r\n",
});

/** In the order in which they are played. */
export const SCENES: readonly Scene[] = [
  {
    title: "pass",
    about: "The client is one of the domain's hosts. Two header fields at the top say so.",
    client: FRIEND,
    helo: "mail.example.jp",
    message: mail("mikio@spf.example.jp", "The minutes"),
    expect: {
      stage: "endOfMessage",
      edits: [
        /^insert Received-SPF: Pass .*designates 192\.0\.2\.1 as permitted/s,
        /^insert Authentication-Results: .*spf=pass\s+smtp\.mailfrom=mikio@spf\.example\.jp/s,
      ],
      log: [/SPF pass: 192\.0\.2\.1, mail\.example\.jp, mail\.example\.jp, mikio@spf\.example\.jp$/],
    },
  },
  {
    title: "pass, and a forged result",
    about: "The sender has put in an Authentication-Results field under our name. It is removed.",
    client: FRIEND,
    helo: "mail.example.jp",
    message: mail("mikio@spf.example.jp", "Trust me", [
      ["Authentication-Results", "mx.example.test; spf=pass smtp.mailfrom=bank.example"],
    ]),
    expect: {
      stage: "endOfMessage",
      edits: [
        /^delete Authentication-Results$/,
        /^insert Received-SPF: Pass /,
        /^insert Authentication-Results: .*mikio@spf\.example\.jp/s,
      ],
      log: [/SPF pass \(cached\): 192\.0\.2\.1, /, /Authentication-Results/],
    },
  },
  {
    title: "none",
    about: "The domain publishes no policy. The message is accepted as it is.",
    client: STRANGER,
    helo: "mail.example.org",
    message: mail("someone@nothing.example.jp", "Hello"),
    expect: {
      stage: "endOfMessage",
      edits: [/^insert Received-SPF: None /, /^insert Authentication-Results: .*spf=none/s],
      log: [/SPF none: 192\.0\.2\.9, \[192\.0\.2\.9\], mail\.example\.org, someone@nothing\.example\.jp$/],
    },
  },
  {
    title: "softfail",
    about: "The domain says: probably forged, but do not refuse it. The Subject is tagged.",
    client: STRANGER,
    helo: "mail.example.org",
    message: mail("mail@uso.example.jp", "You have won"),
    expect: {
      stage: "endOfMessage",
      edits: [
        /^change Subject: \[SPF:fail\] You have won$/,
        /^insert Received-SPF: SoftFail /,
        /^insert Authentication-Results: .*spf=softfail/s,
      ],
      log: [/SPF softfail: 192\.0\.2\.9, /, /tagged/],
    },
  },
  {
    title: "fail",
    about: "The domain wants such mail refused, and it is. The reply carries its own explanation.",
    client: STRANGER,
    helo: "mail.example.org",
    message: mail("boss@strict.example.jp", "Urgent"),
    expect: {
      stage: "mail",
      code: "550",
      edits: [],
      log: [/SPF fail: 192\.0\.2\.9, /, /refused.*550 5\.7\.23/],
    },
  },
  {
    title: "fail, quarantined",
    about: "A PolicyFor line for that sender: its mail goes to the postmaster instead.",
    client: STRANGER,
    helo: "mail.example.org",
    message: mail("me@box.example.jp", "Look at this"),
    expect: {
      stage: "endOfMessage",
      edits: [
        /^change Subject: \[SPF:fail\] Look at this$/,
        /^insert Received-SPF: Fail /,
        /^insert Authentication-Results: .*spf=fail/s,
        /^(insert|add) X-SPF-Original-To: <you@example\.com>$/,
        /^delete recipient <you@example\.com>$/,
        /^add recipient <postmaster>$/,
      ],
      log: [/SPF fail: 192\.0\.2\.9, /, /SPF tagged: /, /SPF quarantined: .*to=<you@example\.com>/],
    },
  },
  {
    title: "null sender",
    about: "A bounce has no sender. The HELO name is checked instead.",
    client: FRIEND,
    helo: "mail.example.jp",
    message: mail("", "Undelivered mail"),
    expect: {
      stage: "endOfMessage",
      edits: [
        /^insert Received-SPF: Pass .*identity=helo/s,
        /^insert Authentication-Results: .*smtp\.helo=mail\.example\.jp/s,
      ],
      log: [/SPF pass: 192\.0\.2\.1, mail\.example\.jp, mail\.example\.jp, <>$/],
    },
  },
  {
    title: "temperror",
    about: "The domain's name server is broken. The sender has to try again later (AcceptTempError off).",
    client: STRANGER,
    helo: "mail.example.org",
    message: mail("a@broken.example.jp", "Hello"),
    expect: {
      stage: "mail",
      code: "451",
      edits: [],
      log: [/SPF temperror: 192\.0\.2\.9, /, /SPF refused: .*451 4\.7\.24/],
    },
  },
  {
    title: "whitelisted client",
    about: "A host of our own network (WhitelistIP) is not checked at all.",
    client: { hostname: "printer.lan", address: "10.0.0.7" },
    helo: "printer.lan",
    message: mail("boss@strict.example.jp", "Scan 4711"),
    expect: { stage: "mail", edits: [], log: [/WhitelistIP/] },
  },
  {
    title: "authenticated user",
    about: "A client that has authenticated is not checked (SkipAuth).",
    client: { hostname: "laptop.example.net", address: "198.51.100.20" },
    helo: "laptop",
    message: {
      ...mail("boss@strict.example.jp", "From the train"),
      macros: { mail: { "{auth_authen}": "boss" } },
    },
    expect: { stage: "mail", edits: [], log: [/auth/i] },
  },
];
