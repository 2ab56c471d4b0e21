// Which commits and fetches of offsets a consumer group accepts. A commit comes from a member, in its epoch or in an earlier one
// in which it already had the partitions (the response with the new epoch may be on its way). A fetch needs the exact epoch.
import { ErrorCode } from '@milepost/core';
import type { CommitCommand, FetchOffsetsCommand } from '../model/commands.ts';
import type { ConsumerGroup } from './state.ts';

export function commitRefusal(group: ConsumerGroup, command: CommitCommand): ErrorCode {
  const { memberId, generation: epoch } = command;
  if (epoch < 0 && group.isDeserted) return ErrorCode.NONE;
  const member = group.members.get(memberId);
  if (!member) return ErrorCode.UNKNOWN_MEMBER_ID;
  // The version that knows GROUP_ID_NOT_FOUND also knows member epochs.
  if (!command.knowsGroupIdNotFound && !member.classic) return ErrorCode.UNSUPPORTED_VERSION;
  if (epoch === member.memberEpoch) return ErrorCode.NONE;
  const hadIt = command.topics.every(({ topicId, partitions }) =>
    partitions.every(({ partition }) => {
      const since = member.assigned[topicId]?.[partition] ?? member.revoking[topicId]?.[partition];
      return since !== undefined && epoch >= since;
    }),
  );
  if (epoch < member.memberEpoch && hadIt) return ErrorCode.NONE;
  return member.classic ? ErrorCode.ILLEGAL_GENERATION : ErrorCode.STALE_MEMBER_EPOCH;
}

export function fetchRefusal(group: ConsumerGroup, { member: asking }: FetchOffsetsCommand): ErrorCode {
  if (!asking || (asking.memberId === null && asking.memberEpoch < 0)) return ErrorCode.NONE;
  const member = group.members.get(asking.memberId ?? '');
  if (!member) return ErrorCode.UNKNOWN_MEMBER_ID;
  if (asking.memberEpoch === member.memberEpoch) return ErrorCode.NONE;
  return member.classic ? ErrorCode.ILLEGAL_GENERATION : ErrorCode.STALE_MEMBER_EPOCH;
}
