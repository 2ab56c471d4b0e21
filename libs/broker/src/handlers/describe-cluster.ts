// DescribeCluster, versions 0 to 2: the cluster's id, its controller and its brokers, from v2 on request also the fenced
// ones (KIP-1073). Controllers are not endpoints of their own here:
// asking for them is MISMATCHED_ENDPOINT_TYPE, any other type UNSUPPORTED_ENDPOINT_TYPE (KIP-919).
import { ErrorCode } from '@milepost/core';
import { aliveBrokers, livingController } from '@milepost/metadata';
import { DescribeCluster, EndpointType } from '@milepost/wire';
import { addressOf } from '../access.ts';
import { DESCRIBE_CLUSTER } from '../security/needs.ts';
import { clusterOperations } from './authorized-operations.ts';
import { handler } from './handler.ts';

export const describeCluster = handler(DescribeCluster, [DESCRIBE_CLUSTER], (request, context) => {
  const { services, count } = context;
  const { endpointType } = request;
  const image = services.image();
  if (endpointType !== EndpointType.BROKER) {
    const isController = endpointType === EndpointType.CONTROLLER;
    const errorCode = isController ? ErrorCode.MISMATCHED_ENDPOINT_TYPE : ErrorCode.UNSUPPORTED_ENDPOINT_TYPE;
    count(errorCode);
    const errorMessage = `endpoint type ${endpointType}: this is a broker (${EndpointType.BROKER})`;
    return { errorCode, errorMessage, clusterId: '', brokers: [] };
  }
  return {
    errorCode: ErrorCode.NONE,
    clusterId: image.clusterId,
    controllerId: livingController(image),
    brokers: (request.includeFencedBrokers ? [...image.brokers.values()] : aliveBrokers(image)).map((broker) => ({
      brokerId: broker.id,
      ...addressOf(context, broker),
      rack: broker.rack,
      isFenced: broker.isFenced,
    })),
    clusterAuthorizedOperations: clusterOperations(context, request.includeClusterAuthorizedOperations),
  };
});
