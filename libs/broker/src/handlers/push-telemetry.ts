// PushTelemetry, version 0: a client's metrics. Too early: THROTTLING_QUOTA_EXCEEDED. For another subscription:
// UNKNOWN_SUBSCRIPTION_ID. More than telemetry.max.bytes: TELEMETRY_TOO_LARGE.
import { PushTelemetry } from '@milepost/wire';
import type { ClientProperties } from '../admin/client-telemetry.ts';
import type { Context } from '../services.ts';
import { NO_NEEDS } from '../security/needs.ts';
import { handler } from './handler.ts';

export const pushTelemetry = handler(PushTelemetry, NO_NEEDS, (push, context) => {
  const errorCode = context.services.clients.telemetry.push(push, clientProperties(context));
  context.count(errorCode);
  return { errorCode };
});

/** The properties that a subscription can match. */
export const clientProperties = ({ clientId, peer }: Context): ClientProperties => ({
  client_id: clientId,
  client_software_name: peer.software.name,
  client_software_version: peer.software.version,
  client_source_address: peer.host.slice(1),
  client_source_port: String(peer.port),
});
