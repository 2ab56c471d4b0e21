// Adds a group's offsets to a transaction (KIP-98). v2 fences with PRODUCER_FENCED, v3 is flexible, v4 has
// TRANSACTION_ABORTABLE (KIP-890).
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { errorCode, int16, int64, string } from '../schema/field.ts';
import { throttleTimeMs } from './parts.ts';

export const AddOffsetsToTxn = api({
  key: 25,
  name: 'AddOffsetsToTxn',
  versions: [0, 4],
  flexible: 3,
  request: { transactionalId: string, producerId: int64, producerEpoch: int16, groupId: string },
  response: { throttleTimeMs, errorCode },
});
export type AddOffsetsToTxnRequest = RequestOf<typeof AddOffsetsToTxn>;
export type AddOffsetsToTxnResponse = ResponseOf<typeof AddOffsetsToTxn>;
