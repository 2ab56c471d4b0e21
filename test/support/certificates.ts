// Certificates for tests, without a program that makes them: an authority, and what it signs (RFC 5280, in DER by hand).
import { createPrivateKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

/** PEM texts. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** From the most general to the most specific, as in a certificate: [['O', 'Depot'], ['CN', 'truck-1']]. */
export type Name = readonly (readonly ['C' | 'O' | 'OU' | 'CN', string])[];

interface Wanted {
  readonly subject: Name;
  /** DNS names and IPv4 addresses of a server. */
  readonly names?: readonly string[];
  readonly notAfter?: Date;
}

const YEAR_MS = 365 * 24 * 3_600_000;

export class Authority {
  readonly #subject: Name;
  readonly #own: Certificate;
  #serial = 1;

  constructor(commonName = 'Test Authority') {
    this.#subject = [['CN', commonName]];
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#own = this.#signed(pair, pair.privateKey, { subject: this.#subject }, true);
  }

  /** PEM. */
  get cert(): string {
    return this.#own.cert;
  }

  issue(wanted: Wanted): Certificate {
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    return this.#signed(pair, createPrivateKey(this.#own.key), wanted, false);
  }

  #signed(
    { publicKey, privateKey }: { publicKey: KeyObject; privateKey: KeyObject },
    signer: KeyObject,
    { subject, names = [], notAfter = new Date(Date.now() + YEAR_MS) }: Wanted,
    isAuthority: boolean,
  ): Certificate {
    const unsigned = sequence(
      tagged(0xa0, integer(2)),
      integer(this.#serial++),
      sequence(oid(ECDSA_WITH_SHA256)),
      nameOf(this.#subject),
      sequence(time(new Date(Date.now() - YEAR_MS)), time(notAfter)),
      nameOf(subject),
      publicKey.export({ type: 'spki', format: 'der' }),
      tagged(0xa3, sequence(...extensions(names, isAuthority))),
    );
    const signature = sign('sha256', unsigned, signer);
    const der = sequence(unsigned, sequence(oid(ECDSA_WITH_SHA256)), bits(signature));
    const lines = der
      .toString('base64')
      .replace(/(.{64})/g, '$1\n')
      .trimEnd();
    return {
      cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
      key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    };
  }
}

const ECDSA_WITH_SHA256 = [1, 2, 840, 10045, 4, 3, 2];
const ATTRIBUTES = { C: [2, 5, 4, 6], O: [2, 5, 4, 10], OU: [2, 5, 4, 11], CN: [2, 5, 4, 3] } as const;
const BASIC_CONSTRAINTS = [2, 5, 29, 19];
const ALTERNATIVE_NAMES = [2, 5, 29, 17];
const TRUE = Buffer.from([1, 1, 0xff]);

function extensions(names: readonly string[], isAuthority: boolean): Buffer[] {
  const all = [sequence(oid(BASIC_CONSTRAINTS), TRUE, tagged(0x04, isAuthority ? sequence(TRUE) : sequence()))];
  if (names.length > 0) all.push(sequence(oid(ALTERNATIVE_NAMES), tagged(0x04, sequence(...names.map(alternative)))));
  return all;
}

const alternative = (name: string): Buffer =>
  /^\d+(\.\d+){3}$/.test(name)
    ? tagged(0x87, Buffer.from(name.split('.').map(Number)))
    : tagged(0x82, Buffer.from(name));

const nameOf = (name: Name): Buffer =>
  sequence(
    ...name.map(([type, text]) => tagged(0x31, sequence(oid(ATTRIBUTES[type]), tagged(0x0c, Buffer.from(text))))),
  );

function tagged(tag: number, ...content: readonly Buffer[]): Buffer {
  const bytes = Buffer.concat(content);
  const { length } = bytes;
  const header =
    length < 0x80 ? [tag, length] : length < 0x100 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(header), bytes]);
}

const sequence = (...content: readonly Buffer[]): Buffer => tagged(0x30, ...content);
const integer = (value: number): Buffer => tagged(0x02, Buffer.from([value]));
const bits = (bytes: Buffer): Buffer => tagged(0x03, Buffer.concat([Buffer.from([0]), bytes]));
const time = (date: Date): Buffer =>
  tagged(0x17, Buffer.from(`${date.toISOString().slice(2, 19).replace(/[-:T]/g, '')}Z`));

function oid([first = 0, second = 0, ...rest]: readonly number[]): Buffer {
  const bytes = rest.flatMap((part) => {
    const groups = [part & 0x7f];
    for (let left = part >> 7; left > 0; left >>= 7) groups.unshift((left & 0x7f) | 0x80);
    return groups;
  });
  return tagged(0x06, Buffer.from([first * 40 + second, ...bytes]));
}
