// Elects the preferred replica as the leader again, or any remaining one (KIP-183, KIP-460). v1 names the kind of
// election and has an error for the whole response, v2 is flexible.
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { array, errorCode, int32, int8, string } from '../schema/field.ts';
import { noErrorByDefault, nullableString, throttleTimeMs } from './parts.ts';

export const ElectionType = { PREFERRED: 0, UNCLEAN: 1 } as const;

export const ElectLeaders = api({
  key: 43,
  name: 'ElectLeaders',
  versions: [0, 2],
  flexible: 2,
  request: {
    electionType: int8.default(ElectionType.PREFERRED).since(1),
    topicPartitions: array({ topic: string, partitions: array(int32) }).nullable(),
    timeoutMs: int32.default(60_000),
  },
  response: {
    throttleTimeMs,
    errorCode: noErrorByDefault.since(1),
    replicaElectionResults: array({
      topic: string,
      partitionResult: array({ partitionId: int32, errorCode, errorMessage: nullableString }),
    }),
  },
});
export type ElectLeadersRequest = RequestOf<typeof ElectLeaders>;
export type ElectLeadersResponse = ResponseOf<typeof ElectLeaders>;
