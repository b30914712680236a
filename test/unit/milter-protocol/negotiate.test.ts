import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  type Edit,
  type Needs,
  type Negotiated,
  Negotiator,
  negotiate,
  type Offer,
  offersEdit,
  PacketDecoder,
  SMFIF_ADDHDRS,
  SMFIF_CHGHDRS,
  SMFIF_QUARANTINE,
  SMFIF_SETSYMLIST,
  SMFIM_ENVFROM,
  SMFIM_EOH,
  SMFIM_EOM,
  SMFIP_HDR_LEADSPC,
  SMFIP_NOBODY,
  SMFIP_NOCONNECT,
  SMFIP_NODATA,
  SMFIP_NOEOH,
  SMFIP_NOHDRS,
  SMFIP_NOHELO,
  SMFIP_NOMAIL,
  SMFIP_NORCPT,
  SMFIP_NOUNKNOWN,
  SMFIP_NR_CONN,
  SMFIP_NR_HDR,
  SMFIP_NR_HELO,
  SMFIP_NR_MAIL,
  SMFIP_RCPT_REJ,
  SMFIP_SKIP,
} from "milter-protocol";
import {
  decodeFilterPacket,
  MODERN_OFFER,
  type NegotiationReply,
  OLD_OFFER,
} from "../../support/mta-codec.ts";
import { ALL_NEEDS } from "../../support/recording-handler.ts";

/** What a filter with default settings needs over a Unix socket. */
const TYPICAL: Needs = {
  edits: new Set(["insertHeader", "changeHeader"]),
  wants: new Set(["connect", "helo", "header"]),
  answers: new Set(),
  rejectedRecipients: false,
  macros: { connect: ["j"], mail: ["i", "{auth_authen}"], endOfMessage: ["i"] },
};

function read({ reply }: Negotiated): NegotiationReply {
  const decoder = new PacketDecoder();
  decoder.append(reply);
  const packet = decoder.next();
  assert.ok(packet);
  const answer = decodeFilterPacket(packet);
  assert.equal(answer.kind, "negotiation");
  return answer;
}

describe("negotiate", () => {
  it("asks for what is needed and no more", () => {
    const answer = read(negotiate(MODERN_OFFER, TYPICAL));
    assert.equal(answer.version, 6);
    assert.equal(answer.actions, SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_SETSYMLIST);
    assert.equal(
      answer.protocol,
      SMFIP_NORCPT |
        SMFIP_NODATA |
        SMFIP_NOEOH |
        SMFIP_NOUNKNOWN |
        SMFIP_NOBODY |
        SMFIP_NR_CONN |
        SMFIP_NR_HELO |
        SMFIP_NR_HDR,
    );
  });

  it("sends a macro list for every stage, that of end of headers beside that of end of message", () => {
    const { symbolLists } = read(negotiate(MODERN_OFFER, TYPICAL));
    assert.equal(symbolLists.size, 7);
    assert.deepEqual(symbolLists.get(SMFIM_ENVFROM), ["i", "{auth_authen}"]);
    assert.deepEqual(symbolLists.get(SMFIM_EOM), ["i"]);
    assert.deepEqual(symbolLists.get(SMFIM_EOH), []);
  });

  it("sends no macro list where none was offered", () => {
    const terms = negotiate({ ...MODERN_OFFER, actions: 0xff }, TYPICAL);
    assert.equal(terms.reply.length, 17);
    assert.equal(terms.actions & SMFIF_SETSYMLIST, 0);
  });

  it("answers an MTA of version 2 with three words of what it knows", () => {
    const terms = negotiate(OLD_OFFER, { ...TYPICAL, edits: new Set(["insertHeader", "quarantine"]) });
    assert.equal(terms.reply.toString("hex"), `0000000d4f000000020000000100000058`);
    assert.deepEqual([...terms.edits], ["insertHeader"]);
    assert.equal(terms.insertsHeaders, false);
    assert.equal(terms.replyLinesMax, 1);
  });

  it("knows Sendmail 8.13 by the quarantine action", () => {
    const terms = negotiate({ ...OLD_OFFER, actions: OLD_OFFER.actions | SMFIF_QUARANTINE }, TYPICAL);
    assert.equal(terms.insertsHeaders, true);
    assert.ok(terms.replyLinesMax > 1);
  });

  for (const [offered, spoken] of [
    [2, 2],
    [3, 3],
    [4, 4],
    [6, 6],
    [7, 6],
    [0xffffffff, 6],
  ] as const) {
    it(`speaks version ${spoken} with an MTA of version ${offered}`, () => {
      assert.equal(negotiate({ ...MODERN_OFFER, version: offered }, TYPICAL).version, spoken);
    });
  }

  it("asks an MTA before version 6 for no NR_ bit and no list, even if it offers them", () => {
    const terms = negotiate({ ...MODERN_OFFER, version: 4 }, TYPICAL);
    assert.equal(terms.protocol & (SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_HDR), 0);
    assert.equal(terms.reply.length, 17);
    assert.equal(terms.unanswered.size, 0);
  });

  it("asks for no reply where a command that is not wanted cannot be asked away", () => {
    const { protocol } = negotiate(
      { ...MODERN_OFFER, protocol: MODERN_OFFER.protocol & ~SMFIP_NOHDRS },
      { ...TYPICAL, wants: new Set(["connect"]) },
    );
    assert.equal(protocol & SMFIP_NR_HDR, SMFIP_NR_HDR);
  });

  it("asks for CONNECT and HELO with a reply where they are answered", () => {
    const terms = negotiate(MODERN_OFFER, { ...TYPICAL, answers: new Set(["connect", "helo"]) });
    assert.equal(terms.protocol & (SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NOCONNECT | SMFIP_NOHELO), 0);
  });

  it("asks for refused recipients only where they are needed", () => {
    assert.equal(negotiate(MODERN_OFFER, TYPICAL).protocol & SMFIP_RCPT_REJ, 0);
    const terms = negotiate(MODERN_OFFER, { ...TYPICAL, rejectedRecipients: true });
    assert.equal(terms.protocol & SMFIP_RCPT_REJ, SMFIP_RCPT_REJ);
  });

  it("never asks for what was not offered, nor MAIL away, and names only edits it got", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 9 }),
        fc.nat(0xffffffff),
        fc.nat(0xffffffff),
        fc.subarray([...ALL_NEEDS.edits]),
        fc.subarray([...ALL_NEEDS.wants]),
        fc.subarray([...ALL_NEEDS.answers]),
        fc.boolean(),
        (version, actions, protocol, edits, wants, answers, rejectedRecipients) => {
          const offer: Offer = { version, actions, protocol };
          const needs: Needs = {
            edits: new Set(edits),
            wants: new Set(wants),
            answers: new Set(answers),
            rejectedRecipients,
            macros: { mail: ["i"] },
          };
          const terms = negotiate(offer, needs);
          const answer = read(terms);
          assert.equal(answer.actions & ~actions, 0);
          assert.equal(answer.protocol & ~protocol, 0);
          assert.equal(answer.protocol & (SMFIP_NOMAIL | SMFIP_NR_MAIL | SMFIP_SKIP | SMFIP_HDR_LEADSPC), 0);
          assert.equal(answer.symbolLists.size > 0, version >= 6 && (actions & SMFIF_SETSYMLIST) !== 0);
          for (const kind of terms.edits) assert.ok(offersEdit(offer, kind) && needs.edits.has(kind));
          for (const kind of edits) assert.equal(terms.edits.has(kind), offersEdit(offer, kind));
          for (const kind of wants) {
            const bit = {
              connect: SMFIP_NOCONNECT,
              helo: SMFIP_NOHELO,
              rcpt: SMFIP_NORCPT,
              headers: SMFIP_NOHDRS,
            };
            if (kind in bit) assert.equal(answer.protocol & bit[kind as keyof typeof bit], 0, kind);
          }
        },
      ),
      { seed: 17, numRuns: 500 },
    );
  });
});

describe("Negotiator", () => {
  it("gives the very same answer to the same offer and needs, and another to others", () => {
    const negotiator = new Negotiator();
    const first = negotiator.negotiate(MODERN_OFFER, TYPICAL);
    assert.equal(negotiator.negotiate({ ...MODERN_OFFER }, TYPICAL), first);
    assert.notDeepEqual(negotiator.negotiate(OLD_OFFER, TYPICAL), first);
    assert.deepEqual(negotiator.negotiate(MODERN_OFFER, { ...TYPICAL }), first);
    assert.notDeepEqual(negotiator.negotiate(MODERN_OFFER, ALL_NEEDS), first);
  });
});

describe("offersEdit", () => {
  const table: readonly [edit: Edit["kind"], isOffered: boolean][] = [
    ["addHeader", true],
    ["insertHeader", true],
    ["changeHeader", true],
    ["addRecipient", true],
    ["deleteRecipient", true],
    ["replaceBody", true],
    ["changeSender", false],
    ["quarantine", false],
  ];
  for (const [edit, isOffered] of table) {
    it(`is ${isOffered} for ${edit} and an MTA of version 2`, () => {
      assert.equal(offersEdit(OLD_OFFER, edit), isOffered);
      assert.equal(offersEdit({ ...OLD_OFFER, actions: 0 }, edit), false);
    });
  }
});
