// Moves the start of a partition's log forward (KIP-107). Offset -1 stands for the high watermark. v2 is flexible.
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { array, errorCode, int32, offset, string } from '../schema/field.ts';
import { throttleTimeMs } from './parts.ts';

export const DeleteRecords = api({
  key: 21,
  name: 'DeleteRecords',
  versions: [0, 2],
  flexible: 2,
  request: {
    topics: array({ name: string, partitions: array({ partitionIndex: int32, offset }) }),
    timeoutMs: int32,
  },
  response: {
    throttleTimeMs,
    topics: array({ name: string, partitions: array({ partitionIndex: int32, lowWatermark: offset, errorCode }) }),
  },
});
export type DeleteRecordsRequest = RequestOf<typeof DeleteRecords>;
export type DeleteRecordsResponse = ResponseOf<typeof DeleteRecords>;
