// A producer's id and epoch: for idempotence alone (no transactional id) or for transactions. v2 is flexible, v3 lets a
// producer continue with its id and epoch (KIP-360), v4 has PRODUCER_FENCED, v5 TRANSACTION_ABORTABLE.
// Without a transactional id Kafka ignores the id and epoch of the request, and so must we: @platformatic/kafka sends
// 0/0.
// Version 6 (two-phase commit, KIP-939) is not stable in Kafka and not declared here.
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { errorCode, int16, int32, int64, string } from '../schema/field.ts';
import { throttleTimeMs } from './parts.ts';

export const InitProducerId = api({
  key: 22,
  name: 'InitProducerId',
  versions: [0, 5],
  flexible: 2,
  request: {
    transactionalId: string.nullable(),
    transactionTimeoutMs: int32,
    producerId: int64.default(-1n).since(3),
    producerEpoch: int16.default(-1).since(3),
  },
  response: {
    throttleTimeMs,
    errorCode,
    producerId: int64.default(-1n),
    producerEpoch: int16,
  },
});
export type InitProducerIdRequest = RequestOf<typeof InitProducerId>;
export type InitProducerIdResponse = ResponseOf<typeof InitProducerId>;
