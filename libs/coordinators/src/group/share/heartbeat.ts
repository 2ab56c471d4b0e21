// ShareGroupHeartbeat (KIP-932): one request to join, stay alive, change and leave. Pure: what is decided here is stored before
// the response is sent. Partitions of newly subscribed topics get their rows in the same write, so that they can be assigned at
// once (Kafka initializes them at its share coordinator first).
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { ErrorCode, type Timestamp, type Uuid } from '@milepost/core';
import type { Partitions } from '../assignors/assignor.ts';
import type { GroupConfig } from '../model/config.ts';
import type { RebalanceReason } from '../model/rebalance-reason.ts';
import type { GroupEvent } from '../model/store.ts';
import type { TopicCatalog } from '../model/topic-catalog.ts';
import type { ShareHeartbeatCommand, ShareHeartbeatResult } from './commands.ts';
import { assignShares } from './simple-assignor.ts';
import { ShareGroup, type ShareMember, withPartitions } from './state.ts';

export const LEAVE = -1;

/** The group, or what kind of group has the id. */
export type GroupFound = ShareGroup | { readonly kind: string } | undefined;

export interface ShareDecision<Response> {
  readonly events: readonly GroupEvent[];
  readonly response: Response;
  /** Why the group rebalances; undefined: it does not. */
  readonly rebalance?: RebalanceReason;
}

interface Surroundings {
  readonly catalog: TopicCatalog;
  readonly config: GroupConfig;
  readonly now: Timestamp;
}

/** Checks that do not depend on the group. */
export function invalidShareHeartbeat(command: ShareHeartbeatCommand): string | undefined {
  if (command.memberId.trim() === '') return "MemberId can't be empty.";
  if (command.groupId.trim() === '') return "GroupId can't be empty.";
  if (command.rackId?.trim() === '') return "RackId can't be empty.";
  if (command.memberEpoch < LEAVE) return 'MemberEpoch is invalid.';
  const saysTopics = command.topicNames !== null && command.topicNames.length > 0;
  return command.memberEpoch === 0 && !saysTopics ? 'SubscribedTopicNames must be set in first request.' : undefined;
}

export function shareHeartbeat(
  found: GroupFound,
  command: ShareHeartbeatCommand,
  { catalog, config, now }: Surroundings,
): ShareDecision<ShareHeartbeatResult> {
  const { groupId, memberId, memberEpoch } = command;
  const before = found ?? (memberEpoch === 0 ? new ShareGroup(groupId) : undefined);
  if (!(before instanceof ShareGroup)) return refused(notFound(groupId, found));
  const known = before.members.get(memberId);
  if (!known && before.members.size >= config.shareMaxSize)
    return refused({
      error: ErrorCode.GROUP_MAX_SIZE_REACHED,
      errorMessage: `The share group has reached its maximum capacity of ${config.shareMaxSize} members.`,
    });
  if (!known && memberEpoch !== 0) return refused(unknownMember(memberId));
  const fenced = known && epochProblem(known, memberEpoch);
  if (fenced) return refused({ error: ErrorCode.FENCED_MEMBER_EPOCH, errorMessage: fenced });

  const updated = updatedBy(known ?? newMember(command), command);
  const initialized = withRowsOf(before.put(updated), catalog);
  const subscriptionChanged = !known || !isDeepStrictEqual(known.topicNames, updated.topicNames);
  const reason = rebalanceReason(before, initialized.group, { isNew: !known, subscriptionChanged, catalog });
  const targeted = retargeted(inNewEpoch(initialized.group, reason, catalog), { catalog, config, now });
  const member = reconciled(targeted, memberId, catalog);
  const group = targeted.put(member);

  const isFull = memberEpoch === 0 || command.topicNames !== null;
  const hasChanged = !isDeepStrictEqual(known?.assigned, member.assigned);
  const isStored = !isDeepStrictEqual(group.data, before.data) || !found;
  return {
    events: isStored ? [{ type: 'group-stored', group: group.stored }, ...initialized.events] : [],
    response: {
      error: ErrorCode.NONE,
      errorMessage: null,
      memberId,
      memberEpoch: member.memberEpoch,
      heartbeatIntervalMs: config.shareHeartbeatIntervalMs,
      assignment: isFull || hasChanged ? asTopics(member.assigned) : null,
    },
    ...(reason && { rebalance: reason }),
  };
}

export function leaveShareGroup(
  found: GroupFound,
  { groupId, memberId, memberEpoch }: ShareHeartbeatCommand,
): ShareDecision<ShareHeartbeatResult> {
  if (!(found instanceof ShareGroup)) return refused(notFound(groupId, found));
  if (!found.members.has(memberId)) return refused(unknownMember(memberId));
  const response = { ...refusedShareHeartbeat({ error: ErrorCode.NONE, errorMessage: null }), memberId, memberEpoch };
  return { ...withoutMember(found, memberId), response, rebalance: 'member_left' };
}

export function withoutMember(group: ShareGroup, memberId: string): Pick<ShareDecision<void>, 'events'> {
  const members = group.data.members.filter((member) => member.memberId !== memberId);
  const left = group.with({ members, groupEpoch: group.data.groupEpoch + 1 });
  return { events: [{ type: 'group-stored', group: left.stored }] };
}

export const refusedShareHeartbeat = (
  refusal: Pick<ShareHeartbeatResult, 'error' | 'errorMessage'>,
): ShareHeartbeatResult => ({
  ...refusal,
  memberId: null,
  memberEpoch: 0,
  heartbeatIntervalMs: 0,
  assignment: null,
});

const refused = (refusal: Pick<ShareHeartbeatResult, 'error' | 'errorMessage'>) => ({
  events: [],
  response: refusedShareHeartbeat(refusal),
});

export const notFound = (groupId: string, found: GroupFound) => ({
  error: ErrorCode.GROUP_ID_NOT_FOUND,
  errorMessage: found ? `Group ${groupId} is not a share group.` : `Share group ${groupId} not found.`,
});

const unknownMember = (memberId: string) => ({
  error: ErrorCode.UNKNOWN_MEMBER_ID,
  errorMessage: `${memberId} is not a member of the group.`,
});

/** The response with the new epoch may have got lost. */
function epochProblem(member: ShareMember, memberEpoch: number): string | undefined {
  if (memberEpoch === 0 || memberEpoch === member.memberEpoch || memberEpoch === member.previousEpoch) return undefined;
  return `The member is in epoch ${member.memberEpoch}, the request says ${memberEpoch}: it must join again.`;
}

const newMember = ({ memberId, clientId, clientHost }: ShareHeartbeatCommand): ShareMember => ({
  memberId,
  rackId: null,
  clientId,
  clientHost,
  topicNames: [],
  memberEpoch: 0,
  previousEpoch: 0,
  assigned: {},
  target: {},
});

const updatedBy = (member: ShareMember, command: ShareHeartbeatCommand): ShareMember => ({
  ...member,
  clientId: command.clientId,
  clientHost: command.clientHost,
  rackId: command.rackId ?? member.rackId,
  topicNames: command.topicNames ? [...new Set(command.topicNames)].toSorted() : member.topicNames,
});

/** Subscribed partitions that have no row yet get one. */
function withRowsOf(group: ShareGroup, catalog: TopicCatalog): { group: ShareGroup; events: readonly GroupEvent[] } {
  let { initialized } = group.data;
  const events: GroupEvent[] = [];
  for (const name of group.topicNames) {
    const topic = catalog.named(name);
    if (!topic) continue;
    const known = new Set(initialized[topic.id]);
    const missing = Array.from({ length: topic.partitions }, (_, index) => index).filter((index) => !known.has(index));
    if (missing.length === 0) continue;
    initialized = withPartitions(initialized, topic.id, missing);
    for (const partition of missing) events.push(rowOf(group.groupId, topic.id, partition));
  }
  return { group: events.length > 0 ? group.with({ initialized }) : group, events };
}

export const rowOf = (groupId: string, topicId: Uuid, partition: number): GroupEvent => ({
  type: 'share-partition-initialized',
  groupId,
  topicId,
  partition,
  startOffset: -1,
  resets: false,
});

function rebalanceReason(
  before: ShareGroup,
  after: ShareGroup,
  change: { readonly isNew: boolean; readonly subscriptionChanged: boolean; readonly catalog: TopicCatalog },
): RebalanceReason | undefined {
  if (change.isNew) return 'member_joined';
  if (change.subscriptionChanged) return 'subscription_changed';
  const isNews = before.data.topicsHash !== hashOfTopics(after, change.catalog);
  return isNews ? 'topics_changed' : undefined;
}

function inNewEpoch(group: ShareGroup, reason: RebalanceReason | undefined, catalog: TopicCatalog): ShareGroup {
  if (reason === undefined) return group;
  return group.with({ groupEpoch: group.data.groupEpoch + 1, topicsHash: hashOfTopics(group, catalog) });
}

/** At most one assignment per interval, so that members that arrive together cost only one. */
function retargeted(group: ShareGroup, { catalog, config, now }: Surroundings): ShareGroup {
  const { groupEpoch, targetEpoch, targetAt, members, initialized } = group.data;
  const sinceMs = now - targetAt;
  const isDue = targetAt === 0 || sinceMs < 0 || sinceMs >= config.shareAssignmentIntervalMs;
  if (targetEpoch >= groupEpoch || !isDue) return group;
  const targets = assignShares(
    members.map((member) => ({ ...member, topics: topicIdsOf(member, catalog) })),
    initialized,
  );
  return group.with({
    members: members.map((member) => ({ ...member, target: targets.get(member.memberId) ?? {} })),
    targetEpoch: groupEpoch,
    targetAt: now,
  });
}

/** A member has its target at once; topics that it no longer reads, or that are gone, are left out. */
function reconciled(group: ShareGroup, memberId: string, catalog: TopicCatalog): ShareMember {
  const member = group.members.get(memberId) as ShareMember;
  const subscribed = new Set<string>(topicIdsOf(member, catalog));
  const assigned = Object.fromEntries(Object.entries(member.target).filter(([topicId]) => subscribed.has(topicId)));
  const { targetEpoch } = group.data;
  if (member.memberEpoch === targetEpoch) return { ...member, assigned };
  return { ...member, assigned, previousEpoch: member.memberEpoch, memberEpoch: targetEpoch };
}

const topicIdsOf = ({ topicNames }: ShareMember, catalog: TopicCatalog): Uuid[] =>
  topicNames.flatMap((name) => catalog.named(name)?.id ?? []);

/** Covers what an assignment depends on: topics, and which of their partitions have rows. */
function hashOfTopics(group: ShareGroup, catalog: TopicCatalog): string {
  const topics = group.topicNames.flatMap((name) => catalog.idOf(name) ?? []);
  const hash = createHash('sha256');
  for (const id of topics) hash.update(`${id} ${group.data.initialized[id]?.join()} `);
  return topics.length === 0 ? '' : hash.digest('base64');
}

const asTopics = (assigned: Partitions) =>
  Object.entries(assigned).map(([topicId, partitions]) => ({ topicId: topicId as Uuid, partitions }));
