// How clients connect: the protocol of the listener and its authentication, from Kafka's properties. There is one listener,
// whose address is not set here; of `listeners` only the protocol of the first one is used (CONTROLLER aside).
import { type BrokerConfigLayers, brokerList, brokerNumber } from '@milepost/metadata';
import { SCRAM_MECHANISMS, type ScramMechanism } from '@milepost/security';

export const SASL_MECHANISMS = ['PLAIN', ...SCRAM_MECHANISMS] as const;
export type SaslMechanism = 'PLAIN' | ScramMechanism;

export const SECURITY_PROTOCOLS = ['PLAINTEXT', 'SASL_PLAINTEXT'] as const;
export type SecurityProtocol = (typeof SECURITY_PROTOCOLS)[number];

export interface SecuritySettings {
  readonly protocol: SecurityProtocol;
  /** sasl.enabled.mechanisms */
  readonly mechanisms: readonly SaslMechanism[];
  /** connections.max.reauth.ms; 0: sessions do not expire (KIP-368). */
  readonly maxReauthMs: number;
  /** connection.failed.authentication.delay.ms */
  readonly failedDelayMs: number;
  /** sasl.server.max.receive.size: the largest request of a client that has not authenticated. */
  readonly maxReceiveBytes: number;
}

/** A property that does not fit; the message names it, and what was expected. */
export class SecuritySettingsRefused extends Error {
  override readonly name = 'SecuritySettingsRefused';
}

/** Whether clients must authenticate. */
export const isAuthenticated = ({ protocol }: SecuritySettings): boolean => protocol.startsWith('SASL_');

/** @throws SecuritySettingsRefused */
export function securitySettings(layers: BrokerConfigLayers): SecuritySettings {
  return {
    protocol: protocolOf(brokerList(layers, 'listeners'), brokerList(layers, 'listener.security.protocol.map')),
    mechanisms: SASL_MECHANISMS.filter((name) => brokerList(layers, 'sasl.enabled.mechanisms').includes(name)),
    maxReauthMs: brokerNumber(layers, 'connections.max.reauth.ms'),
    failedDelayMs: brokerNumber(layers, 'connection.failed.authentication.delay.ms'),
    maxReceiveBytes: brokerNumber(layers, 'sasl.server.max.receive.size'),
  };
}

/** Replicas of a partition could not follow its leader. @throws SecuritySettingsRefused */
export function checkAlone(settings: SecuritySettings, others: readonly number[]): void {
  if (others.length === 0 || !isAuthenticated(settings)) return;
  throw new SecuritySettingsRefused(
    `listeners: ${settings.protocol} is for a cluster of one broker, as brokers do not log in to each other yet; the cluster has ` +
      `also ${others.join(', ')}: use PLAINTEXT, or unregister them`,
  );
}

function protocolOf(listeners: readonly string[], map: readonly string[]): SecurityProtocol {
  const protocols = new Map(map.map((entry) => entry.split(':').map((part) => part.trim()) as [string, string]));
  const names = listeners.map((listener) => /^([^:]+):\/\//.exec(listener.trim())?.[1]?.toUpperCase() ?? listener);
  const name = names.find((one) => one !== 'CONTROLLER') ?? 'PLAINTEXT';
  const protocol = protocols.get(name) ?? name;
  const known = SECURITY_PROTOCOLS.find((one) => one === protocol);
  if (known) return known;
  throw new SecuritySettingsRefused(
    `listeners: expected a listener with the protocol ${SECURITY_PROTOCOLS.join(' or ')}, by its name or in ` +
      `listener.security.protocol.map, seen ${name}${protocol === name ? '' : ` with ${protocol}`}`,
  );
}
