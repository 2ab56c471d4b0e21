// SASL PLAIN (RFC 4616): the name and the password as they are, for connections that are encrypted otherwise.
import { SaslRefused } from './sasl-refused.ts';

export interface PlainLogin {
  readonly username: string;
  readonly password: string;
}

/** No password that people or programs use is longer; a key is derived from each that is tried. */
export const LONGEST_PASSWORD_BYTES = 1_024;

/** @throws SaslRefused, with Kafka's messages */
export function parsePlain(message: Buffer): PlainLogin {
  const tokens = message.toString().split('\0');
  if (tokens.length !== 3)
    throw new SaslRefused(`Invalid SASL/PLAIN response: expected 3 tokens, got ${tokens.length}`);
  const [authzid, username = '', password = ''] = tokens;
  if (username === '') throw new SaslRefused('Authentication failed: username not specified');
  if (password === '') throw new SaslRefused('Authentication failed: password not specified');
  if (authzid !== '' && authzid !== username)
    throw new SaslRefused(
      'Authentication failed: Client requested an authorization id that is different from username',
    );
  if (Buffer.byteLength(password) > LONGEST_PASSWORD_BYTES)
    throw new SaslRefused(`Authentication failed: a password has at most ${LONGEST_PASSWORD_BYTES} bytes`);
  return { username, password };
}
