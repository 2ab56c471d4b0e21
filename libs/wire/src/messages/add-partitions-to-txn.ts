// Adds partitions to a transaction before it writes to them. v3 is flexible, v4 lets brokers name many transactions
// (KIP-890), v5 has TRANSACTION_ABORTABLE. Up to v3 one transaction at the top level, from v4 a list.
// Java clients stay below v4, which is meant for brokers; @platformatic/kafka sends v5 with one transaction. From
// Produce v12 on the broker adds partitions itself.
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { array, bool, errorCode, int16, int32, int64, string } from '../schema/field.ts';
import { noErrorByDefault, throttleTimeMs } from './parts.ts';

const topics = array({ name: string, partitions: array(int32) });
const topicResults = array({
  name: string,
  resultsByPartition: array({ partitionIndex: int32, partitionErrorCode: errorCode }),
});

export const AddPartitionsToTxn = api({
  key: 24,
  name: 'AddPartitionsToTxn',
  versions: [0, 5],
  flexible: 3,
  request: {
    transactions: array({
      transactionalId: string,
      producerId: int64,
      producerEpoch: int16,
      verifyOnly: bool.default(false),
      topics,
    }).since(4),
    v3AndBelowTransactionalId: string.until(3),
    v3AndBelowProducerId: int64.until(3),
    v3AndBelowProducerEpoch: int16.until(3),
    v3AndBelowTopics: topics.until(3),
  },
  response: {
    throttleTimeMs,
    errorCode: noErrorByDefault.since(4),
    resultsByTransaction: array({ transactionalId: string, topicResults }).since(4),
    resultsByTopicV3AndBelow: topicResults.until(3),
  },
});
export type AddPartitionsToTxnRequest = RequestOf<typeof AddPartitionsToTxn>;
export type AddPartitionsToTxnResponse = ResponseOf<typeof AddPartitionsToTxn>;
