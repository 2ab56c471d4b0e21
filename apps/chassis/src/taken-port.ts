// For a port that another process uses: names the setting for another port.
import { AddressInUse } from '@milepost/core';
import type { Settings } from '@milepost/settings';

const variables = {
  kafkaPort: 'MILEPOST_KAFKA_PORT',
  mqttPort: 'MILEPOST_MQTT_PORT',
  mqttWsPort: 'MILEPOST_MQTT_WS_PORT',
  mqttsPort: 'MILEPOST_MQTTS_PORT',
  mqttWssPort: 'MILEPOST_MQTT_WSS_PORT',
  httpPort: 'MILEPOST_HTTP_PORT',
  metricsPort: 'MILEPOST_METRICS_PORT',
} as const;

type PortSettings = Pick<Settings, keyof typeof variables | 'listen' | 'mqttListen' | 'httpListen' | 'metricsListen'>;

/** Adds the cure if the failure is a port in use, of our listener or of Node's; any other failure is unchanged. */
export function namingThePort(failure: unknown, settings: PortSettings): unknown {
  const port = takenPort(failure);
  if (port === undefined) return failure;
  const named = Object.entries(variables).filter(([name]) => settings[name as keyof typeof variables] === port);
  const isOf = (kind: string): boolean => named.some(([name]) => name.startsWith(kind));
  const listen = (['mqtt', 'http', 'metrics'] as const).find(isOf);
  const host = (listen && settings[`${listen}Listen`]) ?? settings.listen;
  const setting = named.map(([, variable]) => variable).join(' or ') || 'another port';
  const message = `${host}:${port} is in use by another process: stop that one, or set ${setting}`;
  return new Error(message, { cause: failure });
}

function takenPort(failure: unknown): number | undefined {
  const { address, code, port } = failure as { address?: { port?: number }; code?: string; port?: number };
  if (code === 'EADDRINUSE') return port;
  return failure instanceof AddressInUse ? address?.port : undefined;
}
