// The client's message of SASL OAUTHBEARER (RFC 7628, section 3.1), as Kafka's OAuthBearerClientInitialResponse reads it:
//
//   n,[a=<authorization id>],^A  auth=Bearer <token>^A  (<extension>=<value>^A)*  ^A
//
// Extensions are checked and ignored: Kafka's clients send them for other brokers.
import { SaslRefused } from './sasl-refused.ts';

export interface BearerLogin {
  readonly token: string;
  /** '': none. */
  readonly authorizationId: string;
}

/* oxlint-disable no-control-regex -- the separator is one */
const HEADER = /^n,(?:a=((?:[^=,\x00\x01]|=2C|=3D){1,1024}))?,\x01$/;
const PAIR = /^([A-Za-z]+)=([\x21-\x7E \t\r\n]+)$/;
const BEARER = /^bearer +([-_~+/.A-Za-z0-9]+=*)$/i;
const SEPARATOR = '\x01';

/** @throws SaslRefused */
export function parseBearer(message: Buffer): BearerLogin {
  const text = message.toString();
  const end = text.indexOf(SEPARATOR) + 1;
  const header = HEADER.exec(text.slice(0, end));
  if (!header || !text.endsWith(SEPARATOR.repeat(2))) throw refused('it is malformed');
  const pairs = text.slice(end, -2).split(SEPARATOR);
  const values = new Map<string, string>();
  for (const pair of pairs) {
    const [, key, value] = PAIR.exec(pair) ?? [];
    if (key === undefined || value === undefined) throw refused('a pair of it is malformed');
    values.set(key, value);
  }
  const auth = values.get('auth');
  if (auth === undefined) throw refused("'auth' not specified");
  const token = BEARER.exec(auth)?.[1];
  if (token === undefined) throw refused("invalid 'auth' format");
  const authorizationId = (header[1] ?? '').replaceAll('=2C', ',').replaceAll('=3D', '=');
  return { token, authorizationId };
}

const refused = (reason: string): SaslRefused =>
  new SaslRefused(`Invalid OAUTHBEARER client first message: ${reason}`, 'for the log');
