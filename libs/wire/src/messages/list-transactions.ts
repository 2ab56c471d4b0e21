// The transactions of this coordinator (KIP-664); no filter is all. v1 filters by duration (KIP-994), v2 by a pattern of
// transactional ids (KIP-1152).
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { array, errorCode, int64, string } from '../schema/field.ts';
import { throttleTimeMs } from './parts.ts';

export const ListTransactions = api({
  key: 66,
  name: 'ListTransactions',
  versions: [0, 2],
  flexible: 0,
  request: {
    stateFilters: array(string),
    producerIdFilters: array(int64),
    durationFilter: int64.default(-1n).since(1),
    transactionalIdPattern: string.nullable().default(null).since(2),
  },
  response: {
    throttleTimeMs,
    errorCode,
    unknownStateFilters: array(string).default([]),
    transactionStates: array({ transactionalId: string, producerId: int64, transactionState: string }).default([]),
  },
});
export type ListTransactionsRequest = RequestOf<typeof ListTransactions>;
export type ListTransactionsResponse = ResponseOf<typeof ListTransactions>;
