// How clients connect and authenticate, from Kafka's properties.
import type { TlsServer, TlsVersion } from '@milepost/core';
import { type BrokerConfigLayers, brokerList, brokerNumber, brokerValue } from '@milepost/metadata';
import {
  ANONYMOUS,
  type AuthorizerOptions,
  type JwtSettings,
  MappingRuleRefused,
  PrincipalMapper,
  principalName,
  SCRAM_MECHANISMS,
  type ScramMechanism,
  type TlsFileSettings,
} from '@milepost/security';
import { isWithSasl, isWithTls, type ListenerSettings, listenersOf } from './listeners.ts';
import { SecuritySettingsRefused } from './refused.ts';
import type { Login } from './stored-users.ts';

/** Those of users with a password, the strongest last. */
export const PASSWORD_MECHANISMS = ['PLAIN', ...SCRAM_MECHANISMS] as const;
export type PasswordMechanism = (typeof PASSWORD_MECHANISMS)[number];

export const SASL_MECHANISMS = [...PASSWORD_MECHANISMS, 'OAUTHBEARER'] as const;
export type SaslMechanism = (typeof SASL_MECHANISMS)[number];

export interface SecuritySettings {
  /** The first one is that of the host's settings. */
  readonly listeners: readonly [ListenerSettings, ...ListenerSettings[]];
  /** sasl.enabled.mechanisms */
  readonly mechanisms: readonly SaslMechanism[];
  /** sasl.oauthbearer.*; undefined: OAUTHBEARER is not enabled. */
  readonly tokens: JwtSettings | undefined;
  /** connections.max.reauth.ms; 0: sessions last as long as what was proved (KIP-368). */
  readonly maxReauthMs: number;
  /** connection.failed.authentication.delay.ms */
  readonly failedDelayMs: number;
  /** sasl.server.max.receive.size: the largest request of a client that has not authenticated. */
  readonly maxReceiveBytes: number;
  readonly interBroker: {
    /** inter.broker.listener.name; the first one if that is not set. */
    readonly listener: ListenerSettings;
    /** sasl.mechanism.inter.broker.protocol */
    readonly mechanism: ScramMechanism;
  };
  /** Undefined: no listener has TLS. */
  readonly tls: TlsSettings | undefined;
}

/** The files of a server's key and certificate. */
export type ServerCertificate = Omit<TlsFileSettings, 'authorities'>;

export interface TlsSettings {
  readonly certificate: ServerCertificate;
  /** ssl.truststore.location */
  readonly truststore: string | undefined;
  /** ssl.client.auth */
  readonly clientCertificate: TlsServer['clientCertificate'];
  readonly versions: TlsServer['versions'];
  /** ssl.principal.mapping.rules */
  readonly mapper: PrincipalMapper;
}

/** Whether clients of any listener log in. */
export const isAuthenticated = ({ listeners }: SecuritySettings): boolean => listeners.some(isWithSasl);

/**
 * `certificate`: for listeners with TLS, unless ssl.keystore.location names another.
 * @throws SecuritySettingsRefused
 */
export function securitySettings(layers: BrokerConfigLayers, certificate?: ServerCertificate): SecuritySettings {
  const listeners = listenersOf(layers) as [ListenerSettings, ...ListenerSettings[]];
  const mechanisms = SASL_MECHANISMS.filter((name) => brokerList(layers, 'sasl.enabled.mechanisms').includes(name));
  return {
    listeners,
    interBroker: interBrokerIn(listeners, layers),
    mechanisms,
    tokens: mechanisms.includes('OAUTHBEARER') ? tokenSettings(layers) : undefined,
    maxReauthMs: brokerNumber(layers, 'connections.max.reauth.ms'),
    failedDelayMs: brokerNumber(layers, 'connection.failed.authentication.delay.ms'),
    maxReceiveBytes: brokerNumber(layers, 'sasl.server.max.receive.size'),
    tls: listeners.some(isWithTls) ? tlsSettings(layers, certificate) : undefined,
  };
}

/**
 * Replicas of a partition could not follow its leader. `others`: the ids of the other brokers of the cluster.
 * @throws SecuritySettingsRefused
 */
export function checkInterBroker(
  { interBroker, mechanisms }: SecuritySettings,
  authorizer: AuthorizerOptions | undefined,
  admin: Login | undefined,
  others: readonly number[],
): void {
  if (others.length === 0) return;
  const { listener, mechanism } = interBroker;
  const alsoHas = `the cluster has also ${others.join(', ')}`;
  if (isWithSasl(listener)) {
    if (admin === undefined)
      throw new SecuritySettingsRefused(
        `inter.broker.listener.name: by ${listener.name} brokers log in as the administrator of the settings, and ${alsoHas}: set ` +
          'MILEPOST_ADMIN_PASSWORD_FILE, the same on each broker',
      );
    if (!mechanisms.includes(mechanism))
      throw new SecuritySettingsRefused(
        `sasl.mechanism.inter.broker.protocol: expected one of sasl.enabled.mechanisms (${mechanisms.join(', ')}), seen ${mechanism}`,
      );
    return;
  }
  const brokers = principalName(ANONYMOUS);
  if (!authorizer || authorizer.superUsers.has(brokers)) return;
  throw new SecuritySettingsRefused(
    `super.users: expected ${brokers} among them, as brokers do not log in by the listener ${listener.name}, and ${alsoHas}; seen ` +
      `${[...authorizer.superUsers].join(';') || 'nothing'}: name a listener with SASL in inter.broker.listener.name`,
  );
}

/**
 * No listener is reachable from other machines without a decision. The first one has the host's address.
 * @throws SecuritySettingsRefused
 */
export function checkExposure({ listeners, tls }: SecuritySettings, host: string, allowAnonymous: boolean): void {
  if (allowAnonymous) return;
  const needsCertificate = tls?.clientCertificate === 'required';
  const hostOf = (one: ListenerSettings): string =>
    one === listeners[0] || one.address.host === '' ? host : one.address.host;
  const open = listeners.find(
    (one) => !isLoopback(hostOf(one)) && !isWithSasl(one) && !(isWithTls(one) && needsCertificate),
  );
  if (!open) return;
  const port = open.address.port === 0 ? '' : `:${open.address.port}`;
  throw new SecuritySettingsRefused(
    `listeners: ${open.name} at ${hostOf(open)}${port} is reachable from other machines without authentication: run ` +
      '`npx milepost secure`, use SASL_SSL, or SSL with ssl.client.auth=required, or accept it by MILEPOST_ALLOW_ANONYMOUS=true',
  );
}

const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || host.startsWith('127.');

function interBrokerIn(
  listeners: readonly [ListenerSettings, ...ListenerSettings[]],
  layers: BrokerConfigLayers,
): SecuritySettings['interBroker'] {
  const name = brokerValue(layers, 'inter.broker.listener.name')?.toUpperCase();
  const listener = name === undefined ? listeners[0] : listeners.find((one) => one.name === name);
  if (!listener)
    throw new SecuritySettingsRefused(
      `inter.broker.listener.name: expected one of listeners (${listeners.map((one) => one.name).join(', ')}), seen ${name}`,
    );
  return { listener, mechanism: brokerValue(layers, 'sasl.mechanism.inter.broker.protocol') as ScramMechanism };
}

function tokenSettings(layers: BrokerConfigLayers): JwtSettings {
  const url = brokerValue(layers, 'sasl.oauthbearer.jwks.endpoint.url');
  if (!url)
    throw new SecuritySettingsRefused(
      "sasl.oauthbearer.jwks.endpoint.url: expected the URL of the keys of the tokens' issuer, as sasl.enabled.mechanisms has " +
        'OAUTHBEARER; seen nothing',
    );
  return {
    keys: { url, maxAgeMs: brokerNumber(layers, 'sasl.oauthbearer.jwks.endpoint.refresh.ms') },
    issuer: brokerValue(layers, 'sasl.oauthbearer.expected.issuer') ?? undefined,
    audience: brokerList(layers, 'sasl.oauthbearer.expected.audience'),
    clockSkewSeconds: brokerNumber(layers, 'sasl.oauthbearer.clock.skew.seconds'),
    subjectClaim: brokerValue(layers, 'sasl.oauthbearer.sub.claim.name') ?? 'sub',
  };
}

function tlsSettings(layers: BrokerConfigLayers, certificate: ServerCertificate | undefined): TlsSettings {
  const truststore = brokerValue(layers, 'ssl.truststore.location') ?? undefined;
  const clientCertificate = brokerValue(layers, 'ssl.client.auth') as TlsServer['clientCertificate'];
  if (clientCertificate !== 'none' && truststore === undefined)
    throw new SecuritySettingsRefused(
      `ssl.truststore.location: expected the file with the authorities of clients, as ssl.client.auth is ${clientCertificate}; seen nothing`,
    );
  return {
    certificate: keystoreIn(layers) ?? certificate ?? noCertificate(),
    truststore,
    clientCertificate,
    versions: versionsOf(brokerList(layers, 'ssl.enabled.protocols')),
    mapper: mapperOf(brokerValue(layers, 'ssl.principal.mapping.rules') ?? 'DEFAULT'),
  };
}

function keystoreIn(layers: BrokerConfigLayers): ServerCertificate | undefined {
  const path = brokerValue(layers, 'ssl.keystore.location');
  if (!path) return undefined;
  const type = brokerValue(layers, 'ssl.keystore.type') === 'PKCS12' ? 'PKCS12' : 'PEM';
  const password = type === 'PEM' ? 'ssl.key.password' : 'ssl.keystore.password';
  return {
    type,
    certificate: { setting: 'ssl.keystore.location', path },
    passphrase: brokerValue(layers, password) ?? undefined,
  };
}

function noCertificate(): never {
  throw new SecuritySettingsRefused(
    'ssl.keystore.location: expected the file with key and certificate of the listeners with SSL, seen nothing',
  );
}

function versionsOf(names: readonly string[]): TlsServer['versions'] {
  const [least, most = least] = (['TLSv1.2', 'TLSv1.3'] as const).filter((name) => names.includes(name));
  if (!least || !most)
    throw new SecuritySettingsRefused('ssl.enabled.protocols: expected TLSv1.2 or TLSv1.3, seen nothing');
  return { least: least satisfies TlsVersion, most };
}

function mapperOf(rules: string): PrincipalMapper {
  try {
    return new PrincipalMapper(rules);
  } catch (failure) {
    if (!(failure instanceof MappingRuleRefused)) throw failure;
    throw new SecuritySettingsRefused(failure.message);
  }
}
