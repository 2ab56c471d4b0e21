// WriteTxnMarkers, versions 1 and 2: the coordinator of a transaction ends it in the partitions that are led here.
//
// A partition's error code is NONE when its marker is committed. What takes longer than REQUEST_TIMEOUT_MS is
// REQUEST_TIMED_OUT: the coordinator sends the marker again, and a second one does no harm.
import { type Clock, ErrorCode } from '@milepost/core';
import type { TransactionMarker } from '@milepost/log';
import { WriteTxnMarkers, type WriteTxnMarkersRequest } from '@milepost/wire';
import type { Context } from '../services.ts';
import { ALTER_CLUSTER, CLUSTER_ACTION } from '../security/needs.ts';
import { handler } from './handler.ts';

/** Kafka's default request.timeout.ms. */
const REQUEST_TIMEOUT_MS = 30_000;

type MarkerRequest = WriteTxnMarkersRequest['markers'][number];

export const writeTxnMarkers = handler(
  WriteTxnMarkers,
  [ALTER_CLUSTER, CLUSTER_ACTION],
  async ({ markers }, context) => {
    const { permissions } = context;
    const refused = permissions.allows(ALTER_CLUSTER) ? undefined : permissions.refusal(CLUSTER_ACTION);
    if (refused) return { markers: markers.map((one) => allRefused(one, refused.error, context)) };
    return { markers: await Promise.all(markers.map((one) => written(one, context))) };
  },
);

function allRefused({ producerId, topics }: MarkerRequest, errorCode: ErrorCode, { count }: Context) {
  const refused = topics.map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map((partitionIndex) => {
      count(errorCode);
      return { partitionIndex, errorCode };
    }),
  }));
  return { producerId, topics: refused };
}

async function written(request: MarkerRequest, { services, count }: Context) {
  const { producerId, topics, transactionResult: isCommit, ...rest } = request;
  const marker: TransactionMarker = { producerId, isCommit, ...rest };
  const write = async (topic: string, partitionIndex: number) => {
    const appended = services.markers.append({ topic, partition: partitionIndex }, marker);
    const errorCode = await withinTimeout(appended, services.host.clock);
    count(errorCode);
    return { partitionIndex, errorCode };
  };
  const answered = topics.map(async ({ name, partitionIndexes }) => ({
    name,
    partitions: await Promise.all(partitionIndexes.map((index) => write(name, index))),
  }));
  return { producerId, topics: await Promise.all(answered) };
}

function withinTimeout(outcome: Promise<ErrorCode>, clock: Clock): Promise<ErrorCode> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(REQUEST_TIMEOUT_MS, () => resolve(ErrorCode.REQUEST_TIMED_OUT));
    outcome.then(resolve, reject).finally(cancel);
  });
}
