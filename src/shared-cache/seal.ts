import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from "node:crypto";

/** The version of keys and values. */
const VERSION = 1;
const SALT_OCTETS = 16;
const TAG_OCTETS = 16;
/** Values are filled up to a multiple of it, so that their size tells little of what is inside. */
const PAD_OCTETS = 64;
/** Every value has a cipher key of its own, so this one is used once. */
const NONCE = Buffer.alloc(12);

/**
 * Names and values that only holders of the secret can read or make: a name is the HMAC-SHA-256 of what it is for, a
 * value is encrypted and authenticated with AES-256-GCM together with its name, so that one cannot take the place of
 * another. The cipher key is derived for each value from a salt of 128 bits: no count of values wears it out.
 */
export class Seal {
  readonly #nameKey: Uint8Array;
  readonly #valueKey: Uint8Array;

  /** @param secret of at least 32 octets, the same on all hosts */
  constructor(secret: Uint8Array) {
    this.#nameKey = derive(secret, "smf-spf shared cache names");
    this.#valueKey = derive(secret, "smf-spf shared cache values");
  }

  /** The name under which something is kept. */
  nameOf(plain: string): string {
    return `smfspf:${VERSION}:${createHmac("sha256", this.#nameKey).update(plain, "latin1").digest("base64url")}`;
  }

  /** @param text octets as latin1, without trailing spaces */
  seal(name: string, text: string): Buffer {
    const salt = randomBytes(SALT_OCTETS);
    const cipher = createCipheriv("aes-256-gcm", this.#keyOf(salt), NONCE);
    cipher.setAAD(Buffer.from(name, "latin1"));
    const padded = text.padEnd(Math.ceil(text.length / PAD_OCTETS) * PAD_OCTETS);
    const sealed = [cipher.update(padded, "latin1"), cipher.final()];
    return Buffer.concat([Buffer.of(VERSION), salt, ...sealed, cipher.getAuthTag()]);
  }

  /** Undefined where nobody with the secret has made it for that name. */
  open(name: string, sealed: Uint8Array): string | undefined {
    if (sealed[0] !== VERSION || sealed.length < 1 + SALT_OCTETS + TAG_OCTETS) return undefined;
    const end = sealed.length - TAG_OCTETS;
    const key = this.#keyOf(sealed.subarray(1, 1 + SALT_OCTETS));
    const decipher = createDecipheriv("aes-256-gcm", key, NONCE, { authTagLength: TAG_OCTETS });
    decipher.setAAD(Buffer.from(name, "latin1"));
    decipher.setAuthTag(sealed.subarray(end));
    try {
      const text = decipher.update(sealed.subarray(1 + SALT_OCTETS, end));
      decipher.final();
      return text.toString("latin1").trimEnd();
    } catch {
      return undefined;
    }
  }

  #keyOf(salt: Uint8Array): Buffer {
    return createHmac("sha256", this.#valueKey).update(salt).digest();
  }
}

function derive(secret: Uint8Array, purpose: string): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", secret, "", purpose, 32));
}
