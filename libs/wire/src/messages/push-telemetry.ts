// A client's metrics, as an OpenTelemetry message, compressed or not (KIP-714). Flexible from the start.
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { bool, bytes, errorCode, int32, int8, uuid } from '../schema/field.ts';
import { throttleTimeMs } from './parts.ts';

export const PushTelemetry = api({
  key: 72,
  name: 'PushTelemetry',
  versions: [0, 0],
  flexible: 0,
  request: {
    clientInstanceId: uuid,
    subscriptionId: int32,
    terminating: bool,
    compressionType: int8,
    metrics: bytes,
  },
  response: { throttleTimeMs, errorCode },
});
export type PushTelemetryRequest = RequestOf<typeof PushTelemetry>;
export type PushTelemetryResponse = ResponseOf<typeof PushTelemetry>;
