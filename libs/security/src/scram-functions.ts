// The functions that both sides of SCRAM compute (RFC 5802 section 2.2).
import { createHash, createHmac } from 'node:crypto';

export const DIGESTS = { 'SCRAM-SHA-256': 'sha256', 'SCRAM-SHA-512': 'sha512' } as const;
export type ScramMechanism = keyof typeof DIGESTS;
export const SCRAM_MECHANISMS = Object.keys(DIGESTS) as readonly ScramMechanism[];

export const hmac = (mechanism: ScramMechanism, key: Buffer, text: string): Buffer =>
  createHmac(DIGESTS[mechanism], key).update(text).digest();

export const hash = (mechanism: ScramMechanism, bytes: Buffer): Buffer =>
  createHash(DIGESTS[mechanism]).update(bytes).digest();

/** As long as `one`: a proof of another length never fits. */
export const exclusiveOr = (one: Buffer, other: Buffer): Buffer =>
  one.map((byte, at) => byte ^ (other[at] ?? 0)) as Buffer;
