// Quotas, reassignments, the quorum, features, producers: the requests of an operator's tools to a cluster of one node.
import {
  AlterClientQuotas,
  AlterPartitionReassignments,
  AlterReplicaLogDirs,
  DescribeClientQuotas,
  DescribeProducers,
  DescribeQuorum,
  ListConfigResources,
  ListPartitionReassignments,
  UnregisterBroker,
  UpdateFeatures,
} from '@milepost/wire';
import { sequenced } from '../batches.ts';
import type { Scenario } from '../stage.ts';
import { createTopic, newProducer, produce } from '../topics.ts';

type Entity = readonly (readonly [type: string, name: string | null])[];
type Op = readonly [key: string, value: number | 'remove'];
type Component = readonly [type: string, matchType: number, match: string | null];

const EXACT = 0;
const DEFAULT = 1;
const ANY = 2;

const altering = (entity: Entity, ops: readonly Op[], validateOnly = false) => ({
  entries: [
    {
      entity: entity.map(([entityType, entityName]) => ({ entityType, entityName })),
      ops: ops.map(([key, value]) => ({
        key,
        value: value === 'remove' ? 0 : value,
        remove: value === 'remove',
      })),
    },
  ],
  validateOnly,
});

const describing = (components: readonly Component[], strict = false) => ({
  components: components.map(([entityType, matchType, match]) => ({ entityType, matchType, match })),
  strict,
});

export const admin: readonly Scenario[] = [
  {
    name: 'admin/quotas',
    async play(on) {
      const [user, client] = [on.own('u'), on.own('c')];
      const alter = (label: string, ...how: Parameters<typeof altering>): Promise<void> =>
        on.see(label, AlterClientQuotas, 1, altering(...how));
      const describe = (label: string, ...how: Parameters<typeof describing>): Promise<void> =>
        on.see(label, DescribeClientQuotas, 1, describing(...how));
      await alter('of a user', [['user', user]], [['producer_byte_rate', 1_000]]);
      await alter('half a byte', [['client-id', client]], [['consumer_byte_rate', 2_000.5]]);
      await alter('of a client', [['client-id', client]], [['consumer_byte_rate', 2_000]]);
      await alter(
        'of both',
        [
          ['user', user],
          ['client-id', client],
        ],
        [['request_percentage', 50]],
      );
      await on.until(async () => {
        const { entries } = await on.get(DescribeClientQuotas, 1, describing([['client-id', EXACT, client]]));
        return entries?.length === 2;
      });
      for (const version of on.versions(DescribeClientQuotas))
        await on.see(`described v${version}`, DescribeClientQuotas, version, describing([['user', EXACT, user]]), {
          keep: ({ entries, ...rest }) => ({
            ...rest,
            entries: entries?.toSorted((one, other) => one.entity.length - other.entity.length),
          }),
        });
      await describe('described, and nothing else', [['user', EXACT, user]], true);
      await describe('of both, described', [
        ['user', EXACT, user],
        ['client-id', ANY, null],
      ]);
      await describe('an unknown kind', [['planet', EXACT, 'x']]);
      await describe('an empty kind', [['', EXACT, 'x']]);
      await describe('a kind twice', [
        ['user', EXACT, user],
        ['user', ANY, null],
      ]);
      await describe('an unknown match', [['user', 9, user]]);
      await describe('exact, and nothing', [['user', EXACT, null]]);
      await describe('the default, and a name', [['user', DEFAULT, user]]);
      await describe('users and addresses', [
        ['user', EXACT, user],
        ['ip', EXACT, '192.0.2.1'],
      ]);
      await alter('an unknown property', [['user', user]], [['no_such_rate', 1]]);
      await alter('a property of an address', [['user', user]], [['connection_creation_rate', 1]]);
      for (const value of [0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])
        await alter(`${value} bytes`, [['user', user]], [['producer_byte_rate', value]], true);
      await alter('half a percent', [['user', user]], [['request_percentage', 0.5]], true);
      await alter(
        'a property twice',
        [['user', user]],
        [
          ['producer_byte_rate', 1],
          ['producer_byte_rate', 2],
        ],
      );
      await alter('of nobody', [], [['producer_byte_rate', 1]]);
      await alter('of an empty name', [['user', '']], [['producer_byte_rate', 1]]);
      await alter('of an unknown kind', [['planet', 'x']], [['producer_byte_rate', 1]]);
      await alter(
        'of one kind twice',
        [
          ['user', user],
          ['user', 'x'],
        ],
        [['producer_byte_rate', 1]],
        true,
      );
      await alter('of an address', [['ip', '192.0.2.1']], [['connection_creation_rate', 5]], true);
      await alter('of what is no address', [['ip', 'no address']], [['connection_creation_rate', 5]], true);
      await alter(
        'of an address and a user',
        [
          ['ip', '192.0.2.1'],
          ['user', user],
        ],
        [['connection_creation_rate', 5]],
        true,
      );
      await alter('nothing', [['user', user]], []);
      await alter('what is not set is removed', [['user', user]], [['consumer_byte_rate', 'remove']]);
      await alter('removed', [['user', user]], [['producer_byte_rate', 'remove']]);
      await alter('removed of a client', [['client-id', client]], [['consumer_byte_rate', 'remove']]);
      await alter(
        'removed of both',
        [
          ['user', user],
          ['client-id', client],
        ],
        [['request_percentage', 'remove']],
      );
    },
  },
  {
    name: 'admin/reassignments',
    async play(on) {
      const name = await createTopic(on, 'a', { partitions: 2 });
      const alter = (
        label: string,
        topic: string,
        partitionIndex: number,
        replicas: number[] | null,
        version = 1,
      ): Promise<void> =>
        on.see(label, AlterPartitionReassignments, version, {
          topics: [{ name: topic, partitions: [{ partitionIndex, replicas }] }],
        });
      for (const version of on.versions(AlterPartitionReassignments)) {
        await alter(`v${version}, to where it is`, name, 0, [1], version);
        await alter(`v${version}, to a broker that is not there`, name, 0, [7], version);
        await alter(`v${version}, to two`, name, 0, [1, 7], version);
        await alter(`v${version}, to none`, name, 0, [], version);
        await alter(`v${version}, to one twice`, name, 0, [1, 1], version);
        await alter(`v${version}, to a broker below zero`, name, 0, [-1], version);
        await alter(`v${version}, called off`, name, 0, null, version);
        await alter(`v${version}, no such partition`, name, 7, [1], version);
        await alter(`v${version}, no such topic`, on.own('none'), 0, [1], version);
      }
      await on.see('nothing', AlterPartitionReassignments, 1, { topics: [] });
      for (const [label, topics] of [
        ['all', null],
        ['none', []],
        ['one', [{ name, partitionIndexes: [0, 1] }]],
        ['no such partition', [{ name, partitionIndexes: [7] }]],
        ['no such topic', [{ name: on.own('none'), partitionIndexes: [0] }]],
      ] as const)
        await on.see(`listed: ${label}`, ListPartitionReassignments, 0, { topics });
    },
  },
  {
    name: 'admin/the quorum',
    async play(on) {
      for (const version of on.versions(DescribeQuorum)) {
        const ask = (label: string, topicName: string, partitionIndex: number): Promise<void> =>
          on.see(
            `v${version}, ${label}`,
            DescribeQuorum,
            version,
            { topics: [{ topicName, partitions: [{ partitionIndex }] }] },
            // How far a log is, and when it was last read, differs each time.
            {
              keep: ({ errorCode, topics, nodes }) => ({
                errorCode,
                nodes,
                topics: topics.map((topic) => ({
                  ...topic,
                  partitions: topic.partitions.map((one) => ({
                    partitionIndex: one.partitionIndex,
                    errorCode: one.errorCode,
                    leaderId: one.leaderId,
                    voters: one.currentVoters.map(({ replicaId }) => replicaId),
                    observers: one.observers.length,
                  })),
                })),
              }),
            },
          );
        await ask('the metadata log', '__cluster_metadata', 0);
        await ask('another partition', '__cluster_metadata', 1);
        await ask('another topic', 'other', 0);
        await on.see(`v${version}, nothing`, DescribeQuorum, version, { topics: [] });
      }
    },
  },
  {
    name: 'admin/features',
    async play(on) {
      const update = (
        label: string,
        feature: string,
        maxVersionLevel: number,
        upgradeType = 1,
        version = 1,
      ): Promise<void> =>
        on.see(label, UpdateFeatures, version, {
          featureUpdates: [{ feature, maxVersionLevel, upgradeType }],
          validateOnly: true,
        });
      for (const version of [1, 2]) {
        await update(`v${version}, as it is`, 'metadata.version', 30, 1, version);
        await update(`v${version}, too high`, 'metadata.version', 99, 1, version);
        await update(`v${version}, unknown`, 'no.such.feature', 1, 1, version);
        await update(`v${version}, an empty name`, '', 1, 1, version);
        await update(`v${version}, below zero`, 'metadata.version', -1, 1, version);
        await update(`v${version}, an unknown way`, 'metadata.version', 30, 9, version);
        await update(`v${version}, groups as they are`, 'group.version', 1, 1, version);
      }
      await on.see('nothing', UpdateFeatures, 1, { featureUpdates: [], validateOnly: true });
    },
  },
  {
    name: 'admin/producers',
    async play(on) {
      const name = await createTopic(on, 'a', { partitions: 2 });
      const id = await newProducer(on);
      await produce(on, name, sequenced(id, 0, 0, 3));
      await produce(on, name, sequenced(id, 0, 3, 2));
      const ask = (label: string, topic: string, partitionIndexes: number[]): Promise<void> =>
        on.see(label, DescribeProducers, 0, { topics: [{ name: topic, partitionIndexes }] });
      await ask('one', name, [0]);
      await ask('none', name, [1]);
      await ask('no such partition', name, [7]);
      await ask('no such topic', on.own('none'), [0]);
      await ask('an impossible name', 'a b', [0]);
      await on.see('nothing', DescribeProducers, 0, { topics: [] });
    },
  },
  {
    name: 'admin/what has configs',
    async play(on) {
      const name = await createTopic(on, 'a');
      const keep = (answer: { configResources: readonly { resourceName: string; resourceType: number }[] }) => ({
        ...answer,
        configResources: answer.configResources.filter(
          (one) => one.resourceName === name || one.resourceType === 4 || one.resourceType === 8,
        ),
      });
      await on.see('v0', ListConfigResources, 0, {}, { keep: (answer) => ({ errorCode: answer.errorCode }) });
      for (const types of [[], [2], [4], [8], [16], [32], [2, 4], [9], [0]])
        await on.see(`v1, ${types.join(' and ') || 'all'}`, ListConfigResources, 1, { resourceTypes: types }, { keep });
    },
  },
  {
    name: 'admin/brokers and folders',
    async play(on) {
      const name = await createTopic(on, 'a');
      await on.see('a broker that is not there leaves', UnregisterBroker, 0, { brokerId: 77 });
      for (const version of on.versions(AlterReplicaLogDirs)) {
        const move = (label: string, path: string, topic: string, partition: number): Promise<void> =>
          on.see(`v${version}, ${label}`, AlterReplicaLogDirs, version, {
            dirs: [{ path, topics: [{ name: topic, partitions: [partition] }] }],
          });
        await move('to a folder that is not there', '/no/such/folder', name, 0);
        await move('to a relative folder', 'folder', name, 0);
        await move('a partition that is not there', '/no/such/folder', name, 7);
        await move('a topic that is not there', '/no/such/folder', on.own('none'), 0);
      }
    },
  },
];
