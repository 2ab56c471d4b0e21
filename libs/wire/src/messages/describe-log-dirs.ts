// Sizes of the broker's folders and of their logs (KIP-113). v2 is flexible, v3 has an error for the whole response, v4
// the space on the volume (KIP-827), v5 whether a folder accepts no new partitions (KIP-1066). Version 0 was removed.
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { array, bool, errorCode, int32, long, string } from '../schema/field.ts';
import { noErrorByDefault, throttleTimeMs } from './parts.ts';

export const DescribeLogDirs = api({
  key: 35,
  name: 'DescribeLogDirs',
  versions: [1, 5],
  flexible: 2,
  request: { topics: array({ topic: string, partitions: array(int32) }).nullable() },
  response: {
    throttleTimeMs,
    errorCode: noErrorByDefault.since(3),
    results: array({
      errorCode,
      logDir: string,
      topics: array({
        name: string,
        partitions: array({ partitionIndex: int32, partitionSize: long, offsetLag: long, isFutureKey: bool }),
      }),
      totalBytes: long.default(-1).since(4),
      usableBytes: long.default(-1).since(4),
      isCordoned: bool.default(false).since(5),
    }),
  },
});
export type DescribeLogDirsRequest = RequestOf<typeof DescribeLogDirs>;
export type DescribeLogDirsResponse = ResponseOf<typeof DescribeLogDirs>;
