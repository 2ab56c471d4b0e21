import { X509Certificate } from 'node:crypto';
import { Authority } from '../secure/certificate-authority.ts';
import { makeSecrets, type Secret, type SecretStore } from './release-secrets.ts';

/** As Kubernetes: a change of something that was read before another change is refused. */
class Namespace implements SecretStore {
  readonly secrets = new Map<string, Secret>();
  #version = 0;
  async read(name: string): Promise<Secret | undefined> {
    return this.secrets.get(name);
  }
  async create(secret: Secret): Promise<boolean> {
    return !this.secrets.has(secret.name) && this.#store(secret);
  }
  async replace(secret: Secret): Promise<boolean> {
    return this.secrets.get(secret.name)?.resourceVersion === secret.resourceVersion && this.#store(secret);
  }
  #store(secret: Secret): boolean {
    this.secrets.set(secret.name, { ...secret, resourceVersion: String(++this.#version) });
    return true;
  }
  data(name: string): Readonly<Record<string, string>> {
    return this.secrets.get(name)?.data ?? {};
  }
}

const names = ['depot-milepost-kafka.fleet.svc', '*.depot-milepost-broker.fleet.svc.cluster.local', 'fleet.example'];
const wanted = { authority: 'ca', certificate: 'tls', admin: 'admin', names };
const outcomes = async (namespace: SecretStore, more: object = {}) =>
  Object.fromEntries(await makeSecrets(namespace, { ...wanted, ...more }));
const certificateIn = (namespace: Namespace) => new X509Certificate(namespace.data('tls')['tls.crt'] ?? '');

test('the first run makes an authority, a certificate for every name and a password; the next ones change nothing', async () => {
  const namespace = new Namespace();
  expect(await outcomes(namespace)).toEqual({ ca: 'made', tls: 'made', admin: 'made' });
  const before = new Map(namespace.secrets);
  expect(await outcomes(namespace)).toEqual({ ca: 'unchanged', tls: 'unchanged', admin: 'unchanged' });
  expect(namespace.secrets).toEqual(before);
  const certificate = certificateIn(namespace);
  for (const name of [
    ...names.filter((one) => !one.startsWith('*')),
    'depot-2.depot-milepost-broker.fleet.svc.cluster.local',
  ])
    expect(certificate.checkHost(name)).toBeDefined();
  expect(certificate.checkHost('elsewhere.example')).toBeUndefined();
  const authority = new X509Certificate(namespace.data('ca')['ca.crt'] ?? '');
  expect(certificate.verify(authority.publicKey)).toBe(true);
  expect(namespace.data('tls')['ca.crt']).toBe(namespace.data('ca')['ca.crt']);
  expect(namespace.data('tls')['ca.key']).toBeUndefined();
  expect(namespace.data('admin')['password']?.length).toBeGreaterThanOrEqual(24);
});

test('a certificate is renewed for another name, by another authority, and in time; the authority remains', async () => {
  const namespace = new Namespace();
  await outcomes(namespace);
  const ca = namespace.data('ca');
  expect(await outcomes(namespace, { names: [...names, 'other.example'] })).toMatchObject({
    ca: 'unchanged',
    tls: 'renewed',
  });
  expect(certificateIn(namespace).checkHost('other.example')).toBeDefined();
  const old = new Authority({ cert: ca['ca.crt'] ?? '', key: ca['ca.key'] ?? '' });
  const soon = new Date(Date.now() + 100 * 24 * 3_600_000);
  const { cert, key } = old.issue({ subject: [['CN', 'old']], names, notAfter: soon });
  const data = { 'tls.crt': cert, 'tls.key': key, 'ca.crt': old.cert };
  namespace.secrets.set('tls', { name: 'tls', type: 'kubernetes.io/tls', data, resourceVersion: '77' });
  expect(await outcomes(namespace)).toMatchObject({ tls: 'renewed' });
  namespace.secrets.delete('ca');
  expect(await outcomes(namespace)).toEqual({ ca: 'made', tls: 'renewed', admin: 'unchanged' });
  expect(namespace.data('tls')['ca.crt']).not.toBe(ca['ca.crt']);
});

test('two runs at once use the same authority and password', async () => {
  const namespace = new Namespace();
  await Promise.all([outcomes(namespace), outcomes(namespace)]);
  const authority = new X509Certificate(namespace.data('ca')['ca.crt'] ?? '');
  expect(certificateIn(namespace).verify(authority.publicKey)).toBe(true);
  expect(await outcomes(namespace)).toEqual({ ca: 'unchanged', tls: 'unchanged', admin: 'unchanged' });
});

test.each([
  ['ca', { 'ca.crt': 'half a cert', 'ca.key': 'x' }, /Secret ca: expected ca\.crt .* got what cannot be used/],
  ['tls', { 'tls.crt': 'junk' }, /Secret tls: expected tls\.crt .* delete the Secret/],
  ['admin', { passwort: 'x' }, /Secret admin: expected password .* got nothing/],
] as const)('a Secret %s with something else is refused in one line, and stays', async (name, data, said) => {
  const namespace = new Namespace();
  namespace.secrets.set(name, { name, type: 'Opaque', data, resourceVersion: '7' });
  await expect(outcomes(namespace)).rejects.toThrow(said);
  expect(namespace.data(name)).toBe(data);
});
