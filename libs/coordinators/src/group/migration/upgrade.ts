// Upgrade: a classic group of consumers becomes a consumer group when the first member of the consumer protocol joins (KIP-848,
// online migration). Its members stay, keep what they hold, and continue to use the classic protocol. If the group was in the
// midst of a rebalance, the members join again and a new epoch begins, with new targets: otherwise partitions that the last
// generation had assigned to no member would stay so if the new member only replaces a static one.
import type { GroupConfig } from '../model/config.ts';
import type { TopicCatalog } from '../model/topic-catalog.ts';
import type { ClassicGroup, Member } from '../classic/state.ts';
import { CONSUMER_PROTOCOL_TYPE } from '../model/context.ts';
import { assignmentIn, classicFace, subscriptionIn } from '../consumer/embedded-protocol.ts';
import { ConsumerGroup, type ConsumerMember, assignedSince } from '../consumer/state.ts';
import { hashOfTopics } from '../consumer/subscription.ts';

/** The consumer group, or the reason why the group stays classic. */
export function upgraded(group: ClassicGroup, config: GroupConfig, catalog: TopicCatalog): ConsumerGroup | string {
  const refused = (why: string) => `Cannot upgrade classic group ${group.groupId} to consumer group because ${why}.`;
  if (config.migrationPolicy !== 'bidirectional' && config.migrationPolicy !== 'upgrade')
    return refused('online upgrade is disabled');
  if (group.protocolType !== CONSUMER_PROTOCOL_TYPE)
    return refused('the group does not use the consumer embedded protocol');
  if (group.members.size > config.consumerMaxSize)
    return refused('the group size exceeds the consumer group maximum size');

  const members: ConsumerMember[] = [];
  for (const classic of group.members.values()) {
    const member = asConsumer(group, classic, catalog);
    if (typeof member === 'string') return refused(member);
    members.push(member);
  }
  const { generation } = group;
  const groupEpoch = group.state === 'Stable' ? generation : generation + 1;
  const epochs = { groupEpoch, targetEpoch: generation, targetAt: 0 };
  const converted = new ConsumerGroup(group.groupId, { ...epochs, topicsHash: '', members, regexes: [] });
  return converted.with({ topicsHash: hashOfTopics(converted, catalog) });
}

function asConsumer(group: ClassicGroup, member: Member, catalog: TopicCatalog): ConsumerMember | string {
  const { generation, protocolName } = group;
  const chosen = member.protocols.find(({ name }) => name === protocolName) ?? member.protocols[0];
  const subscription = chosen && subscriptionIn(chosen.metadata, catalog);
  // A rebalance may have cleared its assignment, while the member still works with it.
  const target = assignmentIn(member.held, catalog);
  if (target === 'foreign') return 'an unsupported custom assignor is in use';
  if (!subscription || target === 'malformed') return 'the embedded consumer protocol is malformed';
  return {
    memberId: member.memberId,
    instanceId: member.instanceId,
    rackId: subscription.rackId,
    clientId: member.clientId,
    clientHost: member.clientHost,
    rebalanceTimeoutMs: member.rebalanceTimeoutMs,
    topicNames: [...new Set(subscription.topics)].toSorted(),
    topicRegex: null,
    assignor: null,
    classic: classicFace(member.sessionTimeoutMs, member.protocols),
    memberEpoch: generation,
    previousEpoch: generation,
    state: 'stable',
    assigned: assignedSince(target, generation),
    revoking: {},
    target,
  };
}
