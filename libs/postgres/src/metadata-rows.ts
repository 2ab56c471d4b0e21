// Reads the whole image from its rows.
import { BrokerId, LeaderEpoch, NO_BROKER, Uuid } from '@milepost/core';
import {
  type BrokerState,
  type ClientQuota,
  type ClusterImage,
  type DelegationToken,
  type PartitionState,
  type QuotaEntity,
  quotaKey,
  type Sighting,
  type StoredAcl,
  type TopicState,
} from '@milepost/metadata';
import type { QueryRunner } from 'typeorm';
import {
  AclRow,
  BrokerConfigRow,
  BrokerRow,
  ClientMetricsConfigRow,
  ClientQuotaRow,
  ControllerRow,
  DecoySecretRow,
  DelegationTokenRow,
  GroupConfigRow,
  PartitionRow,
  ScramUserRow,
  TopicRow,
} from './entities/metadata.ts';
import { fromText } from './text.ts';

/** The image at a sighting of the same transaction, which has a snapshot or holds the version's lock. */
export async function readImage(
  { manager }: QueryRunner,
  { clusterId, origin, version }: Sighting,
): Promise<ClusterImage> {
  const brokers = await manager.find(BrokerRow);
  const [controller] = await manager.find(ControllerRow);
  const topics = await manager.find(TopicRow);
  const partitions = await manager.find(PartitionRow, { order: { index: 'ASC' } });
  const brokerConfigs = await manager.find(BrokerConfigRow);
  const groupConfigs = await manager.find(GroupConfigRow);
  const clientMetricsConfigs = await manager.find(ClientMetricsConfigRow);
  const clientQuotas = (await manager.find(ClientQuotaRow)).map(clientQuota);
  const scramUsers = await manager.find(ScramUserRow);
  const [decoy] = await manager.find(DecoySecretRow);
  const acls = await manager.find(AclRow);
  const delegationTokens = (await manager.find(DelegationTokenRow)).map(delegationToken);
  const states = topicStates(topics, partitions);
  return {
    origin,
    version,
    clusterId,
    controller: { id: BrokerId(controller?.brokerId ?? NO_BROKER), epoch: controller?.epoch ?? 0 },
    brokers: new Map(brokers.map((row) => [BrokerId(row.id), brokerState(row)])),
    topics: new Map(states.map((topic) => [topic.name, topic])),
    topicsById: new Map(states.map((topic) => [topic.id, topic])),
    brokerConfigs: new Map(brokerConfigs.map(({ id, configs }) => [id, configs])),
    groupConfigs: new Map(groupConfigs.map(({ groupId, configs }) => [fromText(groupId), configs])),
    clientMetricsConfigs: new Map(clientMetricsConfigs.map(({ name, configs }) => [fromText(name), configs])),
    clientQuotas: new Map(clientQuotas.map((quota) => [quotaKey(quota.entity), quota])),
    scramUsers: new Map(scramUsers.map(({ name, credentials }) => [fromText(name), credentials])),
    decoySecret: decoy?.secret ?? null,
    acls: new Map(acls.map((row) => [Uuid(row.id), storedAcl(row)])),
    delegationTokens: new Map(delegationTokens.map((token) => [token.id, token])),
  };
}

function topicStates(topics: readonly TopicRow[], rows: readonly PartitionRow[]): TopicState[] {
  const partitions = new Map<string, PartitionState[]>(topics.map(({ id }) => [id, []]));
  for (const row of rows) partitions.get(row.topicId)?.push(partitionState(row));
  return topics.map(({ id, name, configs }) => ({ id: Uuid(id), name, configs, partitions: partitions.get(id) ?? [] }));
}

const partitionState = (row: PartitionRow): PartitionState => ({
  index: row.index,
  replicas: row.replicas.map(BrokerId),
  isr: row.isr.map(BrokerId),
  leader: BrokerId(row.leader),
  leaderEpoch: LeaderEpoch(row.leaderEpoch),
  partitionEpoch: row.partitionEpoch,
  ...(row.addingReplicas.length > 0 && { addingReplicas: row.addingReplicas.map(BrokerId) }),
  ...(row.removingReplicas.length > 0 && { removingReplicas: row.removingReplicas.map(BrokerId) }),
});

const storedAcl = (row: AclRow): StoredAcl => ({
  resourceType: row.resourceType,
  resourceName: fromText(row.resourceName),
  patternType: row.patternType,
  principal: fromText(row.principal),
  host: fromText(row.host),
  operation: row.operation,
  permission: row.permission,
});

const delegationToken = (row: DelegationTokenRow): DelegationToken => ({
  id: row.id,
  owner: fromText(row.owner),
  requester: fromText(row.requester),
  renewers: row.renewers.map(fromText),
  issuedAtMs: Number(row.issuedAtMs),
  expiresAtMs: Number(row.expiresAtMs),
  endsAtMs: Number(row.endsAtMs),
  digest: row.digest,
  credentials: row.credentials,
});

const clientQuota = ({ entity, quotas }: ClientQuotaRow): ClientQuota => ({
  entity: Object.fromEntries(JSON.parse(entity) as [string, string | null][]) as QuotaEntity,
  quotas,
});

const brokerState = (row: BrokerRow): BrokerState => {
  const { id, epoch, incarnation, host, port, listeners, rack, isFenced, history } = row;
  return {
    id: BrokerId(id),
    epoch,
    incarnation: incarnation === null ? null : Uuid(incarnation),
    host,
    port,
    ...(listeners !== null && { listeners }),
    rack,
    isFenced,
    history,
  };
};
