// The listeners of Kafka's properties: `listeners`, `advertised.listeners`, `listener.security.protocol.map`. The first one is
// that of the host's settings, which give it its address; CONTROLLER is none of clients.
import type { Address } from '@milepost/core';
import { type BrokerConfigLayers, brokerList } from '@milepost/metadata';
import { SecuritySettingsRefused } from './refused.ts';

export const SECURITY_PROTOCOLS = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'] as const;
export type SecurityProtocol = (typeof SECURITY_PROTOCOLS)[number];

export interface ListenerSettings {
  /** In upper case. */
  readonly name: string;
  readonly protocol: SecurityProtocol;
  /** '' as host: that of the first listener. */
  readonly address: Address;
  /** Undefined: clients are told the address that it listens on. */
  readonly advertised: Address | undefined;
}

export const isWithSasl = ({ protocol }: Pick<ListenerSettings, 'protocol'>): boolean => protocol.startsWith('SASL_');
export const isWithTls = ({ protocol }: Pick<ListenerSettings, 'protocol'>): boolean => protocol.endsWith('SSL');

const CONTROLLER = 'CONTROLLER';

/** @throws SecuritySettingsRefused */
export function listenersOf(layers: BrokerConfigLayers): ListenerSettings[] {
  const map = brokerList(layers, 'listener.security.protocol.map');
  const protocols = new Map(map.map((entry) => entry.split(':').map((part) => part.trim()) as [string, string]));
  const advertised = new Map(endpointsIn('advertised.listeners', layers).map(({ name, address }) => [name, address]));
  const listeners = endpointsIn('listeners', layers)
    .filter(({ name }) => name !== CONTROLLER)
    .map(({ name, address }) => ({
      name,
      protocol: protocolOf(name, protocols),
      address,
      advertised: advertised.get(name),
    }));
  const names = listeners.map(({ name }) => name);
  const twice = names.find((name, at) => names.indexOf(name) < at);
  if (twice !== undefined) throw new SecuritySettingsRefused(`listeners: expected each name once, seen ${twice} twice`);
  const unknown = [...advertised.keys()].find((name) => name !== CONTROLLER && !names.includes(name));
  if (unknown !== undefined)
    throw new SecuritySettingsRefused(
      `advertised.listeners: expected names of listeners (${names.join(', ')}), seen ${unknown}`,
    );
  return listeners.length > 0
    ? listeners
    : [{ name: 'PLAINTEXT', protocol: 'PLAINTEXT', address: NOWHERE, advertised: undefined }];
}

const NOWHERE: Address = { host: '', port: 0 };
const ENDPOINT = /^\s*(?<name>[^:\s]+):\/\/(?:\[(?<ipv6>[^\]]+)\]|(?<host>[^:[\]]*)):(?<port>\d{1,5})\s*$/;

function endpointsIn(
  property: string,
  layers: BrokerConfigLayers,
): { readonly name: string; readonly address: Address }[] {
  return brokerList(layers, property).map((text) => {
    const { name, ipv6, host, port } = ENDPOINT.exec(text)?.groups ?? {};
    if (name === undefined || Number(port) > 65_535)
      throw new SecuritySettingsRefused(`${property}: expected NAME://host:port, seen "${text}"`);
    return { name: name.toUpperCase(), address: { host: ipv6 ?? host ?? '', port: Number(port) } };
  });
}

function protocolOf(name: string, protocols: ReadonlyMap<string, string>): SecurityProtocol {
  const protocol = protocols.get(name) ?? name;
  const known = SECURITY_PROTOCOLS.find((one) => one === protocol);
  if (known) return known;
  throw new SecuritySettingsRefused(
    `listeners: expected a listener with the protocol ${SECURITY_PROTOCOLS.slice(0, -1).join(', ')} or SASL_SSL, by its name or in ` +
      `listener.security.protocol.map, seen ${name}${protocol === name ? '' : ` with ${protocol}`}`,
  );
}
