// GetTelemetrySubscriptions, version 0: the metrics that this client is to push. A request before the push interval is
// over is THROTTLING_QUOTA_EXCEEDED, unless the subscriptions have changed.
import { GetTelemetrySubscriptions } from '@milepost/wire';
import { NO_NEEDS } from '../security/needs.ts';
import { handler } from './handler.ts';
import { clientProperties } from './push-telemetry.ts';

export const getTelemetrySubscriptions = handler(
  GetTelemetrySubscriptions,
  NO_NEEDS,
  ({ clientInstanceId }, context) => {
    const answer = context.services.clients.telemetry.subscribed(clientInstanceId, clientProperties(context));
    context.count(answer.errorCode);
    return answer;
  },
);
