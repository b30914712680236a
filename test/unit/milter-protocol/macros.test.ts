import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  MacroTable,
  SMFIC_BODYEOB,
  SMFIC_CONNECT,
  SMFIC_DATA,
  SMFIC_HEADER,
  SMFIC_HELO,
  SMFIC_MAIL,
  SMFIC_RCPT,
} from "milter-protocol";

const set = (...pairs: string[]): string => pairs.map((text) => `${text}\0`).join("");

describe("MacroTable", () => {
  it("finds a macro by its name with or without braces where it is one letter long", () => {
    const macros = new MacroTable();
    macros.put(SMFIC_CONNECT, set("j", "mx.test", "{v}", "8.17", "{auth_authen}", "me"));
    assert.equal(macros.get("j"), "mx.test");
    assert.equal(macros.get("{j}"), "mx.test");
    assert.equal(macros.get("v"), "8.17");
    assert.equal(macros.get("{auth_authen}"), "me");
    assert.equal(macros.get("auth_authen"), undefined);
    assert.equal(macros.get(""), undefined);
  });

  it("lets the latest stage win, whatever came last", () => {
    const macros = new MacroTable();
    macros.put(SMFIC_DATA, set("i", "data"));
    macros.put(SMFIC_MAIL, set("i", "mail"));
    assert.equal(macros.get("i"), "data");
    macros.put(SMFIC_BODYEOB, set("i", "end"));
    assert.equal(macros.get("i"), "end");
  });

  it("takes the first of two equal names, keeps empty values, passes over a name without value", () => {
    const macros = new MacroTable();
    macros.put(SMFIC_MAIL, set("i", "1", "i", "2", "{e}", "", "{last}"));
    assert.equal(macros.get("i"), "1");
    assert.equal(macros.get("e"), "");
    assert.equal(macros.get("{last}"), undefined);
  });

  it("does not take a value for a name", () => {
    const macros = new MacroTable();
    macros.put(SMFIC_HELO, set("{x}", "{verify}", "{y}", "OK"));
    assert.equal(macros.get("{verify}"), undefined);
  });

  it("keeps no macros of header fields and unknown stages", () => {
    const macros = new MacroTable();
    macros.put(SMFIC_HEADER, set("i", "1"));
    macros.put(0x7a, set("i", "1"));
    assert.equal(macros.get("i"), undefined);
  });

  it("replaces the set of a stage as a whole", () => {
    const macros = new MacroTable();
    macros.put(SMFIC_HELO, set("{verify}", "OK"));
    macros.put(SMFIC_HELO, set("{cipher}", "X"));
    assert.equal(macros.get("{verify}"), undefined);
  });

  it("drops the set of an earlier command of the same stage that comes again without one", () => {
    const macros = new MacroTable();
    macros.put(SMFIC_MAIL, set("{auth_authen}", "me"));
    macros.enter("mail");
    assert.equal(macros.get("{auth_authen}"), "me");
    macros.enter("mail");
    assert.equal(macros.get("{auth_authen}"), undefined);
  });

  it("drops later stages when an earlier one begins anew", () => {
    const macros = new MacroTable();
    macros.put(SMFIC_HELO, set("{verify}", "OK"));
    macros.enter("helo");
    macros.put(SMFIC_MAIL, set("i", "1"));
    macros.enter("mail");
    macros.put(SMFIC_RCPT, set("{rcpt_addr}", "b"));
    macros.enter("rcpt");
    macros.put(SMFIC_MAIL, set("i", "2"));
    macros.enter("mail");
    assert.equal(macros.get("i"), "2");
    assert.equal(macros.get("{rcpt_addr}"), undefined);
    assert.equal(macros.get("{verify}"), "OK");
  });

  it("keeps CONNECT and HELO over the end of a message, and nothing over the end of a client", () => {
    const macros = new MacroTable();
    macros.put(SMFIC_CONNECT, set("j", "mx"));
    macros.put(SMFIC_HELO, set("{verify}", "OK"));
    macros.put(SMFIC_MAIL, set("i", "1"));
    macros.endMessage();
    assert.deepEqual([macros.get("j"), macros.get("{verify}"), macros.get("i")], ["mx", "OK", undefined]);
    macros.clear();
    assert.equal(macros.get("j"), undefined);
  });

  it("finds one macro among ten thousand", () => {
    const macros = new MacroTable();
    macros.put(SMFIC_MAIL, Array.from({ length: 10_000 }, (_, n) => set(`{m${n}}`, String(n))).join(""));
    assert.equal(macros.get("{m9999}"), "9999");
    assert.equal(macros.get("{none}"), undefined);
  });
});
