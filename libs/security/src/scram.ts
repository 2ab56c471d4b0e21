// The server's side of SCRAM-SHA-256 and SCRAM-SHA-512 (RFC 5802, RFC 7677): the stored credential of a password, and the
// exchange in which a client proves that it knows the password. The password never crosses the wire, and the stored
// credential does not reveal it.
//
// Promises: an unknown user name gets the same responses as a wrong password, in the same steps and at the same cost.
// Never: waits or chooses random values itself; nonces, salts and derived keys come from the caller.
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { KeyDerivation } from '@milepost/core';
import { SaslRefused } from './sasl-refused.ts';
import { DIGESTS, exclusiveOr, hash, hmac, type ScramMechanism } from './scram-functions.ts';

/** Kafka's bounds. Fewer iterations make passwords cheap to guess; more let one login use too much CPU. */
export const LEAST_ITERATIONS = 4_096;
export const MOST_ITERATIONS = 16_384;

/** The stored form of a password. */
export interface ScramCredential {
  readonly salt: Buffer;
  readonly iterations: number;
  readonly storedKey: Buffer;
  readonly serverKey: Buffer;
}

/** The host's PBKDF2, beside the event loop. */
export type DeriveKey = KeyDerivation['pbkdf2'];

export async function scramCredential(
  mechanism: ScramMechanism,
  password: string,
  { salt, iterations }: Pick<ScramCredential, 'salt' | 'iterations'>,
  derive: DeriveKey,
): Promise<ScramCredential> {
  return credentialOf(mechanism, await derive(password, salt, iterations, DIGESTS[mechanism]), { salt, iterations });
}

/** From the salted password that clients send in AlterUserScramCredentials (KIP-554). */
export function credentialOf(
  mechanism: ScramMechanism,
  saltedPassword: Buffer,
  { salt, iterations }: Pick<ScramCredential, 'salt' | 'iterations'>,
): ScramCredential {
  const storedKey = hash(mechanism, hmac(mechanism, saltedPassword, 'Client Key'));
  return { salt, iterations, storedKey, serverKey: hmac(mechanism, saltedPassword, 'Server Key') };
}

/** Checks a password that the client sent itself (SASL PLAIN, MQTT, HTTP). */
export async function isPasswordOf(
  credential: ScramCredential,
  mechanism: ScramMechanism,
  password: string,
  derive: DeriveKey,
): Promise<boolean> {
  const { storedKey } = await scramCredential(mechanism, password, credential, derive);
  return timingSafeEqual(storedKey, credential.storedKey);
}

/** Replaces the credential of an unknown user: always the same for the same name, and no password fits it. */
export function decoyCredential(mechanism: ScramMechanism, username: string, secret: Buffer): ScramCredential {
  const salt = createHmac('sha256', secret).update(username).digest().subarray(0, 16);
  const nothing = hash(mechanism, secret);
  return { salt, iterations: LEAST_ITERATIONS, storedKey: nothing, serverKey: nothing };
}

/** The client's first message of an exchange. */
export interface ClientFirst {
  readonly username: string;
  /** The client authenticates with a delegation token, whose id is the user name (KIP-48). */
  readonly isToken: boolean;
  readonly nonce: string;
  /** The GS2 header, which the final message must repeat. */
  readonly header: string;
  /** The message without its header: a part of the signed text. */
  readonly bare: string;
}

const CLIENT_FIRST =
  /^(?<header>[ny],(?:a=(?<authzid>[^,]*))?,)(?<bare>n=(?<name>[^,]+),r=(?<nonce>[!-+\--~]+)(?<rest>(?:,[A-Za-z]+=[^,]*)*))$/;
const CLIENT_FINAL =
  /^(?<unsigned>c=(?<header>[A-Za-z0-9+/=]+),r=(?<nonce>[!-+\--~]+)(?:,[A-Za-z]+=[^,]*)*),p=(?<proof>[A-Za-z0-9+/=]+)$/;

/** @throws SaslRefused */
export function parseClientFirst(message: Buffer): ClientFirst {
  const { header, authzid, bare, name, nonce, rest } = partsOf(CLIENT_FIRST, message, 'first');
  const username = fromSaslName(name ?? '');
  if (authzid && fromSaslName(authzid) !== username)
    throw new SaslRefused(
      'Authentication failed: Client requested an authorization id that is different from username',
      'for the client',
    );
  return {
    username,
    isToken: (rest ?? '').split(',').includes('tokenauth=true'),
    nonce: nonce ?? '',
    header: header ?? '',
    bare: bare ?? '',
  };
}

/** One exchange after the client's first message: send `challenge`, then `verify` the client's final message. */
export class ScramExchange {
  readonly challenge: Buffer;
  readonly #mechanism: ScramMechanism;
  readonly #first: ClientFirst;
  readonly #credential: ScramCredential;
  readonly #nonce: string;

  /** `serverNonce`: printable ASCII without a comma, never used before. */
  constructor(mechanism: ScramMechanism, first: ClientFirst, credential: ScramCredential, serverNonce: string) {
    this.#mechanism = mechanism;
    this.#first = first;
    this.#credential = credential;
    this.#nonce = first.nonce + serverNonce;
    this.challenge = Buffer.from(`r=${this.#nonce},s=${credential.salt.toString('base64')},i=${credential.iterations}`);
  }

  /** Returns the server's final message, which proves to the client that the server knows its key. @throws SaslRefused */
  verify(message: Buffer): Buffer {
    const { unsigned = '', header = '', nonce, proof = '' } = partsOf(CLIENT_FINAL, message, 'final');
    // librdkafka before 2.6.1 repeats its own nonce in front of the whole one (librdkafka 4895); Kafka accepts that too.
    const isOfThisExchange =
      nonce?.endsWith(this.#nonce) && Buffer.from(header, 'base64').toString() === this.#first.header;
    const { storedKey, serverKey } = this.#credential;
    const signed = `${this.#first.bare},${this.challenge.toString()},${unsigned}`;
    const clientKey = exclusiveOr(hmac(this.#mechanism, storedKey, signed), Buffer.from(proof, 'base64'));
    const isKnown = timingSafeEqual(hash(this.#mechanism, clientKey), storedKey);
    if (!isOfThisExchange || !isKnown)
      throw new SaslRefused('Authentication failed: Invalid user credentials', 'for the log');
    return Buffer.from(`v=${hmac(this.#mechanism, serverKey, signed).toString('base64')}`);
  }
}

function partsOf(form: RegExp, message: Buffer, which: string): Partial<Record<string, string>> {
  const parts = form.exec(message.toString())?.groups;
  if (!parts) throw new SaslRefused(`Invalid SCRAM client ${which} message`, 'for the log');
  return parts;
}

/** RFC 5802 section 5.1: a name contains `,` and `=` as `=2C` and `=3D`, and no other `=`. */
function fromSaslName(text: string): string {
  if (/=(?!2C|3D)/.test(text)) throw new SaslRefused('Invalid SCRAM client first message', 'for the log');
  return text.replaceAll('=2C', ',').replaceAll('=3D', '=');
}
