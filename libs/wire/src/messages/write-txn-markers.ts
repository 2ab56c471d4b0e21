// Writes a transaction's marker, commit or abort, to its partitions. Sent by the coordinator to brokers only. Flexible
// from v1 on, v2 has the transaction's version (KIP-1228). Version 0 was removed.
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { array, bool, errorCode, int16, int32, int64, int8, string } from '../schema/field.ts';

export const WriteTxnMarkers = api({
  key: 27,
  name: 'WriteTxnMarkers',
  versions: [1, 2],
  flexible: 1,
  request: {
    markers: array({
      producerId: int64,
      producerEpoch: int16,
      transactionResult: bool,
      topics: array({ name: string, partitionIndexes: array(int32) }),
      coordinatorEpoch: int32,
      transactionVersion: int8.default(0).since(2).ignorable(),
    }),
  },
  response: {
    markers: array({
      producerId: int64,
      topics: array({ name: string, partitions: array({ partitionIndex: int32, errorCode }) }),
    }),
  },
});
export type WriteTxnMarkersRequest = RequestOf<typeof WriteTxnMarkers>;
export type WriteTxnMarkersResponse = ResponseOf<typeof WriteTxnMarkers>;
