// The client's side of a SCRAM exchange (RFC 5802): three messages in which it proves that it knows the password, and the
// server that it knows the credential.
import { timingSafeEqual } from 'node:crypto';
import { SaslRefused } from './sasl-refused.ts';
import { type DeriveKey, MOST_ITERATIONS } from './scram.ts';
import { DIGESTS, exclusiveOr, hash, hmac, type ScramMechanism } from './scram-functions.ts';

const HEADER = 'n,,';
const CHALLENGE = /^r=(?<nonce>[!-+\--~]+),s=(?<salt>[A-Za-z0-9+/=]+),i=(?<iterations>\d{1,9})(?:,[A-Za-z]+=[^,]*)*$/;

export interface ScramLogin {
  readonly mechanism: ScramMechanism;
  readonly username: string;
  readonly password: string;
  /** `username` is the id of a delegation token (KIP-48), and `password` its HMAC in base64. */
  readonly isToken?: boolean;
}

/** Sends a token and resolves with the server's. */
export type ExchangeToken = (token: Buffer) => Promise<Buffer>;

/**
 * `nonce`: printable ASCII without a comma, never used before. @throws SaslRefused: the server's messages are malformed, or
 * it does not know the credential.
 */
export async function logInByScram(
  { mechanism, username, password, isToken = false }: ScramLogin,
  nonce: string,
  derive: DeriveKey,
  exchange: ExchangeToken,
): Promise<void> {
  const bare = `n=${username.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${nonce}${isToken ? ',tokenauth=true' : ''}`;
  const challenge = (await exchange(Buffer.from(HEADER + bare))).toString();
  const parts = CHALLENGE.exec(challenge)?.groups;
  if (!parts?.['nonce']?.startsWith(nonce) || Number(parts['iterations']) > MOST_ITERATIONS)
    throw new SaslRefused(`Invalid SCRAM server first message: ${challenge}`, 'for the log');
  const { nonce: both = '', salt = '', iterations } = parts;
  const salted = await derive(password, Buffer.from(salt, 'base64'), Number(iterations), DIGESTS[mechanism]);
  const unsigned = `c=${Buffer.from(HEADER).toString('base64')},r=${both}`;
  const signed = `${bare},${challenge},${unsigned}`;
  const clientKey = hmac(mechanism, salted, 'Client Key');
  const proof = exclusiveOr(clientKey, hmac(mechanism, hash(mechanism, clientKey), signed));
  const final = (await exchange(Buffer.from(`${unsigned},p=${proof.toString('base64')}`))).toString();
  const signature = hmac(mechanism, hmac(mechanism, salted, 'Server Key'), signed);
  const seen = Buffer.from(/^v=(?<signature>[A-Za-z0-9+/=]+)/.exec(final)?.groups?.['signature'] ?? '', 'base64');
  if (seen.length !== signature.length || !timingSafeEqual(seen, signature))
    throw new SaslRefused('the server does not know the credential of the user', 'for the log');
}
