// AddOffsetsToTxn, versions 0 to 4: the partition of `__consumer_offsets` that the group belongs to becomes part of the
// transaction. Clients of transaction version 2 do not send it: TxnOffsetCommit adds the partition.
import { OFFSETS_TOPIC } from '@milepost/metadata';
import { AddOffsetsToTxn } from '@milepost/wire';
import { fencedAs } from './fenced-as.ts';
import { handler } from './handler.ts';

export const addOffsetsToTxn = handler(AddOffsetsToTxn, async (request, { apiVersion, services, peer, count }) => {
  const { groupId, ...producer } = request;
  services.offsetsTopic.ensure(services.image(), services.controller.topics);
  const error = await services.transactions.addPartitions({
    ...producer,
    partitions: [{ topic: OFFSETS_TOPIC, partition: services.groups.shardOf(groupId) }],
    clientVersion: 0,
    connection: peer.number,
  });
  const errorCode = fencedAs(error, apiVersion);
  count(errorCode);
  return { errorCode };
});
