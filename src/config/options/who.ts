import { ipAddress, natPair, network } from "../values/address.ts";
import { addressPattern, domainName, hostPattern } from "../values/name.ts";
import { onOff } from "../values/plain.ts";
import { authservId } from "../values/text.ts";
import { ACTION_OPTIONS } from "./action.ts";
import { list, option, optional } from "./option.ts";

const section = "who is not checked";

/** The options that say whose mail is let pass, or evaluated as somebody else's. */
export const WHO_OPTIONS = {
  WhitelistIP: list(network, "198.51.100.0/24", {
    section,
    help: "clients that are let pass",
    of: (s) => s.whitelistIP,
  }),
  WhitelistPTR: list(hostPattern, ".friend.example", {
    section,
    help: "verified host names of clients that are let pass",
    of: (s) => s.whitelistPTR,
  }),
  WhitelistFrom: list(addressPattern, "@friend.example", {
    section,
    help: "senders that are let pass",
    of: (s) => s.whitelistFrom,
  }),
  WhitelistTo: list(addressPattern, "postmaster@", {
    section,
    help: "recipients that get all mail",
    of: (s) => s.whitelistTo,
  }),
  TrustedRelay: list(network, "198.51.100.25", {
    section,
    help: "own relays; the client is read from their Received field",
    of: (s) => s.trustedRelay,
  }),
  // Here for its place in the documents; PolicyFor may give it too.
  AcceptDKIM: ACTION_OPTIONS.AcceptDKIM,
  DKIMVerifier: list(authservId, "mx.example.net", {
    section,
    standardInWords: "AuthservID",
    help: "name of the DKIM verifier in Authentication-Results",
    of: (s) => s.dkimVerifier,
  }),
  DKIMVerifierJobID: option(onOff, "on", {
    section,
    help: "the verifier writes the queue id after its name",
    of: (s) => s.dkimVerifierJobID,
  }),
  TrustedForwarder: list(domainName, "forwarder.example", {
    section,
    help: "a client with SPF pass for this domain is not refused",
    of: (s) => s.trustedForwarder,
  }),
  SkipAuth: option(onOff, "on", {
    section,
    help: "do not check users that logged in",
    of: (s) => s.skipAuth,
  }),
  SkipTLSVerified: option(onOff, "on", {
    section,
    help: "do not check clients with a verified TLS certificate",
    of: (s) => s.skipTLSVerified,
  }),
  SkipNDR: option(onOff, "off", {
    section,
    help: "do not check the null sender",
    of: (s) => s.skipNDR,
  }),
  FixedClientIP: optional(ipAddress, "none", "198.51.100.25", {
    section,
    help: "evaluate every client as this address",
    of: (s) => s.fixedClientIP,
  }),
  ClientIPNAT: list(natPair, "10.0.0.5:198.51.100.25", {
    section,
    help: "evaluate one client as another address",
    of: (s) => s.clientIPNAT,
  }),
};
