import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Authority } from './certificate-authority.ts';

const names = ['depot.example', 'localhost', '192.168.7.3', '::1', 'fd00::7:1'];
const subject = [
  ['O', 'Depot'],
  ['CN', 'depot.example'],
] as const;

test('a certificate is for its names and addresses, signed by its authority, and has its key', () => {
  const authority = new Authority('Depot authority');
  const { cert, key } = authority.issue({ subject, names });
  const certificate = new X509Certificate(cert);
  const issuer = new X509Certificate(authority.cert);
  expect(certificate.verify(issuer.publicKey)).toBe(true);
  expect(certificate.checkIssued(issuer)).toBe(true);
  expect(issuer.ca).toBe(true);
  expect(certificate.ca).toBe(false);
  expect(certificate.subject).toBe('O=Depot\nCN=depot.example');
  for (const name of names) expect(isIP(name) ? certificate.checkIP(name) : certificate.checkHost(name)).toBe(name);
  expect(certificate.checkIP('fd00::7:2')).toBeUndefined();
  expect(certificate.checkHost('elsewhere.example')).toBeUndefined();
  expect(key).toContain('PRIVATE KEY');
});

test('an authority that is read back signs as before', () => {
  const first = new Authority('Depot authority');
  const again = new Authority({ cert: first.cert, key: first.key });
  const certificate = new X509Certificate(again.issue({ subject, names }).cert);
  expect(certificate.checkIssued(new X509Certificate(first.cert))).toBe(true);
  expect(certificate.verify(new X509Certificate(first.cert).publicKey)).toBe(true);
});

const hasOpenssl = (() => {
  try {
    return execFileSync('openssl', ['version']).length > 0;
  } catch {
    return false;
  }
})();
if (!hasOpenssl) console.warn('skipped: OpenSSL verifies certificates: no openssl on this machine');

(hasOpenssl ? test : test.skip)('OpenSSL verifies the certificate as that of a TLS server, under strict rules', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mp-'));
  const authority = new Authority('Depot authority');
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const ca = file('ca.pem', authority.cert);
  const server = file('server.pem', authority.issue({ subject, names }).cert);
  const late = file('late.pem', authority.issue({ subject, names, notAfter: new Date(Date.now() - 1_000) }).cert);
  const verify = (cert: string, host: string): string => {
    try {
      const options = ['-x509_strict', '-purpose', 'sslserver', '-CAfile', ca, '-verify_hostname', host];
      return execFileSync('openssl', ['verify', ...options, cert], { encoding: 'utf8', stdio: 'pipe' });
    } catch (error) {
      return String((error as { stderr: string }).stderr);
    }
  };
  expect(verify(server, 'depot.example')).toContain('server.pem: OK');
  expect(verify(server, 'elsewhere.example')).toContain('hostname mismatch');
  expect(verify(late, 'depot.example')).toContain('certificate has expired');
  rmSync(folder, { recursive: true });
});
