import { nameserver } from "../values/address.ts";
import { count, onOff, time } from "../values/plain.ts";
import { domainRecord, explanation, mechanisms } from "../values/spf.ts";
import { list, option, optional } from "./option.ts";

const section = "what is evaluated";

const MINUTE = 60;
const HOUR = 60 * MINUTE;

/** The options that say what is evaluated, and within which limits. */
export const EVALUATION_OPTIONS = {
  CheckHelo: option(onOff, "off", {
    section,
    help: "also evaluate the HELO name",
    of: (s) => s.checkHelo,
  }),
  SPFRules: optional(mechanisms, "none", "include:partners.example", {
    section,
    help: "mechanisms of our own, before the all of every record",
    onReload: "clears the cache",
    of: (s) => s.localPolicy.rules,
  }),
  SPFGuess: optional(mechanisms, "none", "a/24 mx/24", {
    section,
    help: "mechanisms for domains that publish nothing",
    onReload: "clears the cache",
    of: (s) => s.localPolicy.guess,
  }),
  SPFBestGuess: option(onOff, "off", {
    section,
    help: "shorthand for SPFGuess a/24 mx/24 ptr",
    onReload: "clears the cache",
    // Settled into the guess rules; a change of those is reported as SPFGuess.
    of: () => undefined,
  }),
  SPFExplanation: optional(explanation, "none", '"See https://mx.example.net/spf?ip=%{i}&domain=%{d}"', {
    section,
    help: "explanation of a fail where the domain gives none",
    onReload: "clears the cache",
    of: (s) => s.localPolicy.explanation,
  }),
  OverrideRecord: list(domainRecord, "partner.example v=spf1 ip4:203.0.113.0/24 -all", {
    section,
    help: "a record instead of the published one",
    onReload: "clears the cache",
    of: (s) => s.localPolicy.overrides,
  }),
  FallbackRecord: list(domainRecord, "customer.example v=spf1 mx -all", {
    section,
    help: "a record where none is published",
    onReload: "clears the cache",
    of: (s) => s.localPolicy.fallbacks,
  }),
  LookupLimit: option(count(1, 100), "10", {
    section,
    help: "terms of a record that may ask DNS",
    onReload: "clears the cache",
    of: (s) => s.lookupLimit,
  }),
  VoidLookupLimit: option(count(0, 100), "2", {
    section,
    help: "lookups that may find nothing",
    onReload: "clears the cache",
    of: (s) => s.voidLookupLimit,
  }),
  LookupTime: option(time(1, HOUR), "20s", {
    section,
    help: "longest wait of one MAIL command",
    of: (s) => s.lookupTimeMs,
  }),
  Nameserver: list(nameserver, "127.0.0.1", {
    section,
    standardInWords: "those of resolv.conf",
    help: "name servers to ask",
    onReload: "clears the cache",
    of: (s) => s.nameserver,
  }),
  DNSTimeout: option(time(1, 5 * MINUTE), "3s", {
    section,
    help: "wait for the answer to one query",
    onReload: "clears the cache",
    of: (s) => s.dnsTimeoutMs,
  }),
  DNSTries: option(count(1, 10), "2", {
    section,
    help: "times a name server is asked",
    onReload: "clears the cache",
    of: (s) => s.dnsTries,
  }),
  Prefetch: option(onOff, "on", {
    section,
    help: "ask early for what a record names",
    of: (s) => s.prefetch,
  }),
};
