// A classic group of consumers becomes a group of the consumer protocol when the first member of that protocol joins:
// its members stay, with what they have, and speak on as they did (KIP-848, online migration). If the group was in the
// midst of a rebalance, they join again, and an epoch begins whose targets are made anew: what the last generation left
// to nobody would stay so, where whoever joins only takes the place of a static member.
import type { GroupConfig } from '../model/config.ts';
import type { TopicCatalog } from '../model/topic-catalog.ts';
import type { ClassicGroup, Member } from '../classic/state.ts';
import { CONSUMER_PROTOCOL_TYPE } from '../model/context.ts';
import { assignmentIn, classicFace, subscriptionIn } from '../consumer/embedded-protocol.ts';
import { ConsumerGroup, type ConsumerMember, assignedSince } from '../consumer/state.ts';
import { hashOfTopics } from '../consumer/subscription.ts';

/** Or why not. */
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
