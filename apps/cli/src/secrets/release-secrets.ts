// The Secrets of a release on Kubernetes for which nobody has given their own: an authority, the certificate of the release's
// services and pods that it has signed, and the password of the admin.
//
// Promises: what exists remains, so that two runs, or two at once, leave the same. Only the certificate is renewed: when a third of
// its time is left, when it lacks a name, or when another authority has signed it.
// Never: prints a secret, or replaces what it does not understand.
import { randomBytes, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { Authority, SERVER_DAYS } from '../secure/certificate-authority.ts';

export interface Secret {
  readonly name: string;
  readonly type: 'Opaque' | 'kubernetes.io/tls';
  readonly data: Readonly<Record<string, string>>;
  /** Of a Secret that was read. */
  readonly resourceVersion?: string;
}

export interface SecretStore {
  read(name: string): Promise<Secret | undefined>;
  /** False: there is one of that name. */
  create(secret: Secret): Promise<boolean>;
  /** False: it has changed since it was read. */
  replace(secret: Secret): Promise<boolean>;
}

export interface WantedSecrets {
  /** Names of Secrets. */
  readonly authority?: string | undefined;
  readonly certificate?: string | undefined;
  readonly admin?: string | undefined;
  /** DNS names and addresses in the certificate. */
  readonly names: readonly string[];
}

export type Outcome = 'made' | 'renewed' | 'unchanged';

/** A Secret that exists and cannot be used. */
export class SecretRefused extends Error {
  override readonly name = 'SecretRefused';
}

const DAY_MS = 24 * 3_600_000;
const RENEW_MS = (SERVER_DAYS * DAY_MS) / 3;
/** Another run may have changed a Secret in between: its content is then read. */
const ATTEMPTS = 3;

/** What became of each Secret. @throws SecretRefused */
export async function makeSecrets(store: SecretStore, wanted: WantedSecrets): Promise<Map<string, Outcome>> {
  const outcomes = new Map<string, Outcome>();
  if (wanted.authority !== undefined && wanted.certificate !== undefined) {
    const [secret, outcome] = await kept(store, wanted.authority, newAuthority);
    outcomes.set(wanted.authority, outcome);
    outcomes.set(wanted.certificate, await certificate(store, wanted.certificate, authorityIn(secret), wanted.names));
  }
  if (wanted.admin !== undefined) {
    const [secret, outcome] = await kept(store, wanted.admin, newAdmin);
    entry(secret, 'password');
    outcomes.set(wanted.admin, outcome);
  }
  return outcomes;
}

/** The one that exists, or else a new one. */
async function kept(store: SecretStore, name: string, make: (name: string) => Secret): Promise<[Secret, Outcome]> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const known = await store.read(name);
    if (known) return [known, 'unchanged'];
    const made = make(name);
    if (await store.create(made)) return [made, 'made'];
  }
  throw busy(name);
}

async function certificate(
  store: SecretStore,
  name: string,
  authority: Authority,
  names: readonly string[],
): Promise<Outcome> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const known = await store.read(name);
    if (known && isGood(known, authority, names)) return 'unchanged';
    const { cert, key } = authority.issue({ subject: [['CN', commonName(names)]], names, notAfter: endOf(authority) });
    const data = { 'ca.crt': authority.cert, 'tls.crt': cert, 'tls.key': key };
    const secret: Secret = { ...known, name, type: 'kubernetes.io/tls', data };
    if (await (known ? store.replace(secret) : store.create(secret))) return known ? 'renewed' : 'made';
  }
  throw busy(name);
}

function isGood(secret: Secret, authority: Authority, names: readonly string[]): boolean {
  const seen = read(secret, 'tls.crt', (pem) => new X509Certificate(pem));
  const issuer = new X509Certificate(authority.cert);
  return (
    seen.verify(issuer.publicKey) &&
    entry(secret, 'ca.crt') === authority.cert &&
    seen.validToDate.getTime() - Date.now() > RENEW_MS &&
    names.every((name) => (isIP(name) ? seen.checkIP(name) : seen.checkHost(name)) !== undefined)
  );
}

const newAuthority = (name: string): Secret => {
  const { cert, key } = new Authority(`Milepost authority ${name}`.slice(0, 64));
  return { name, type: 'Opaque', data: { 'ca.crt': cert, 'ca.key': key } };
};

const newAdmin = (name: string): Secret => ({
  name,
  type: 'Opaque',
  data: { password: randomBytes(18).toString('base64url') },
});

const authorityIn = (secret: Secret): Authority =>
  read(secret, 'ca.crt', (cert) => {
    new X509Certificate(cert);
    return new Authority({ cert, key: entry(secret, 'ca.key') });
  });

/** No certificate outlives its authority. */
const endOf = ({ cert }: Authority): Date =>
  new Date(Math.min(Date.now() + SERVER_DAYS * DAY_MS, new X509Certificate(cert).validToDate.getTime()));

/** At most 64 characters (RFC 5280); clients look at the alternative names. */
const commonName = (names: readonly string[]): string => names.find((name) => name.length <= 64) ?? 'milepost';

function read<Value>(secret: Secret, key: string, parse: (text: string) => Value): Value {
  const text = entry(secret, key);
  try {
    return parse(text);
  } catch (failure) {
    throw refused(secret, key, `what cannot be used (${(failure as Error).message})`);
  }
}

function entry(secret: Secret, key: string): string {
  const text = secret.data[key];
  if (!text) throw refused(secret, key, 'nothing');
  return text;
}

const refused = ({ name }: Secret, key: string, seen: string): SecretRefused =>
  new SecretRefused(
    `Secret ${name}: expected ${key} as an earlier run has made it, got ${seen}: delete the Secret to have another one made, or give ` +
      'your own by tls.existingSecret or admin.existingSecret',
  );

const busy = (name: string): SecretRefused =>
  new SecretRefused(`Secret ${name}: it changes all the time: is another controller writing it?`);
