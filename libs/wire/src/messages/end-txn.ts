// Commits or aborts a transaction. v2 fences with PRODUCER_FENCED, v3 is flexible, v4 has TRANSACTION_ABORTABLE, v5
// returns the id and epoch of the next transaction, because each has its own epoch (KIP-890).
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { bool, errorCode, int16, int64, string } from '../schema/field.ts';
import { throttleTimeMs } from './parts.ts';

export const EndTxn = api({
  key: 26,
  name: 'EndTxn',
  versions: [0, 5],
  flexible: 3,
  request: { transactionalId: string, producerId: int64, producerEpoch: int16, committed: bool },
  response: {
    throttleTimeMs,
    errorCode,
    producerId: int64.default(-1n).since(5),
    producerEpoch: int16.default(-1).since(5),
  },
});
export type EndTxnRequest = RequestOf<typeof EndTxn>;
export type EndTxnResponse = ResponseOf<typeof EndTxn>;
