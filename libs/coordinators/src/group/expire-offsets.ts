// offsets.retention.minutes (KIP-211): offsets of a group that was not used for that long are deleted. So are offsets of a topic
// that a live consumer group no longer reads. A group with nothing left is deleted itself.
import type { Timestamp } from '@milepost/core';
import type { GroupConfig } from './model/config.ts';
import type { GroupEvent, StoredOffset } from './model/store.ts';
import type { Group } from './group.ts';
import type { Offsets } from './model/offsets.ts';
import type { PendingOffsets } from './model/pending-offsets.ts';
import { CONSUMER_PROTOCOL_TYPE } from './model/context.ts';

export function expireOffsets(
  group: Group,
  offsets: Offsets,
  pending: PendingOffsets,
  config: GroupConfig,
  now: Timestamp,
): readonly GroupEvent[] {
  if (group.kind === 'share') return []; // has no offsets, and stays until it is deleted
  const unusedSince = retentionStart(group);
  const expired = (offset: StoredOffset): boolean => {
    if (!unusedSince || group.isSubscribedTo(offset.topic) || pending.has(offset.topic, offset.partition)) return false;
    if (offset.expiresAt !== null) return now >= offset.expiresAt;
    return now - unusedSince(offset) >= config.offsetsRetentionMinutes * 60_000;
  };
  const all = [...offsets.topics()].flatMap((topic) => [...offsets.of(topic)]);
  const gone = all.filter(expired);
  const { groupId } = group;
  if (gone.length === all.length && group.isDeserted && pending.isEmpty) return [{ type: 'group-deleted', groupId }];
  return gone.map(({ topic, partition }) => ({ type: 'offset-deleted', groupId, topic, partition }));
}

/** The time since which an offset is unused; undefined: its group is in use. */
function retentionStart(group: Exclude<Group, { kind: 'share' }>): ((offset: StoredOffset) => Timestamp) | undefined {
  if (group.kind === 'consumer' || group.protocolType === null) return (offset) => offset.committedAt;
  if (group.state === 'Empty') return () => group.stateSince;
  const readsKnownTopics = group.protocolType === CONSUMER_PROTOCOL_TYPE && group.subscribedTopics !== undefined;
  return group.state === 'Stable' && readsKnownTopics ? (offset) => offset.committedAt : undefined;
}
