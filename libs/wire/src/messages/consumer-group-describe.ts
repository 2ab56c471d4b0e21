// State and members of KIP-848 groups. v1 distinguishes classic from new members (KIP-1099). Flexible from the start.
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { array, bool, errorCode, int32, int8, string, struct, uuid } from '../schema/field.ts';
import { authorizedOperations, nullableString, throttleTimeMs } from './parts.ts';

const assignment = struct({
  topicPartitions: array({ topicId: uuid, topicName: string, partitions: array(int32) }),
});

export const ConsumerGroupDescribe = api({
  key: 69,
  name: 'ConsumerGroupDescribe',
  versions: [0, 1],
  flexible: 0,
  request: { groupIds: array(string), includeAuthorizedOperations: bool },
  response: {
    throttleTimeMs,
    groups: array({
      errorCode,
      errorMessage: nullableString,
      groupId: string,
      groupState: string,
      groupEpoch: int32,
      assignmentEpoch: int32,
      assignorName: string,
      members: array({
        memberId: string,
        instanceId: nullableString,
        rackId: nullableString,
        memberEpoch: int32,
        clientId: string,
        clientHost: string,
        subscribedTopicNames: array(string),
        subscribedTopicRegex: nullableString,
        assignment,
        targetAssignment: assignment,
        memberType: int8.default(-1).since(1),
      }),
      authorizedOperations,
    }),
  },
});
export type ConsumerGroupDescribeRequest = RequestOf<typeof ConsumerGroupDescribe>;
export type ConsumerGroupDescribeResponse = ResponseOf<typeof ConsumerGroupDescribe>;
