// The only way an image changes: every store, and every test, calls this function.
import { type BrokerId, invariant, unreachable, type Uuid } from '@milepost/core';
import type { BrokerRegistration, MetadataChange } from './changes.ts';
import { type ClientQuota, quotaKey } from './client-quota.ts';
import type { BrokerState } from './broker-state.ts';
import type { DelegationToken } from './delegation-token.ts';
import type { ClusterImage, ControllerState } from './image.ts';
import { type Configs, isLater, type TopicState } from './topic-state.ts';
import { historyOf, type Origin } from './origin.ts';
import type { ScramCredentials } from './scram-user.ts';
import { MetadataConflict } from './store.ts';
import type { StoredAcl } from './stored-acl.ts';

/** A new image of the next version, with all of the changes. The old image is not modified. @throws MetadataConflict */
export function applied(image: ClusterImage, changes: readonly MetadataChange[]): ClusterImage {
  const draft: Draft = {
    origin: image.origin,
    version: image.version + 1,
    clusterId: image.clusterId,
    controller: image.controller,
    brokers: new Map(image.brokers),
    topics: new Map(image.topics),
    topicsById: new Map(image.topicsById),
    brokerConfigs: new Map(image.brokerConfigs),
    // These rarely change. A watcher that finds the same map knows that nothing in it has changed.
    groupConfigs: image.groupConfigs,
    clientMetricsConfigs: image.clientMetricsConfigs,
    clientQuotas: image.clientQuotas,
    scramUsers: image.scramUsers,
    decoySecret: image.decoySecret,
    acls: image.acls,
    delegationTokens: image.delegationTokens,
  };
  for (const change of changes) apply(draft, change);
  return draft;
}

interface Draft extends ClusterImage {
  origin: Origin;
  version: number;
  controller: ControllerState;
  readonly brokers: Map<BrokerId, BrokerState>;
  readonly topics: Map<string, TopicState>;
  readonly topicsById: Map<Uuid, TopicState>;
  readonly brokerConfigs: Map<string, Configs>;
  groupConfigs: ReadonlyMap<string, Configs>;
  clientMetricsConfigs: ReadonlyMap<string, Configs>;
  clientQuotas: ReadonlyMap<string, ClientQuota>;
  scramUsers: ReadonlyMap<string, ScramCredentials>;
  decoySecret: string | null;
  acls: ReadonlyMap<Uuid, StoredAcl>;
  delegationTokens: ReadonlyMap<string, DelegationToken>;
}

function apply(draft: Draft, change: MetadataChange): void {
  switch (change.type) {
    case 'broker-registered':
      draft.brokers.set(change.broker.id, registeredIn(draft, change.broker));
      return;
    case 'broker-fencing-changed': {
      const broker = draft.brokers.get(change.id);
      if (!broker) throw new MetadataConflict(change, `broker ${change.id} is not registered`);
      draft.brokers.set(change.id, { ...broker, isFenced: change.isFenced });
      return;
    }
    case 'broker-removed':
      if (!draft.brokers.delete(change.id)) throw new MetadataConflict(change, `broker ${change.id} is not registered`);
      return;
    case 'controller-elected':
      if (change.epoch <= draft.controller.epoch)
        throw new MetadataConflict(change, `expected an epoch beyond ${draft.controller.epoch}, seen ${change.epoch}`);
      draft.controller = { id: change.id, epoch: change.epoch };
      return;
    case 'topic-created':
      return createTopic(draft, change);
    case 'topic-deleted': {
      const topic = topicOf(draft, change);
      draft.topics.delete(topic.name);
      draft.topicsById.delete(topic.id);
      return;
    }
    case 'partitions-added':
      return addPartitions(draft, change);
    case 'partition-changed':
      return changePartition(draft, change);
    case 'partition-restored':
      return restorePartition(draft, change);
    case 'topic-configured':
      return put(draft, { ...topicOf(draft, change), configs: change.configs });
    case 'broker-configured':
      if (Object.keys(change.configs).length > 0) draft.brokerConfigs.set(change.id, change.configs);
      else draft.brokerConfigs.delete(change.id);
      return;
    case 'group-configured':
      draft.groupConfigs = withEntry(draft.groupConfigs, change.groupId, change.configs, change.configs);
      return;
    case 'client-metrics-configured':
      draft.clientMetricsConfigs = withEntry(draft.clientMetricsConfigs, change.name, change.configs, change.configs);
      return;
    case 'client-quota-set': {
      const { entity, quotas } = change.quota;
      draft.clientQuotas = withEntry(draft.clientQuotas, quotaKey(entity), change.quota, quotas);
      return;
    }
    case 'scram-user-set':
      draft.scramUsers = withEntry(draft.scramUsers, change.name, change.credentials, change.credentials);
      return;
    case 'decoy-secret-set':
      if (draft.decoySecret !== null) throw new MetadataConflict(change, 'there is one already');
      draft.decoySecret = change.secret;
      return;
    case 'acl-created':
      if (draft.acls.has(change.id)) throw new MetadataConflict(change, `ACL ${change.id} exists`);
      draft.acls = new Map(draft.acls).set(change.id, change.acl);
      return;
    case 'acl-deleted': {
      const remaining = new Map(draft.acls);
      if (!remaining.delete(change.id)) throw new MetadataConflict(change, `there is no ACL ${change.id}`);
      draft.acls = remaining;
      return;
    }
    case 'delegation-token-set':
      draft.delegationTokens = new Map(draft.delegationTokens).set(change.token.id, change.token);
      return;
    case 'delegation-token-removed': {
      const remaining = new Map(draft.delegationTokens);
      if (!remaining.delete(change.id)) throw new MetadataConflict(change, `there is no token ${change.id}`);
      draft.delegationTokens = remaining;
      return;
    }
    case 'lineage-started':
      draft.origin = { ...draft.origin, lineage: change.lineage };
      draft.version = Math.max(draft.version, change.beyond + 1);
      return;
    default:
      unreachable(change);
  }
}

export const registeredIn = (
  { version, origin }: Pick<ClusterImage, 'version' | 'origin'>,
  broker: BrokerRegistration,
): BrokerState => ({ ...broker, epoch: version, isFenced: false, history: historyOf(origin) });

/** A new map with the entry, or without it where its values are empty. */
function withEntry<Entry>(
  entries: ReadonlyMap<string, Entry>,
  key: string,
  entry: Entry,
  values: object,
): Map<string, Entry> {
  const changed = new Map(entries);
  if (Object.keys(values).length > 0) changed.set(key, entry);
  else changed.delete(key);
  return changed;
}

type ChangeOf<Type extends MetadataChange['type']> = Extract<MetadataChange, { type: Type }>;

function createTopic(draft: Draft, change: ChangeOf<'topic-created'>): void {
  const { topic } = change;
  const same = draft.topics.get(topic.name);
  if (same) throw new MetadataConflict(change, `topic ${topic.name} exists with id ${same.id}`);
  const sameId = draft.topicsById.get(topic.id);
  if (sameId) throw new MetadataConflict(change, `topic id ${topic.id} belongs to ${sameId.name}`);
  topic.partitions.forEach((partition, index) => {
    invariant(partition.index === index, () => `topic ${topic.name}: partition ${partition.index} at place ${index}`);
  });
  put(draft, topic);
}

function addPartitions(draft: Draft, change: ChangeOf<'partitions-added'>): void {
  const topic = topicOf(draft, change);
  change.partitions.forEach((partition, place) => {
    const expected = topic.partitions.length + place;
    if (partition.index !== expected)
      throw new MetadataConflict(change, `topic ${topic.name} continues at ${expected}, seen ${partition.index}`);
  });
  put(draft, { ...topic, partitions: [...topic.partitions, ...change.partitions] });
}

function changePartition(draft: Draft, change: ChangeOf<'partition-changed'>): void {
  const topic = topicOf(draft, change);
  const { partition } = change;
  const stored = topic.partitions[partition.index];
  if (!stored) throw new MetadataConflict(change, `topic ${topic.name} has no partition ${partition.index}`);
  if (stored.partitionEpoch !== partition.partitionEpoch - 1)
    throw new MetadataConflict(
      change,
      `${topic.name}-${partition.index} is at epoch ${stored.partitionEpoch}, expected ${partition.partitionEpoch - 1}`,
    );
  invariant(
    partition.leaderEpoch >= stored.leaderEpoch,
    () => `${topic.name}-${partition.index}: leader epoch ${partition.leaderEpoch} after ${stored.leaderEpoch}`,
  );
  put(draft, { ...topic, partitions: topic.partitions.with(partition.index, partition) });
}

function restorePartition(draft: Draft, change: ChangeOf<'partition-restored'>): void {
  const topic = topicOf(draft, change);
  const { partition } = change;
  const stored = topic.partitions[partition.index];
  if (!stored || !isLater(partition, stored))
    throw new MetadataConflict(change, `${topic.name}-${partition.index} is not as early as that`);
  put(draft, { ...topic, partitions: topic.partitions.with(partition.index, partition) });
}

function topicOf(draft: Draft, change: MetadataChange & { readonly id: Uuid }): TopicState {
  const topic = draft.topicsById.get(change.id);
  if (!topic) throw new MetadataConflict(change, `no topic has the id ${change.id}`);
  return topic;
}

function put(draft: Draft, topic: TopicState): void {
  draft.topics.set(topic.name, topic);
  draft.topicsById.set(topic.id, topic);
}
