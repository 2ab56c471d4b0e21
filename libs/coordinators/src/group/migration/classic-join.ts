// JoinGroup at a consumer group: the member is like the others, but uses the classic protocol. It gets a response at once. Its
// epoch is its generation, and there is no leader because the broker assigns.
import { ErrorCode } from '@milepost/core';
import type { JoinCommand, JoinResult } from '../model/commands.ts';
import { CONSUMER_PROTOCOL_TYPE } from '../model/context.ts';
import { failedJoin } from '../classic/turn.ts';
import { type Admitted, hasRoomFor, identified, isRefusal, newMember, type Refusal } from '../consumer/admission.ts';
import { downgraded, mayDowngrade } from './downgrade.ts';
import { classicFace, type Subscription, subscriptionIn } from '../consumer/embedded-protocol.ts';
import { reconciled } from '../consumer/heartbeat.ts';
import { awaitSync, joinArrived } from '../consumer/session.ts';
import type { ConsumerGroup, ConsumerMember } from '../consumer/state.ts';
import { refreshTopics } from '../consumer/subscription.ts';
import { retarget } from '../consumer/target-assignment.ts';
import type { ConsumerTurn } from '../consumer/turn.ts';

export function joinConsumers(turn: ConsumerTurn, command: JoinCommand, respond: (result: JoinResult) => void): void {
  const result = joined(turn, command);
  turn.after(() => respond(result));
}

function joined(turn: ConsumerTurn, command: JoinCommand): JoinResult {
  const { group, context } = turn;
  const isUnknown = command.memberId === '';
  const memberId = isUnknown ? context.random.uuid() : command.memberId;
  const error = refusal(group, command, memberId, turn);
  if (error !== ErrorCode.NONE) return failedJoin(error, command.memberId);
  if (isUnknown && command.requireKnownMemberId && command.instanceId === null)
    return failedJoin(ErrorCode.MEMBER_ID_REQUIRED, memberId);
  const [first] = command.protocols;
  const subscription = first && subscriptionIn(first.metadata, context.catalog);
  if (!subscription) return failedJoin(ErrorCode.INCONSISTENT_GROUP_PROTOCOL, command.memberId);
  const admitted = admit(group, command, memberId);
  if (isRefusal(admitted)) return failedJoin(admitted.error, command.memberId);

  const { member: before, replaces } = admitted;
  const updated = updatedBy(before, command, subscription);
  const isNew = !group.members.has(replaces);
  const regexWent = (before.topicRegex ?? '') !== '';
  const changed = regexWent || String(updated.topicNames) !== String(before.topicNames);
  const wasOf = group.members.get(replaces)?.classic;
  turn.group = group.put(updated, replaces);
  if (replaces !== memberId) turn.after(() => turn.timers.endSession(replaces));
  const reason = isNew ? 'member_joined' : changed ? 'subscription_changed' : undefined;
  refreshTopics(turn, reason);

  const { members, groupEpoch, targetEpoch } = turn.group.data;
  const replacedTheLast = wasOf === null && command.instanceId !== null && mayDowngrade(members, context.config);
  const isStale = targetEpoch < groupEpoch;
  if (!replacedTheLast) retarget(turn);
  const member =
    replacedTheLast && isStale ? turn.group.member(memberId) : reconciled(turn, memberId, subscription.owned, changed);
  // A member that waits for partitions or must give some up would not learn of that in a classic group without a rebalance.
  if (replacedTheLast) becomeClassic(turn, turn.group.state !== 'Stable');
  else {
    joinArrived(turn, memberId);
    turn.keepSession(memberId);
    awaitSync(turn, member);
  }
  return {
    ...failedJoin(ErrorCode.NONE, memberId),
    generation: member.memberEpoch,
    protocolType: CONSUMER_PROTOCOL_TYPE,
    protocolName: first.name,
  };
}

function becomeClassic(turn: ConsumerTurn, rebalances: boolean): void {
  const { members } = turn.group.data;
  const { catalog, config } = turn.context;
  if (mayDowngrade(members, config)) turn.becomes = downgraded(turn.group, members, catalog, turn.now, rebalances);
}

function refusal(group: ConsumerGroup, command: JoinCommand, memberId: string, { context }: ConsumerTurn): ErrorCode {
  if (context.config.migrationPolicy === 'disabled') return ErrorCode.INCONSISTENT_GROUP_PROTOCOL;
  if (!hasRoomFor(group, memberId, command.instanceId, context.config)) return ErrorCode.GROUP_MAX_SIZE_REACHED;
  const names = group.commonClassicProtocols();
  const fits = command.protocols.some(({ name }) => !names || names.has(name));
  const isConsumer = command.protocolType === CONSUMER_PROTOCOL_TYPE;
  return isConsumer && fits ? ErrorCode.NONE : ErrorCode.INCONSISTENT_GROUP_PROTOCOL;
}

function admit(group: ConsumerGroup, command: JoinCommand, memberId: string): Admitted | Refusal {
  const { instanceId, clientId, clientHost } = command;
  const fresh = () => newMember({ memberId, instanceId, clientId, clientHost });
  if (instanceId === null) return { member: group.members.get(memberId) ?? fresh(), replaces: memberId };
  const owner = group.memberOfInstance(instanceId);
  if (command.memberId === '') {
    if (!owner) return { member: group.members.get(memberId) ?? fresh(), replaces: memberId };
    return { member: { ...owner, memberId, memberEpoch: 0, previousEpoch: 0 }, replaces: owner.memberId };
  }
  const known = identified(group, memberId, instanceId);
  return isRefusal(known) ? known : { member: known, replaces: memberId };
}

function updatedBy(member: ConsumerMember, command: JoinCommand, subscription: Subscription): ConsumerMember {
  return {
    ...member,
    instanceId: command.instanceId ?? member.instanceId,
    rackId: subscription.rackId ?? member.rackId,
    clientId: command.clientId,
    clientHost: command.clientHost,
    rebalanceTimeoutMs: command.rebalanceTimeoutMs < 0 ? member.rebalanceTimeoutMs : command.rebalanceTimeoutMs,
    topicNames: [...new Set(subscription.topics)].toSorted(),
    topicRegex: '',
    assignor: member.assignor,
    classic: classicFace(command.sessionTimeoutMs, command.protocols),
  };
}
