import { CertificateNames, type CertificateNameKind } from './certificate-names.ts';

const SUBJECT = 'C=SE\nO=Depot\nCN=t-1';
const idOf = (
  kind: CertificateNameKind,
  { subject = SUBJECT, alternativeNames }: { subject?: string; alternativeNames?: string },
  rules?: string,
): string | undefined => new CertificateNames(kind, rules).idOf({ subject, alternativeNames, validToMs: 0 });

test('the common name is the device id', () => {
  expect(idOf('subject', {})).toBe('t-1');
});

test.each([
  ['two common names', 'CN=t-1\nCN=t-2'],
  ['no common name', 'O=Depot'],
  ['a wildcard', 'CN=+'],
  ['a slash', 'CN=t-1/gps'],
  ['an escaped line break', 'CN=x\\0ACN=t-1'],
  ['nothing in it', 'CN='],
])('a subject with %s has no device id', (_what, subject) => {
  expect(idOf('subject', { subject })).toBeUndefined();
});

test('an alternative name of the kind is the device id', () => {
  const alternativeNames = 'IP Address:10.0.0.1, DNS:t-2.example, URI:urn:truck:t-3, email:t-4';
  expect(idOf('dns', { alternativeNames })).toBe('t-2.example');
  expect(idOf('email', { alternativeNames })).toBe('t-4');
  expect(idOf('uri', { alternativeNames })).toBeUndefined();
  expect(idOf('uri', { alternativeNames }, 'RULE:urn:truck:(.*)/$1/')).toBe('t-3');
  expect(idOf('dns', {})).toBeUndefined();
});

test('an alternative name that imitates another entry is none (CVE-2021-44532)', () => {
  expect(idOf('dns', { alternativeNames: 'URI:"http://a/, DNS:t-9", DNS:t-1' })).toBe('t-1');
  expect(idOf('dns', { alternativeNames: 'DNS:"t-9, DNS:t-1"' })).toBeUndefined();
});

test("rules map the subject as Kafka's do", () => {
  const rules = 'RULE:^CN=([^,]+),O=Depot.*$/$1/U';
  expect(idOf('subject', {}, rules)).toBe('T-1');
  expect(idOf('subject', { subject: 'O=Elsewhere\nCN=t-1' }, rules)).toBeUndefined();
  expect(idOf('subject', {}, 'DEFAULT')).toBeUndefined(); // the whole subject is no device id
});
