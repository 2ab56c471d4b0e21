// Removes a broker that is gone for good from the cluster's metadata (KIP-631). Flexible from the start.
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { brokerId, errorCode } from '../schema/field.ts';
import { nullableString, throttleTimeMs } from './parts.ts';

export const UnregisterBroker = api({
  key: 64,
  name: 'UnregisterBroker',
  versions: [0, 0],
  flexible: 0,
  request: { brokerId },
  response: { throttleTimeMs, errorCode, errorMessage: nullableString },
});
export type UnregisterBrokerRequest = RequestOf<typeof UnregisterBroker>;
export type UnregisterBrokerResponse = ResponseOf<typeof UnregisterBroker>;
