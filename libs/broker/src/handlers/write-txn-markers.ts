// WriteTxnMarkers, versions 1 and 2: the coordinator of a transaction ends it in the partitions that are led here.
//
// A partition's error code is NONE when its marker is committed. In `__consumer_offsets` there is no marker to append: the
// offsets that the transaction has committed become real in the group coordinator (docs/decisions/0005). What takes longer
// than REQUEST_TIMEOUT_MS is REQUEST_TIMED_OUT: the coordinator sends the marker again, and a second one does no harm.
import { type Clock, ErrorCode } from '@milepost/core';
import type { TransactionMarker } from '@milepost/log';
import { OFFSETS_TOPIC } from '@milepost/metadata';
import { WriteTxnMarkers, type WriteTxnMarkersRequest } from '@milepost/wire';
import { errorOfFailed } from '../access.ts';
import type { Context } from '../services.ts';
import { handler } from './handler.ts';

/** Kafka's default request.timeout.ms. */
const REQUEST_TIMEOUT_MS = 30_000;

type MarkerRequest = WriteTxnMarkersRequest['markers'][number];

/** Of a group coordinator that cannot decide now: for the coordinator of transactions its shard has another leader. */
const SHARD_IS_ELSEWHERE: ReadonlySet<ErrorCode> = new Set([
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
  ErrorCode.NOT_COORDINATOR,
]);

export const writeTxnMarkers = handler(WriteTxnMarkers, async ({ markers }, context) => ({
  markers: await Promise.all(markers.map((one) => written(one, context))),
}));

async function written(request: MarkerRequest, context: Context) {
  const { producerId, topics, transactionResult: isCommit, ...rest } = request;
  const marker: TransactionMarker = { producerId, isCommit, ...rest };
  const write = async (topic: string, partitionIndex: number) => {
    const wanted = topic === OFFSETS_TOPIC ? endInGroups : append;
    const errorCode = await withinTimeout(wanted(topic, partitionIndex, marker, context), context.services.host.clock);
    context.count(errorCode);
    return { partitionIndex, errorCode };
  };
  const answered = topics.map(async ({ name, partitionIndexes }) => ({
    name,
    partitions: await Promise.all(partitionIndexes.map((index) => write(name, index))),
  }));
  return { producerId, topics: await Promise.all(answered) };
}

/** Kafka fails to build such a batch, and answers as here. */
const isImpossible = ({ producerId, producerEpoch }: TransactionMarker): boolean =>
  producerId < 0n || producerEpoch < 0;

async function append(topic: string, index: number, marker: TransactionMarker, context: Context): Promise<ErrorCode> {
  const partition = context.services.storage.partitions.find(topic, index);
  if (typeof partition === 'number') return partition;
  if (isImpossible(marker)) return ErrorCode.UNKNOWN_SERVER_ERROR;
  if (partition.isUnderMinIsr) return ErrorCode.NOT_ENOUGH_REPLICAS;
  const errorCode = await partition.appendMarker(marker);
  return errorCode !== ErrorCode.NONE && partition.isFailed ? errorOfFailed(partition, context) : errorCode;
}

async function endInGroups(
  topic: string,
  shard: number,
  marker: TransactionMarker,
  { services }: Context,
): Promise<ErrorCode> {
  const partition = services.storage.partitions.find(topic, shard);
  if (typeof partition === 'number') return partition;
  const errorCode = await services.transactionalOffsets.transactionEnded(shard, marker);
  return SHARD_IS_ELSEWHERE.has(errorCode) ? ErrorCode.NOT_LEADER_OR_FOLLOWER : errorCode;
}

function withinTimeout(outcome: Promise<ErrorCode>, clock: Clock): Promise<ErrorCode> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(REQUEST_TIMEOUT_MS, () => resolve(ErrorCode.REQUEST_TIMED_OUT));
    outcome.then(resolve, reject).finally(cancel);
  });
}
