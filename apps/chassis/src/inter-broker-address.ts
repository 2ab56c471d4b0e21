// How the programs beside a broker of several reach the cluster: as brokers reach each other, by the listener of
// inter.broker.listener.name. By the broker's first listener, which may be on this machine alone, they would be told addresses at which
// the other brokers cannot be found.
import { readFileSync } from 'node:fs';
import type { Configs } from '@milepost/metadata';
import type { KafkaAddress } from '@milepost/streams';

type Login = { readonly username: string; readonly password: string };

/** Undefined: by the first listener. @throws Error naming the property whose file cannot be read. */
export function interBrokerAddress(properties: Configs, admin: Login | undefined): KafkaAddress | undefined {
  const listeners = entriesOf(properties['listeners']).map((entry) => entry.split('://')[0]?.toUpperCase());
  const name = properties['inter.broker.listener.name']?.toUpperCase();
  const prefix = `${name}://`;
  const advertised = entriesOf(properties['advertised.listeners']).find((one) => one.toUpperCase().startsWith(prefix));
  if (name === undefined || name === listeners[0] || advertised === undefined) return undefined;
  const protocols = new Map(
    entriesOf(properties['listener.security.protocol.map']).map(
      (one) => one.toUpperCase().split(':') as [string, string],
    ),
  );
  const protocol = protocols.get(name) ?? name;
  const mechanism =
    properties['sasl.mechanism.inter.broker.protocol'] === 'SCRAM-SHA-512' ? 'SCRAM-SHA-512' : 'SCRAM-SHA-256';
  return {
    bootstrapServers: [advertised.slice(prefix.length)],
    ...(protocol.startsWith('SASL_') && admin ? { sasl: { mechanism, ...admin } } : {}),
    ...(protocol.endsWith('SSL') ? { tls: authoritiesIn(properties['ssl.truststore.location']) } : {}),
  };
}

const entriesOf = (list = ''): string[] =>
  list
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');

function authoritiesIn(path: string | undefined): { readonly ca?: string } {
  if (!path) return {};
  try {
    return { ca: readFileSync(path, 'utf8') };
  } catch (error) {
    throw new Error(
      `ssl.truststore.location: expected a file that can be read, got ${path} (${(error as NodeJS.ErrnoException).code})`,
    );
  }
}
