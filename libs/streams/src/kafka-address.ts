// The address of a Kafka and how to connect to it. The same for all our clients.
import { isIP } from 'node:net';
import type { BaseOptions } from '@platformatic/kafka';

export interface KafkaAddress {
  readonly bootstrapServers: readonly string[];
  /** Undefined: unencrypted. */
  readonly tls?: KafkaTls | undefined;
  /** Undefined: no authentication. */
  readonly sasl?: KafkaSasl | undefined;
}

/** PEM texts. */
export interface KafkaTls {
  /** Absent: the authorities that Node trusts. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly passphrase?: string;
}

export interface KafkaSasl {
  readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512';
  readonly username: string;
  readonly password: string;
}

/** The options of the client library. */
export function connectionOptions({
  bootstrapServers,
  sasl,
  tls,
}: KafkaAddress): Pick<BaseOptions, 'bootstrapBrokers'> {
  return {
    bootstrapBrokers: [...bootstrapServers],
    ...(sasl ? { sasl: { ...sasl } } : {}),
    ...(tls ? { tls: { ...tls }, tlsServerName: areNamed(bootstrapServers) } : {}),
  };
}

/** Clouds choose the cluster by the name in the TLS handshake (SNI); an IP address is not allowed there (RFC 6066). */
const areNamed = (servers: readonly string[]): boolean =>
  servers.every((server) => isIP(server.slice(0, server.lastIndexOf(':')).replace(/^\[|\]$/g, '')) === 0);
