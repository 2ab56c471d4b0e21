// Writes changes that `applied` has accepted. Each statement also compares: if a row differs from the image (somebody edited
// the tables), the whole commit is refused.
import { unreachable } from '@milepost/core';
import {
  type ClusterImage,
  type MetadataChange,
  MetadataConflict,
  type PartitionState,
  quotaKey,
} from '@milepost/metadata';
import type { EntityTarget, QueryRunner } from 'typeorm';
import {
  BrokerConfigRow,
  BrokerRow,
  ClientMetricsConfigRow,
  ClientQuotaRow,
  GroupConfigRow,
  MetadataVersionRow,
  PartitionRow,
  TopicRow,
} from './entities/metadata.ts';
import { toText } from './text.ts';

export async function writeChanges(
  runner: QueryRunner,
  changes: readonly MetadataChange[],
  after: ClusterImage,
): Promise<void> {
  for (const change of changes) await write(runner, change, after);
}

async function write({ manager }: QueryRunner, change: MetadataChange, after: ClusterImage): Promise<void> {
  switch (change.type) {
    case 'broker-registered':
      await manager.upsert(BrokerRow, { ...change.broker, epoch: after.version }, ['id']);
      return;
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
    case 'partition-changed': {
      const { index, partitionEpoch } = change.partition;
      const where = { topicId: change.id, index, partitionEpoch: partitionEpoch - 1 };
      return one(change, await manager.update(PartitionRow, where, columnsOf(change.partition)));
    }
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

/** PostgreSQL accepts 65,535 parameters in a statement; a partition has seven. */
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

const columnsOf = ({ replicas, isr, ...rest }: PartitionState) => ({ ...rest, replicas: [...replicas], isr: [...isr] });

function one(change: MetadataChange, { affected }: { affected?: number | null }): void {
  if (affected !== 1) throw new MetadataConflict(change, `expected one row as the image has it, seen ${affected}`);
}
