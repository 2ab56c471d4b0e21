// What `__transaction_state` holds, in Kafka 4.3's own format: one record for each transactional id.
import { array, int16, int32, int64, int8, string, timestamp } from '../schema/field.ts';
import { persisted } from '../schema/persisted.ts';

/** v1 is flexible. Its tagged fields came with KIP-890. */
export const TransactionRecord = persisted({
  type: 0,
  name: 'TransactionLog',
  versions: [0, 1],
  flexible: 1,
  key: { transactionalId: string },
  value: {
    producerId: int64,
    previousProducerId: int64.default(-1n).since(1).tag(0),
    nextProducerId: int64.default(-1n).since(1).tag(1),
    producerEpoch: int16,
    nextProducerEpoch: int16.default(-1).since(1).tag(3),
    transactionTimeoutMs: int32,
    transactionStatus: int8,
    transactionPartitions: array({ topic: string, partitionIds: array(int32) }).nullable(),
    transactionLastUpdateTimestampMs: timestamp,
    transactionStartTimestampMs: timestamp,
    clientTransactionVersion: int16.default(0).since(1).tag(2),
  },
});
