// AddOffsetsToTxn, versions 0 to 4: the partition of `__consumer_offsets` that the group belongs to becomes part of the
// transaction. Clients of transaction version 2 do not send it: TxnOffsetCommit adds the partition.
import { OFFSETS_TOPIC } from '@milepost/metadata';
import { AddOffsetsToTxn } from '@milepost/wire';
import { READ_GROUP, WRITE_TRANSACTION } from '../security/needs.ts';
import { fencedAs } from './fenced-as.ts';
import { handler } from './handler.ts';

export const addOffsetsToTxn = handler(AddOffsetsToTxn, [WRITE_TRANSACTION, READ_GROUP], async (request, context) => {
  const { apiVersion, services, peer, permissions, count } = context;
  const { groupId, ...producer } = request;
  const refused =
    permissions.refusal(WRITE_TRANSACTION, producer.transactionalId) ?? permissions.refusal(READ_GROUP, groupId);
  if (refused) {
    count(refused.error);
    return { errorCode: refused.error };
  }
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
