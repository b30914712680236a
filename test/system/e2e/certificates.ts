/** A throw-away certificate authority, a server certificate for the MTAs and one for the client that has one. */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RIG, run } from "./namespace.ts";

const FOLDER = join(RIG, "tls");

/** Where the files are. */
export const TLS = {
  folder: FOLDER,
  ca: join(FOLDER, "ca.pem"),
  certificate: (name: "server" | "client"): string => join(FOLDER, `${name}.pem`),
  key: (name: "server" | "client"): string => join(FOLDER, `${name}.key`),
};

const EC_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** Makes the files of {@link TLS}; they are good for a day. */
export function makeCertificates(): void {
  mkdirSync(FOLDER, { mode: 0o755 });
  const config = join(FOLDER, "openssl.cnf");
  writeFileSync(config, "[req]\ndistinguished_name=dn\n[dn]\n[ca]\nbasicConstraints=critical,CA:TRUE\n");
  const caKey = join(FOLDER, "ca.key");
  run(
    "openssl",
    "req",
    "-config",
    config,
    "-x509",
    "-extensions",
    "ca",
    ...EC_KEY,
    "-days",
    "1",
    "-subj",
    "/CN=Rig Test CA",
    "-keyout",
    caKey,
    "-out",
    TLS.ca,
  );
  for (const [name, subject] of [
    ["server", "/CN=mx.rig.test"],
    ["client", "/CN=client.pass.test"],
  ] as const) {
    const request = join(FOLDER, `${name}.csr`);
    run(
      "openssl",
      "req",
      "-config",
      config,
      "-new",
      ...EC_KEY,
      "-subj",
      subject,
      "-keyout",
      TLS.key(name),
      "-out",
      request,
    );
    run(
      "openssl",
      "x509",
      "-req",
      "-in",
      request,
      "-CA",
      TLS.ca,
      "-CAkey",
      caKey,
      "-CAcreateserial",
      "-days",
      "1",
      "-out",
      TLS.certificate(name),
    );
    chmodSync(TLS.key(name), 0o600);
  }
}
