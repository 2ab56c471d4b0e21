// The HTTP port: where it listens, TLS, whether users sign in, and which pages and scrapers may use it.
import { z } from 'zod';
import { aPort, flag, port, portOrOff, setting, text, type Value } from './row.ts';

export const httpTable = {
  httpListen: setting({
    variable: 'MILEPOST_HTTP_LISTEN',
    schema: text.regex(/^\S+$/),
    expected: 'an address of this machine, such as 127.0.0.1 or 0.0.0.0',
    meaning: 'Address that the HTTP port listens on. Unset: that of MILEPOST_LISTEN.',
  }),
  httpPort: setting({
    variable: 'MILEPOST_HTTP_PORT',
    schema: port,
    expected: aPort,
    meaning:
      'Port of the map, the API, /metrics and /health. Unset: 8080 for appliance and dashboard, 8081 broker, 8082 gateway, 8084 notifications, 8085 schema registry.',
  }),
  httpTls: setting({
    variable: 'MILEPOST_HTTP_TLS',
    schema: flag,
    expected: 'true or false',
    fallback: 'false',
    meaning:
      'true: the HTTP port speaks HTTPS, with the certificate of MILEPOST_TLS_CERT_FILE or MILEPOST_TLS_KEYSTORE_FILE.',
  }),
  httpAuthentication: setting({
    variable: 'MILEPOST_HTTP_AUTHENTICATION',
    schema: z.enum(['none', 'required']),
    expected: 'none or required',
    fallback: 'none',
    meaning:
      'required: users sign in (`milepost users add`), scripts use a token (`milepost users token`). none: everybody may read everything.',
  }),
  metricsAccess: setting({
    variable: 'MILEPOST_METRICS_ACCESS',
    schema: z.enum(['token', 'open']),
    expected: 'token or open',
    fallback: 'token',
    meaning:
      'Where users sign in: whether /metrics on the HTTP port needs a token (or a session), or is open. /health is always open.',
  }),
  metricsPort: setting({
    variable: 'MILEPOST_METRICS_PORT',
    schema: portOrOff,
    expected: `${aPort}, or off`,
    fallback: 'off',
    meaning: 'A port of its own for /metrics and /health, without TLS and authentication; off: not opened.',
  }),
  metricsListen: setting({
    variable: 'MILEPOST_METRICS_LISTEN',
    schema: text.regex(/^\S+$/),
    expected: 'an address of this machine, such as 127.0.0.1 or 0.0.0.0',
    fallback: '127.0.0.1',
    meaning: 'Address that the port of MILEPOST_METRICS_PORT listens on.',
  }),
  allowedOrigins: setting({
    variable: 'MILEPOST_ALLOWED_ORIGINS',
    schema: z.string().transform((value, context) => {
      const parts = value.split(',').map((part) => part.trim());
      if (parts.every((part) => /^https?:\/\/[^\s/?#@]+$/.test(part) && URL.canParse(part))) return parts;
      context.addIssue({ code: 'custom', message: 'not an origin' });
      return z.NEVER;
    }),
    expected: 'https://name or http://name:port, several separated by commas',
    meaning:
      'Where pages come from that may use the HTTP and WebSocket ports, beside those of this machine: the address of a proxy in front, for ' +
      'example. A browser on another page, or by another name, is refused.',
  }),
} as const;

export type HttpSettings = { readonly [Name in keyof typeof httpTable]: Value<(typeof httpTable)[Name]> };

interface Related {
  readonly databaseUrl: string | undefined;
  readonly tlsCertFile: string | undefined;
  readonly tlsKeystoreFile: string | undefined;
}

/** Settings that do not fit together, a line for each. */
export function httpMistakes(
  program: string,
  { httpTls, httpAuthentication, databaseUrl, tlsCertFile, tlsKeystoreFile }: HttpSettings & Related,
): string[] {
  const mistakes: string[] = [];
  if (httpTls && tlsCertFile === undefined && tlsKeystoreFile === undefined)
    mistakes.push('MILEPOST_TLS_CERT_FILE: expected the certificate for MILEPOST_HTTP_TLS=true, got none');
  if (httpAuthentication === 'required' && databaseUrl === undefined && ['dashboard', 'gateway'].includes(program))
    mistakes.push(
      `DATABASE_URL: expected the PostgreSQL that has the users, as MILEPOST_HTTP_AUTHENTICATION is required and the ${program} has none of its own; got none`,
    );
  return mistakes;
}
