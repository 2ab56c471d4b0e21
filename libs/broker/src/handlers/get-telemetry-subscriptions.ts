// GetTelemetrySubscriptions, version 0: which metrics this client is to push. Asked again before its time:
// THROTTLING_QUOTA_EXCEEDED, unless the subscriptions have changed.
import { GetTelemetrySubscriptions } from '@milepost/wire';
import { handler } from './handler.ts';
import { clientProperties } from './push-telemetry.ts';

export const getTelemetrySubscriptions = handler(GetTelemetrySubscriptions, ({ clientInstanceId }, context) => {
  const answer = context.services.clients.telemetry.subscribed(clientInstanceId, clientProperties(context));
  context.count(answer.errorCode);
  return answer;
});
