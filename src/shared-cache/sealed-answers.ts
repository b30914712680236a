/** Answers as the engine keeps them: under names, and in a form, that only holders of the key can read or make. */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from "node:crypto";
import type { Answer } from "spf-check";
import { type KeepableAnswer, plainAnswer, readPlainAnswer } from "../dns/index.ts";

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

/** A larger answer is used and not shared. */
export const VALUE_OCTETS_MAX = 16 * 1024;
/** However long a TTL is: what other hosts are given about a domain is not older than this. */
const LIFE_MS_MAX = 24 * 3_600_000;
/** By so much the clocks of two hosts may differ. */
const SKEW_MS = 60_000;

/** What is kept in the engine of one answer, and until when. */
export interface SharedValue {
  readonly text: string;
  readonly lifeMs: number;
}

/** The answer as text: octets as latin1. Undefined where it is not to be shared. */
export function writeValue(key: string, answer: Answer, wallMs: number): SharedValue | undefined {
  if (!isKeepable(answer)) return undefined;
  const lifeMs = Math.min(answer.ttlSeconds * 1000, LIFE_MS_MAX);
  const text = JSON.stringify([wallMs, wallMs + lifeMs, plainAnswer(key, answer)]);
  return text.length > VALUE_OCTETS_MAX ? undefined : { text, lifeMs };
}

/** Whether an answer says something that holds for some time: no fault, and not what was never asked. */
export function isKeepable(answer: Answer): answer is KeepableAnswer {
  return answer.status !== "fault" && answer.ttlSeconds > 0 && answer.ttlSeconds !== Infinity;
}

/**
 * The answer to the question with that key, with what is left of its TTL: "over" where nothing is left, it was
 * written before `notBeforeMs`, or on a host whose clock is far ahead; undefined where it is not such a value.
 */
export function readValue(
  key: string,
  text: string,
  { wallMs, notBeforeMs }: { readonly wallMs: number; readonly notBeforeMs: number },
): KeepableAnswer | "over" | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(value)) return undefined;
  const [writtenMs, endsMs, plain] = value as readonly unknown[];
  if (typeof writtenMs !== "number" || typeof endsMs !== "number") return undefined;
  const read = readPlainAnswer(plain);
  if (read === undefined || (plain as readonly unknown[])[0] !== key) return undefined;
  if (endsMs - writtenMs > LIFE_MS_MAX) return undefined;
  // On a host whose clock is behind it has no more time left than it had when it was written.
  const ttlSeconds = Math.floor((endsMs - Math.max(wallMs, writtenMs)) / 1000);
  if (ttlSeconds <= 0 || writtenMs < notBeforeMs || writtenMs > wallMs + SKEW_MS) return "over";
  return { ...read.answer, ttlSeconds };
}
