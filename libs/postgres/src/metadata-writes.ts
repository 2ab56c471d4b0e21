// Writes changes that `applied` has accepted. Each statement also compares: if a row differs from the image (somebody edited
// the tables), the whole commit is refused.
import { unreachable } from '@milepost/core';
import {
  type ClusterImage,
  type MetadataChange,
  MetadataConflict,
  type PartitionState,
  quotaKey,
  registeredIn,
} from '@milepost/metadata';
import type { EntityTarget, QueryRunner } from 'typeorm';
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
  MetadataVersionRow,
  PartitionRow,
  ScramUserRow,
  TopicRow,
} from './entities/metadata.ts';
import { toText } from './text.ts';

export async function writeChanges(
  runner: QueryRunner,
  changes: readonly MetadataChange[],
  after: ClusterImage,
): Promise<void> {
  for (let place = 0; place < changes.length; ) {
    const moves = leadingMoves(changes, place);
    if (moves.length > 0) await movePartitions(runner, moves);
    else await write(runner, changes[place] as MetadataChange, after);
    place += Math.max(1, moves.length);
  }
}

type PartitionMove = Extract<MetadataChange, { type: 'partition-changed' | 'partition-restored' }>;

/** A failed broker leads thousands of partitions, and the transaction that moves them has a deadline. */
const MOVES_PER_STATEMENT = 1_000;

/** The changes of partitions from this place on that one statement can make: of one type, and no partition comes twice. */
function leadingMoves(changes: readonly MetadataChange[], from: number): PartitionMove[] {
  const moves: PartitionMove[] = [];
  const seen = new Set<string>();
  for (let place = from; moves.length < MOVES_PER_STATEMENT; place++) {
    const change = changes[place];
    if (change?.type !== 'partition-changed' && change?.type !== 'partition-restored') break;
    if (moves[0] && change.type !== moves[0].type) break;
    const key = `${change.id} ${change.partition.index}`;
    if (seen.has(key)) break;
    seen.add(key);
    moves.push(change);
  }
  return moves;
}

const MOVED = `
  WITH moved AS (
    UPDATE partitions p SET replicas = c.replicas, isr = c.isr, leader = c.leader, leader_epoch = c.leader_epoch,
      partition_epoch = c.partition_epoch, adding_replicas = c.adding_replicas, removing_replicas = c.removing_replicas
    FROM json_to_recordset($1) AS c(topic_id uuid, index int, replicas int[], isr int[], leader int, leader_epoch int,
      partition_epoch int, adding_replicas int[], removing_replicas int[])
    WHERE p.topic_id = c.topic_id AND p.index = c.index AND p.partition_epoch = c.partition_epoch - 1
    RETURNING 1)
  SELECT count(*)::int AS count FROM moved`;
const RESTORED = MOVED.replace(
  'p.partition_epoch = c.partition_epoch - 1',
  '(p.leader_epoch, p.partition_epoch) < (c.leader_epoch, c.partition_epoch)',
);

async function movePartitions(runner: QueryRunner, moves: readonly PartitionMove[]): Promise<void> {
  const rows = moves.map(({ id, partition }) => ({
    topic_id: id,
    index: partition.index,
    replicas: partition.replicas,
    isr: partition.isr,
    leader: partition.leader,
    leader_epoch: partition.leaderEpoch,
    partition_epoch: partition.partitionEpoch,
    adding_replicas: partition.addingReplicas ?? [],
    removing_replicas: partition.removingReplicas ?? [],
  }));
  const sql = moves[0]?.type === 'partition-restored' ? RESTORED : MOVED;
  const [moved]: { count: number }[] = await runner.query(sql, [JSON.stringify(rows)]);
  if (moved?.count !== moves.length)
    throw new MetadataConflict(
      moves[0] as PartitionMove,
      `expected ${moves.length} partitions as the image has them, seen ${moved?.count}`,
    );
}

async function write(runner: QueryRunner, change: MetadataChange, after: ClusterImage): Promise<void> {
  const { manager } = runner;
  switch (change.type) {
    case 'broker-registered':
      await manager.upsert(BrokerRow, { listeners: null, ...registeredIn(after, change.broker) }, ['id']);
      return;
    case 'broker-fencing-changed':
      return one(change, await manager.update(BrokerRow, { id: change.id }, { isFenced: change.isFenced }));
    case 'controller-elected':
      return one(change, await manager.update(ControllerRow, { id: 1 }, { brokerId: change.id, epoch: change.epoch }));
    case 'broker-removed':
      return one(change, await manager.delete(BrokerRow, { id: change.id }));
    case 'topic-created': {
      const { id, name, configs, partitions } = change.topic;
      await manager.insert(TopicRow, { id, name, configs });
      return insertPartitions(manager, id, partitions);
    }
    case 'topic-deleted':
      return one(change, await manager.delete(TopicRow, { id: change.id }));
    case 'partitions-added':
      return insertPartitions(manager, change.id, change.partitions);
    case 'partition-changed':
    case 'partition-restored':
      return movePartitions(runner, [change]);
    case 'topic-configured':
      return one(change, await manager.update(TopicRow, { id: change.id }, { configs: change.configs }));
    case 'broker-configured':
      return put(manager, BrokerConfigRow, { id: change.id }, { configs: change.configs });
    case 'group-configured':
      return put(manager, GroupConfigRow, { groupId: toText(change.groupId) }, { configs: change.configs });
    case 'client-metrics-configured':
      return put(manager, ClientMetricsConfigRow, { name: toText(change.name) }, { configs: change.configs });
    case 'client-quota-set': {
      const { entity, quotas } = change.quota;
      return put(manager, ClientQuotaRow, { entity: quotaKey(entity) }, { quotas });
    }
    case 'scram-user-set':
      return put(manager, ScramUserRow, { name: toText(change.name) }, { credentials: change.credentials });
    case 'decoy-secret-set':
      await manager.insert(DecoySecretRow, { id: 1, secret: change.secret });
      return;
    case 'acl-created': {
      const { resourceName, principal, host, ...codes } = change.acl;
      const texts = { resourceName: toText(resourceName), principal: toText(principal), host: toText(host) };
      await manager.insert(AclRow, { id: change.id, ...codes, ...texts });
      return;
    }
    case 'acl-deleted':
      return one(change, await manager.delete(AclRow, { id: change.id }));
    case 'delegation-token-set': {
      const { owner, requester, renewers, issuedAtMs, expiresAtMs, endsAtMs, ...rest } = change.token;
      const texts = { owner: toText(owner), requester: toText(requester), renewers: renewers.map(toText) };
      const times = {
        issuedAtMs: String(issuedAtMs),
        expiresAtMs: String(expiresAtMs),
        endsAtMs: String(endsAtMs),
      };
      await manager.upsert(DelegationTokenRow, { ...rest, ...texts, ...times }, ['id']);
      return;
    }
    case 'delegation-token-removed':
      return one(change, await manager.delete(DelegationTokenRow, { id: change.id }));
    case 'lineage-started':
      await manager.update(MetadataVersionRow, { id: 1 }, { lineage: change.lineage });
      return;
    default:
      unreachable(change);
  }
}

/** As in `applied`: an entry with empty values has no row. */
async function put(
  manager: QueryRunner['manager'],
  row: EntityTarget<object>,
  key: Readonly<Record<string, string>>,
  values: Readonly<Record<string, object>>,
): Promise<void> {
  const isEmpty = Object.values(values).every((value) => Object.keys(value).length === 0);
  if (isEmpty) await manager.delete(row, key);
  else await manager.upsert(row, { ...key, ...values }, Object.keys(key));
}

/** PostgreSQL accepts 65,535 parameters in a statement; a partition has nine. */
const PARTITIONS_PER_STATEMENT = 1_000;

async function insertPartitions(
  manager: QueryRunner['manager'],
  topicId: string,
  partitions: readonly PartitionState[],
): Promise<void> {
  for (let from = 0; from < partitions.length; from += PARTITIONS_PER_STATEMENT) {
    const some = partitions.slice(from, from + PARTITIONS_PER_STATEMENT);
    await manager.insert(
      PartitionRow,
      some.map((partition) => ({ topicId, ...columnsOf(partition) })),
    );
  }
}

const columnsOf = ({ replicas, isr, addingReplicas = [], removingReplicas = [], ...rest }: PartitionState) => ({
  ...rest,
  replicas: [...replicas],
  isr: [...isr],
  addingReplicas: [...addingReplicas],
  removingReplicas: [...removingReplicas],
});

function one(change: MetadataChange, { affected }: { affected?: number | null }): void {
  if (affected !== 1) throw new MetadataConflict(change, `expected one row as the image has it, seen ${affected}`);
}
