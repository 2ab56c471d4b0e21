// ConsumerGroupHeartbeat (KIP-848): one request to join, stay alive, change and leave. The response has the member's epoch, and
// its partitions if they have changed or the member has just joined.
import { isDeepStrictEqual } from 'node:util';
import { ErrorCode } from '@milepost/core';
import type { RebalanceReason } from '../model/rebalance-reason.ts';
import { admit, isRefusal, type Refusal, refusedHeartbeat } from './admission.ts';
import type { ConsumerHeartbeatCommand, ConsumerHeartbeatResult, RespondToHeartbeat } from './commands.ts';
import type { Owned } from './owned.ts';
import { reconcile } from './reconcile.ts';
import { compileRegex } from '../../regex.ts';
import { watchRevocation } from './session.ts';
import { type Assigned, type ConsumerMember, topicsIn } from './state.ts';
import { refreshTopics, topicIdsOf } from './subscription.ts';
import { retarget } from './target-assignment.ts';
import type { ConsumerTurn } from './turn.ts';

export function consumerHeartbeat(
  turn: ConsumerTurn,
  command: ConsumerHeartbeatCommand,
  respond: RespondToHeartbeat,
): void {
  const result = alive(turn, command);
  turn.after(() => respond(result));
}

function alive(turn: ConsumerTurn, command: ConsumerHeartbeatCommand): ConsumerHeartbeatResult {
  const admitted = admit(turn, command);
  if (isRefusal(admitted)) return refusedHeartbeat(admitted);
  const { member: before, replaces } = admitted;
  const updated = updatedBy(before, command);
  const regexChanged = (updated.topicRegex ?? '') !== (before.topicRegex ?? '');
  if (regexChanged && updated.topicRegex) {
    const compiled = compileRegex(updated.topicRegex);
    if (typeof compiled === 'string') return refusedHeartbeat(invalidRegex(updated.topicRegex, compiled));
  }
  const subscriptionChanged = regexChanged || !isDeepStrictEqual(updated.topicNames, before.topicNames);
  const isNew = !turn.group.members.has(replaces);
  turn.group = turn.group.put(updated, replaces);
  if (replaces !== updated.memberId) turn.after(() => turn.timers.endSession(replaces));

  refreshTopics(turn, rebalanceReason(isNew || turn.group.data.groupEpoch === 0, subscriptionChanged));
  retarget(turn);
  const member = reconciled(turn, updated.memberId, command.owned, subscriptionChanged);
  turn.keepSession(member.memberId);

  const changed = !samePartitions(before.assigned, member.assigned);
  return {
    error: ErrorCode.NONE,
    errorMessage: null,
    memberId: member.memberId,
    memberEpoch: member.memberEpoch,
    heartbeatIntervalMs: turn.config.consumerHeartbeatIntervalMs,
    assignment: command.memberEpoch === 0 || isFull(command) || changed ? asTopics(member.assigned) : null,
  };
}

export function reconciled(
  turn: ConsumerTurn,
  memberId: string,
  owned: Owned,
  subscriptionChanged: boolean,
): ConsumerMember {
  const before = turn.group.member(memberId);
  const subscribed = new Set(topicIdsOf(turn.group, before, turn.context.catalog));
  const member = reconcile(turn.group, before, subscribed, owned, subscriptionChanged);
  if (member === before) return before;
  turn.group = turn.group.put(member);
  watchRevocation(turn, member);
  return member;
}

function updatedBy(member: ConsumerMember, command: ConsumerHeartbeatCommand): ConsumerMember {
  return {
    ...member,
    clientId: command.clientId,
    clientHost: command.clientHost,
    instanceId: command.instanceId ?? member.instanceId,
    rackId: command.rackId ?? member.rackId,
    rebalanceTimeoutMs: command.rebalanceTimeoutMs < 0 ? member.rebalanceTimeoutMs : command.rebalanceTimeoutMs,
    topicNames: command.topicNames ? [...new Set(command.topicNames)].toSorted() : member.topicNames,
    topicRegex: command.topicRegex ?? member.topicRegex,
    assignor: command.assignor ?? member.assignor,
    classic: null,
  };
}

function rebalanceReason(isNew: boolean, subscriptionChanged: boolean): RebalanceReason | undefined {
  if (isNew) return 'member_joined';
  return subscriptionChanged ? 'subscription_changed' : undefined;
}

/** A request with all fields gets a response with all fields. */
const isFull = ({ rebalanceTimeoutMs, topicNames, topicRegex, owned }: ConsumerHeartbeatCommand): boolean =>
  rebalanceTimeoutMs >= 0 && (topicNames !== null || topicRegex !== null) && owned !== null;

const asTopics = (assigned: Assigned) => topicsIn(assigned).map(([topicId, partitions]) => ({ topicId, partitions }));

const samePartitions = (a: Assigned, b: Assigned): boolean =>
  isDeepStrictEqual(new Map(topicsIn(a)), new Map(topicsIn(b)));

const invalidRegex = (regex: string, problem: string): Refusal => ({
  error: ErrorCode.INVALID_REGULAR_EXPRESSION,
  message: `SubscribedTopicRegex \`${regex}\` is not a valid regular expression: ${problem}.`,
});
