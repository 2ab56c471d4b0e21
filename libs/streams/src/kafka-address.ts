// A Kafka to work with: where it is, and how it is spoken to. The same for every client of ours.
import { isIP } from 'node:net';
import type { BaseOptions } from '@platformatic/kafka';

export interface KafkaAddress {
  readonly bootstrapServers: readonly string[];
  /** Undefined: in the clear. */
  readonly tls?: KafkaTls | undefined;
  /** Undefined: no authentication. */
  readonly sasl?: KafkaSasl | undefined;
}

/** PEM texts. */
export interface KafkaTls {
  /** Left out: the authorities that Node trusts. */
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

/** What the client library wants to know. */
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

/** Clouds choose the cluster by the name in the TLS greeting (SNI); an IP address must not stand there (RFC 6066). */
const areNamed = (servers: readonly string[]): boolean =>
  servers.every((server) => isIP(server.slice(0, server.lastIndexOf(':')).replace(/^\[|\]$/g, '')) === 0);
