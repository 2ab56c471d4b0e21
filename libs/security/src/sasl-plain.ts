// SASL PLAIN (RFC 4616): the user name and the password in clear text, for connections that are encrypted by other means.
import { SaslRefused } from './sasl-refused.ts';

export interface PlainLogin {
  readonly username: string;
  readonly password: string;
}

/** A limit, because each attempt derives a key from its password. Real passwords are shorter. */
export const LONGEST_PASSWORD_BYTES = 1_024;

const TOLD = 'for the client';

/** @throws SaslRefused, with Kafka's messages */
export function parsePlain(message: Buffer): PlainLogin {
  const tokens = message.toString().split('\0');
  if (tokens.length !== 3)
    throw new SaslRefused(`Invalid SASL/PLAIN response: expected 3 tokens, got ${tokens.length}`, TOLD);
  const [authzid, username = '', password = ''] = tokens;
  if (username === '') throw new SaslRefused('Authentication failed: username not specified', TOLD);
  if (password === '') throw new SaslRefused('Authentication failed: password not specified', TOLD);
  if (authzid !== '' && authzid !== username)
    throw new SaslRefused(
      'Authentication failed: Client requested an authorization id that is different from username',
      TOLD,
    );
  if (Buffer.byteLength(password) > LONGEST_PASSWORD_BYTES)
    throw new SaslRefused(`Authentication failed: a password has at most ${LONGEST_PASSWORD_BYTES} bytes`, TOLD);
  return { username, password };
}
