// The cluster's id and brokers (KIP-700). v1 selects brokers or controllers (KIP-919), v2 can show fenced brokers
// (KIP-1073). Flexible from the start.
import { NO_BROKER } from '@milepost/core';
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { array, bool, brokerId, errorCode, int8, int32, string } from '../schema/field.ts';
import { authorizedOperations, nullableString, throttleTimeMs } from './parts.ts';

export const EndpointType = { BROKER: 1, CONTROLLER: 2 } as const;

export const DescribeCluster = api({
  key: 60,
  name: 'DescribeCluster',
  versions: [0, 2],
  flexible: 0,
  request: {
    includeClusterAuthorizedOperations: bool,
    endpointType: int8.default(EndpointType.BROKER).since(1),
    includeFencedBrokers: bool.default(false).since(2),
  },
  response: {
    throttleTimeMs,
    errorCode,
    errorMessage: nullableString,
    endpointType: int8.default(EndpointType.BROKER).since(1),
    clusterId: string,
    controllerId: brokerId.default(NO_BROKER),
    brokers: array({
      brokerId,
      host: string,
      port: int32,
      rack: nullableString,
      isFenced: bool.default(false).since(2),
    }),
    clusterAuthorizedOperations: authorizedOperations,
  },
});
export type DescribeClusterRequest = RequestOf<typeof DescribeCluster>;
export type DescribeClusterResponse = ResponseOf<typeof DescribeCluster>;
