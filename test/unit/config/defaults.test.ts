import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { settingsOf, withoutOrigins } from "./reading.ts";

describe("the settings of an empty file", () => {
  it("are the documented defaults", () => {
    assert.deepEqual(withoutOrigins(settingsOf("")), {
      whitelistIP: [],
      whitelistPTR: [],
      whitelistFrom: [],
      whitelistTo: [],
      trustedRelay: [],
      dkimVerifier: [],
      dkimVerifierJobID: true,
      trustedForwarder: [],
      skipAuth: true,
      skipTLSVerified: true,
      skipNDR: false,
      fixedClientIP: undefined,
      clientIPNAT: [],
      checkHelo: false,
      localPolicy: {
        rules: undefined,
        guess: undefined,
        explanation: undefined,
        overrides: new Map(),
        fallbacks: new Map(),
      },
      lookupLimit: 10,
      voidLookupLimit: 2,
      lookupTimeMs: 20_000,
      nameserver: [],
      dnsTimeoutMs: 3000,
      dnsTries: 2,
      prefetch: true,
      check: true,
      acceptDKIM: false,
      refuseFail: "on",
      refuseHeloFail: "on",
      refuseSoftFail: false,
      refuseNeutral: false,
      refuseSPFNone: false,
      refuseSPFNoneHelo: false,
      refusePermError: false,
      acceptTempError: true,
      softFail: false,
      rejectReason: undefined,
      rejectAt: "mail",
      relaxedLocalPart: true,
      tagSubject: true,
      tag: "[SPF:fail]",
      quarantine: false,
      quarantineBox: "postmaster",
      quarantineMode: "mailbox",
      policyFor: [],
      reportOnly: false,
      addHeader: true,
      addReceivedHeader: true,
      authservID: undefined,
      removeForgedHeaders: "on",
      ttlSeconds: 3600,
      cacheSize: 100_000,
      cacheFile: undefined,
      sharedCache: undefined,
      sharedCacheKey: undefined,
      user: "smfs",
      socket: { kind: "unix", path: "/var/run/smfs/smf-spf.sock" },
      socketMode: 0o600,
      socketGroup: undefined,
      statusSocket: undefined,
      statusSocketMode: 0o660,
      statusSocketGroup: undefined,
      pidFile: "/var/run/smfs/smf-spf.pid",
      daemonize: true,
      syslog: "mail",
      logTo: undefined,
      logFormat: "classic",
      logLevel: "info",
      maxConnections: 1000,
      idleTimeoutMs: 7_200_000,
      shutdownTimeMs: 10_000,
    });
  });

  it("let dependent options follow", () => {
    assert.equal(settingsOf("RefuseFail nomail").refuseHeloFail, "nomail");
    assert.equal(settingsOf("RefuseFail off\nRefuseHeloFail on\nCheckHelo on").refuseHeloFail, "on");
    assert.equal(settingsOf("AddHeader off").addReceivedHeader, false);
    assert.equal(settingsOf("AddReceivedHeader on\nAddHeader off").addReceivedHeader, true);
  });
});
