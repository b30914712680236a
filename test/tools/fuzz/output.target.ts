/**
 * A whole message with hostile values everywhere, through session, filter and check_host(). What goes out is read by
 * strict checkers: replies, fields, log lines.
 */
import assert from "node:assert/strict";
import type { Edit } from "milter-protocol";
import type { FilterEvent } from "../../../src/filter/index.ts";
import { eventLines, JsonLines, type TextFormat } from "../../../src/logging/event-line.ts";
import type { MessageOutcome, Verdict } from "../../support/mta-player.ts";
import { FilterBench } from "../../system/hardening/filter-bench.ts";
import {
  Reader,
  readAuthenticationResults,
  readReceivedSpf,
  unfold,
} from "../../unit/trace-fields/field-grammar.ts";
import type { Rng } from "./rng.ts";

export const name = "output";

/** The values of one message, in the order of the input. */
const FIELDS = [
  "hostname",
  "address",
  "helo",
  "path",
  "parameter",
  "recipient",
  "field",
  "subject",
  "results",
  "explanation",
  "record",
  "ourName",
  "queueId",
] as const;
type Values = Record<(typeof FIELDS)[number], string>;

const ORDINARY: Values = {
  hostname: "mail.sender.test",
  address: "192.0.2.9",
  helo: "mail.sender.test",
  path: "<user@sender.test>",
  parameter: "SIZE=100",
  recipient: "<user@here.test>",
  field: "a value",
  subject: "hello",
  results: "mx.here.test; spf=pass",
  explanation: "%{s} may not send from %{i}",
  record: "v=spf1 exists:%{l}.%{h}.sender.test exp=e.sender.test -all",
  ourName: "mx.here.test",
  queueId: "QUEUE1",
};

/** Configurations that speak in every way. */
const CONFIGURATIONS = [
  "",
  "CheckHelo on\nRejectAt eom\nRefuseSPFNone on\nRefusePermError on\nRefuseSoftFail on\nAcceptTempError off",
  "RefuseFail off\nQuarantine on\nSPFGuess a/24 mx/24 ptr\nRemoveForgedHeaders all",
  "WhitelistTo vip@\nRejectReason {sender} {domain} {helo} {ip} {host} {result} {explanation} %2$s 100%",
  "SPFBehavior 6\nSPFRules include:%{d} -all\nSPFExplanation no: %{l} %{h} %{p}\nSoftFail on",
  "TrustedRelay 192.0.2.0/24\nQuarantine on\nQuarantineMode hold\nReportOnly on\nRelaxedLocalPart on",
];

const TOKENS = [
  "\r\n",
  "\n",
  "\r",
  "\0",
  '"',
  "\\",
  "(",
  ")",
  ";",
  "=",
  " ",
  "\t",
  "%",
  "%%",
  "%n%s",
  "<",
  ">",
  "@",
  ".",
  ",",
]
  .concat([
    "<0>",
    "\nX-Injected: yes",
    "\r\n550 5.7.1 no",
    "; spf=pass",
    "mx.here.test; spf=pass",
    "\xff",
    "\xc3\xa4",
    "\xe2\x80\xa8",
    "\x1b[2J",
  ])
  .concat([
    "x".repeat(300),
    "a.".repeat(130),
    '"'.repeat(90),
    "\\".repeat(90),
    "%{s}",
    "%{l}",
    "%{h}",
    "SMTPUTF8",
    "<>",
    "unknown",
    "[192.0.2.9]",
  ])
  .concat([
    "v=spf1 ~all",
    "v=spf1 ?all",
    "v=spf1 +all",
    "v=spf1 bad",
    " exp=e.sender.test",
    " -all",
    "{sender}",
    "vip@here.test",
    "SPF pass: ",
  ]);

/** An octet chooses the configuration; the values follow, each with two octets of length. */
export async function replay(input: Buffer): Promise<void> {
  const values = { ...ORDINARY };
  let at = 1;
  for (const field of FIELDS) {
    if (at + 2 > input.length) break;
    const end = at + 2 + input.readUInt16BE(at);
    values[field] = input.toString("latin1", at + 2, end);
    at = end;
  }
  await play(CONFIGURATIONS[(input[0] ?? 0) % CONFIGURATIONS.length] ?? "", values);
}

export function makeInput(rng: Rng): Buffer {
  const parts: Buffer[] = [Buffer.of(rng.below(256))];
  for (const field of FIELDS) {
    const value = Buffer.from(rng.once(3) ? hostile(rng, ORDINARY[field]) : ORDINARY[field], "latin1");
    const length = Buffer.alloc(2);
    length.writeUInt16BE(value.length);
    parts.push(length, value);
  }
  return Buffer.concat(parts);
}

function hostile(rng: Rng, ordinary: string): string {
  let text = rng.once(4) ? "" : ordinary;
  for (let n = 1 + rng.below(5); n > 0; n--) {
    const token = rng.once(6) ? rng.bytes(rng.below(12)).toString("latin1") : rng.pick(TOKENS);
    const place = rng.below(text.length + 1);
    text = text.slice(0, place) + token + text.slice(place);
  }
  return text;
}

/** The wire has no NUL inside a string. */
const withoutNul = (text: string): string => text.replaceAll("\0", "");

async function play(configuration: string, given: Values): Promise<void> {
  const v = Object.fromEntries(
    Object.entries(given).map(([field, text]) => [field, withoutNul(text)]),
  ) as Values;
  const bench = new FilterBench(configuration, {
    "*.test": [{ TXT: given.record }],
    "e.sender.test": [{ TXT: given.explanation }],
    "9.2.0.192.in-addr.arpa": [{ PTR: "mail.sender.test" }],
  });
  const mta = bench.mta();
  await mta.connect({ hostname: v.hostname, address: v.address, family: "inet" }, { j: v.ourName });
  await mta.helo(v.helo);
  const parameters = v.parameter === "" ? [] : v.parameter.split(" ");
  const outcome = await mta.message({
    from: v.path,
    parameters,
    recipients: [v.recipient, "<other@here.test>"],
    headers: [
      ["Received", v.field],
      ["Subject", v.subject],
      ["Authentication-Results", v.results],
      ["X-SPF-Guess", v.field],
    ],
    queueId: v.queueId,
  });
  mta.quit();
  const smtputf8 = parameters.some((parameter) => parameter.toUpperCase() === "SMTPUTF8");
  for (const verdict of [outcome.verdict, ...outcome.recipients.map((recipient) => recipient.verdict)]) {
    checkReply(verdict);
  }
  checkEdits(outcome, smtputf8);
  for (const event of bench.events) checkLog(event);
}

/** Every line has the same code, is printable and short; the decoder has seen to it that each % was doubled. */
function checkReply(verdict: Verdict): void {
  if (verdict.kind !== "reply") return;
  const lines = verdict.text.split("\r\n");
  for (const [at, line] of lines.entries()) {
    const [, code, sign, enhanced] = /^(4\d\d|5\d\d)([ -])([45]\.\d\.\d{1,2}) [\x20-\x7e]*$/.exec(line) ?? [];
    assert.equal(code, verdict.code, line);
    assert.equal(enhanced?.charAt(0), verdict.code.charAt(0));
    assert.equal(sign, at === lines.length - 1 ? " " : "-");
    assert.ok(line.length <= 509);
  }
}

function checkEdits({ edits }: MessageOutcome, smtputf8: boolean): void {
  const results = new Map<string, string>();
  for (const edit of edits) {
    if ("value" in edit && edit.name !== "Subject" && !smtputf8) assert.match(edit.value, /^[\n\x20-\x7e]*$/);
    if (edit.kind === "insertHeader") checkField(edit, results);
    else if (edit.kind === "changeHeader" && edit.name !== "Subject") assert.equal(edit.value, "");
    else if (edit.kind === "addRecipient") assert.equal(edit.path, "<postmaster>");
    else if ("value" in edit) assert.doesNotMatch(edit.value, /\n(?![ \t])|[\0\r]/);
    else if ("reason" in edit) assert.match(edit.reason, /^[\x20-\x7e]+$/);
  }
  // Both fields tell the one result (RFC 7208 section 9.2).
  const [a, b] = [results.get("Authentication-Results"), results.get("Received-SPF")];
  if (a !== undefined && b !== undefined) assert.equal(a, b);
}

function checkField(
  { name: field, value }: Extract<Edit, { kind: "insertHeader" }>,
  results: Map<string, string>,
): void {
  switch (field) {
    case "Authentication-Results": {
      const { results: found } = readAuthenticationResults(value);
      assert.ok(found.length <= 2 && found.every(({ method }) => method === "spf"));
      const first = found[0];
      if (first !== undefined) results.set(field, first.result);
      return;
    }
    case "Received-SPF":
      results.set(field, readReceivedSpf(value).result.toLowerCase());
      return;
    case "X-SPF-Guess": {
      const reader = new Reader(unfold(value));
      reader.take(/[a-z]+ /, "result");
      reader.comment();
      assert.ok(reader.done);
      return;
    }
    case "X-SPF-Original-To":
      assert.doesNotMatch(value, /[\0\r\n]/);
      return;
    default:
      assert.fail(`a field that nobody asked for: ${field}`);
  }
}

const FORMATS: readonly TextFormat[] = ["classic", "2.5", "detailed"];
const json = new JsonLines(() => new Date(0));

function checkLog(event: FilterEvent): void {
  for (const format of FORMATS) {
    for (const line of eventLines(event, format)) {
      assert.match(line, /^SPF [a-z][a-z ()]*: [\x20-\x7e]*$/);
      assert.ok(line.length <= 1000);
      if (event.event === "result" && format === "classic") assert.equal(line.split(", ").length, 4);
    }
  }
  for (const line of json.events(event)) {
    assert.match(line, /^[\x20-\x7e]{1,1000}$/);
    const read = JSON.parse(line) as { event: unknown; result: unknown };
    assert.equal(read.event, event.event);
    if (event.event === "result") assert.equal(read.result, event.result);
  }
}
