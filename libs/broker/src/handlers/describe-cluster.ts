// DescribeCluster, versions 0 to 2: the cluster's id and brokers. Controllers have no endpoints of their own here: a
// request for them is MISMATCHED_ENDPOINT_TYPE, any other type UNSUPPORTED_ENDPOINT_TYPE (KIP-919).
import { ErrorCode } from '@milepost/core';
import { DescribeCluster, EndpointType } from '@milepost/wire';
import { authorizedOperations } from './authorized-operations.ts';
import { handler } from './handler.ts';

export const describeCluster = handler(DescribeCluster, (request, { services, count }) => {
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
    controllerId: services.config.brokerId,
    brokers: [...image.brokers.values()].map(({ id, host, port, rack }) => ({ brokerId: id, host, port, rack })),
    clusterAuthorizedOperations: authorizedOperations('cluster', request.includeClusterAuthorizedOperations),
  };
});
