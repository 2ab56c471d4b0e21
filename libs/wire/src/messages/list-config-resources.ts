// The resources that have configs. v0 lists only subscriptions to client metrics (KIP-714), v1 any type (KIP-1142); no
// type in the request means all. Flexible from the start.
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { array, errorCode, int8, string } from '../schema/field.ts';
import { ConfigResourceType } from './describe-configs.ts';
import { throttleTimeMs } from './parts.ts';

export const ListConfigResources = api({
  key: 74,
  name: 'ListConfigResources',
  versions: [0, 1],
  flexible: 0,
  request: { resourceTypes: array(int8).since(1) },
  response: {
    throttleTimeMs,
    errorCode,
    configResources: array({
      resourceName: string,
      resourceType: int8.default(ConfigResourceType.CLIENT_METRICS).since(1),
    }),
  },
});
export type ListConfigResourcesRequest = RequestOf<typeof ListConfigResources>;
export type ListConfigResourcesResponse = ResponseOf<typeof ListConfigResources>;
