// A certificate authority of one's own, and the certificates that it signs (RFC 5280): P-256 keys, ECDSA with SHA-256. Node can read
// certificates but not make them, so they are written in DER by hand (decision 60); a test has OpenSSL verify them.
import {
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto';
import { isIPv4, isIPv6 } from 'node:net';

/** PEM texts. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** From the most general to the most specific, as in a certificate: [['O', 'Depot'], ['CN', 'truck-1']]. */
export type Name = readonly (readonly ['C' | 'O' | 'OU' | 'CN', string])[];

export interface Wanted {
  readonly subject: Name;
  /** DNS names and addresses of a server. */
  readonly names?: readonly string[];
  readonly notAfter?: Date;
}

const DAY_MS = 24 * 3_600_000;
/** Clocks of clients may be slow. */
const BEFORE_MS = DAY_MS;
const AUTHORITY_DAYS = 3_650;
/** Browsers refuse longer ones, also from an authority that a user has added. */
export const SERVER_DAYS = 397;

export class Authority {
  readonly #own: Certificate;

  /** A new authority, or one that exists. */
  constructor(given: string | Certificate = 'Test Authority') {
    this.#own = typeof given === 'string' ? newAuthority(given) : given;
  }

  /** PEM. */
  get cert(): string {
    return this.#own.cert;
  }
  /** PEM, not encrypted. */
  get key(): string {
    return this.#own.key;
  }

  issue({ subject, names = [], notAfter = inDays(SERVER_DAYS) }: Wanted): Certificate {
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const issuer = new X509Certificate(this.#own.cert);
    return certificateOf(pair, {
      signer: createPrivateKey(this.#own.key),
      signerKeyId: keyId(issuer.publicKey),
      issuer: subjectIn(issuer),
      subject: nameOf(subject),
      notAfter,
      extensions: [constraints(false), use(DIGITAL_SIGNATURE), purposes(), ...alternatives(names)],
    });
  }
}

function newAuthority(commonName: string): Certificate {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = nameOf([['CN', commonName]]);
  const extensions = [constraints(true), use(SIGNS_CERTIFICATES)];
  const notAfter = inDays(AUTHORITY_DAYS);
  const signerKeyId = keyId(pair.publicKey);
  return certificateOf(pair, {
    signer: pair.privateKey,
    signerKeyId,
    issuer: name,
    subject: name,
    notAfter,
    extensions,
  });
}

interface Content {
  readonly signer: KeyObject;
  readonly signerKeyId: Buffer;
  readonly issuer: Buffer;
  readonly subject: Buffer;
  readonly notAfter: Date;
  readonly extensions: readonly Buffer[];
}

function certificateOf(
  { publicKey, privateKey }: { publicKey: KeyObject; privateKey: KeyObject },
  content: Content,
): Certificate {
  const { signer, signerKeyId, issuer, subject, notAfter, extensions } = content;
  const identifiers = [
    extension(SUBJECT_KEY_ID, tagged(0x04, keyId(publicKey))),
    extension(AUTHORITY_KEY_ID, sequence(tagged(0x80, signerKeyId))),
  ];
  const unsigned = sequence(
    tagged(0xa0, tagged(0x02, Buffer.from([2]))), // version 3
    tagged(0x02, serial()),
    sequence(oid(ECDSA_WITH_SHA256)),
    issuer,
    sequence(time(new Date(Date.now() - BEFORE_MS)), time(notAfter)),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(0xa3, sequence(...extensions, ...identifiers)),
  );
  const der = sequence(unsigned, sequence(oid(ECDSA_WITH_SHA256)), bits(sign('sha256', unsigned, signer)));
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  };
}

const ECDSA_WITH_SHA256 = [1, 2, 840, 10045, 4, 3, 2];
const ATTRIBUTES = { C: [2, 5, 4, 6], O: [2, 5, 4, 10], OU: [2, 5, 4, 11], CN: [2, 5, 4, 3] } as const;
const SUBJECT_KEY_ID = [2, 5, 29, 14];
const KEY_USAGE = [2, 5, 29, 15];
const ALTERNATIVE_NAMES = [2, 5, 29, 17];
const BASIC_CONSTRAINTS = [2, 5, 29, 19];
const AUTHORITY_KEY_ID = [2, 5, 29, 35];
const EXTENDED_KEY_USAGE = [2, 5, 29, 37];
const SERVER_AUTH = [1, 3, 6, 1, 5, 5, 7, 3, 1];
const CLIENT_AUTH = [1, 3, 6, 1, 5, 5, 7, 3, 2];
const TRUE = Buffer.from([1, 1, 0xff]);
/** Bits of KeyUsage, the number of unused ones first. */
const DIGITAL_SIGNATURE = [7, 0x80];
const SIGNS_CERTIFICATES = [1, 0x06];

const extension = (id: readonly number[], value: Buffer, isCritical = false): Buffer =>
  sequence(oid(id), ...(isCritical ? [TRUE] : []), tagged(0x04, value));
const constraints = (isAuthority: boolean): Buffer =>
  extension(BASIC_CONSTRAINTS, isAuthority ? sequence(TRUE) : sequence(), true);
const use = (usage: readonly number[]): Buffer => extension(KEY_USAGE, tagged(0x03, Buffer.from(usage)), true);
const purposes = (): Buffer => extension(EXTENDED_KEY_USAGE, sequence(oid(SERVER_AUTH), oid(CLIENT_AUTH)));
const alternatives = (names: readonly string[]): Buffer[] =>
  names.length === 0 ? [] : [extension(ALTERNATIVE_NAMES, sequence(...names.map(alternative)))];

function alternative(name: string): Buffer {
  if (isIPv4(name)) return tagged(0x87, Buffer.from(name.split('.').map(Number)));
  return isIPv6(name) ? tagged(0x87, ipv6(name)) : tagged(0x82, Buffer.from(name));
}

function ipv6(address: string): Buffer {
  const groupsIn = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const [before = '', after] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const [head, tail] = [groupsIn(before), groupsIn(after ?? '')];
  const groups = [...head, ...Array<string>(8 - head.length - tail.length).fill('0'), ...tail];
  return Buffer.from(groups.map((group) => group.padStart(4, '0')).join(''), 'hex');
}

const nameOf = (name: Name): Buffer =>
  sequence(
    ...name.map(([type, text]) => tagged(0x31, sequence(oid(ATTRIBUTES[type]), tagged(0x0c, Buffer.from(text))))),
  );

/** As our own authorities have it. */
function subjectIn({ subject }: X509Certificate): Buffer {
  return nameOf(subject.split('\n').map((line) => line.split(/=(.*)/s).slice(0, 2) as ['CN', string]));
}

/** RFC 7093 method 1: any unique value will do. */
const keyId = (key: KeyObject): Buffer =>
  createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest()
    .subarray(0, 20);

/** Positive, and unpredictable. */
function serial(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes;
}

const inDays = (days: number): Date => new Date(Date.now() + days * DAY_MS);

function tagged(tag: number, ...content: readonly Buffer[]): Buffer {
  const bytes = Buffer.concat(content);
  const { length } = bytes;
  const header =
    length < 0x80 ? [tag, length] : length < 0x100 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(header), bytes]);
}

const sequence = (...content: readonly Buffer[]): Buffer => tagged(0x30, ...content);
const bits = (bytes: Buffer): Buffer => tagged(0x03, Buffer.from([0]), bytes);

/** UTCTime before 2050, GeneralizedTime from then on. */
function time(date: Date): Buffer {
  const text = `${date.toISOString().slice(0, 19).replace(/[-:T]/g, '')}Z`;
  return date.getUTCFullYear() < 2050 ? tagged(0x17, Buffer.from(text.slice(2))) : tagged(0x18, Buffer.from(text));
}

function oid([first = 0, second = 0, ...rest]: readonly number[]): Buffer {
  const bytes = rest.flatMap((part) => {
    const groups = [part & 0x7f];
    for (let left = part >> 7; left > 0; left >>= 7) groups.unshift((left & 0x7f) | 0x80);
    return groups;
  });
  return tagged(0x06, Buffer.from([first * 40 + second, ...bytes]));
}
