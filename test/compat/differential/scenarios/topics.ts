// Topics created, grown and deleted, with and without mistakes.
import {
  CreatePartitions,
  CreateTopics,
  DeleteRecords,
  DeleteTopics,
  DescribeLogDirs,
  ElectLeaders,
} from '@milepost/wire';
import { batch } from '../batches.ts';
import type { Scenario, Stage } from '../stage.ts';
import { createTopic, produce } from '../topics.ts';

type NewTopic = {
  name?: string;
  numPartitions?: number;
  replicationFactor?: number;
  assignments?: { partitionIndex: number; brokerIds: number[] }[];
  configs?: { name: string; value: string | null }[];
};

const creator =
  (on: Stage) =>
  (
    label: string,
    topics: readonly NewTopic[],
    { version = 7, ...more }: { version?: number; validateOnly?: boolean; timeoutMs?: number } = {},
  ) =>
    on.see(
      label,
      CreateTopics,
      version,
      {
        topics: topics.map((one) => ({ name: on.own('a'), numPartitions: 1, replicationFactor: 1, ...one })),
        timeoutMs: 10_000,
        ...more,
      },
      {
        // All configs are compared once, in `configs/all of a topic`; here only the requested ones.
        keep: (answer) => ({
          ...answer,
          topics: answer.topics.map((topic) => ({
            ...topic,
            configs: topic.configs?.filter(({ name }) =>
              topics.some(({ configs = [] }) => configs.some((one) => one.name === name)),
            ),
          })),
        }),
      },
    );

export const topics: readonly Scenario[] = [
  {
    name: 'topics/created, each version',
    async play(on) {
      const create = creator(on);
      for (const version of on.versions(CreateTopics)) {
        await create(`v${version}`, [{ name: on.own(`v${version}`), numPartitions: 2 }], { version });
        await create(`v${version} again`, [{ name: on.own(`v${version}`) }], { version });
        await create(
          `v${version}, defaults`,
          [{ name: on.own(`d${version}`), numPartitions: -1, replicationFactor: -1 }],
          { version },
        );
        await create(`v${version}, validate only`, [{ name: on.own(`w${version}`) }], { version, validateOnly: true });
      }
    },
  },
  {
    name: 'topics/numbers',
    async play(on) {
      const create = creator(on);
      for (const numPartitions of [0, -2, 10_001])
        await create(`${numPartitions} partitions`, [{ numPartitions }], { validateOnly: true });
      for (const replicationFactor of [0, -2, 2, 32767])
        await create(`${replicationFactor} replicas`, [{ replicationFactor }]);
      await create('none, and no replica', [{ numPartitions: 0, replicationFactor: 0 }]);
      for (const timeoutMs of [0, -1])
        await create(`time-out ${timeoutMs}`, [{ name: on.own(`t${timeoutMs}`) }], { timeoutMs });
    },
  },
  {
    name: 'topics/names',
    async play(on) {
      const create = creator(on);
      for (const [label, name] of [
        ['empty', ''],
        ['one dot', '.'],
        ['two dots', '..'],
        ['a slash', 'a/b'],
        ['a space', 'a b'],
        ['not ASCII', 'é'],
        ['250 letters', 'x'.repeat(250)],
        ['internal', '__consumer_offsets'],
        ['the metadata log', '__cluster_metadata'],
        ['transactions', '__transaction_state'],
        ['shares', '__share_group_state'],
      ] as const)
        await create(label, [{ name }], { validateOnly: true });
      await create('with a dot', [{ name: on.own('a.b') }]);
      await create('with an underscore instead', [{ name: on.own('a_b') }]);
      await create('both in one request', [{ name: on.own('c.d') }, { name: on.own('c_d') }]);
      await create('none at all', []);
    },
  },
  {
    name: 'topics/one of several is wrong',
    async play(on) {
      const create = creator(on);
      await create('the middle one', [{ name: on.own('a') }, { name: 'a b' }, { name: on.own('b') }]);
      await create('the same name twice', [{ name: on.own('c') }, { name: on.own('c') }, { name: on.own('d') }]);
      await create('again, one new', [{ name: on.own('a') }, { name: on.own('e') }]);
      await create('exists, and is wrong', [{ name: on.own('a'), numPartitions: 0 }]);
    },
  },
  {
    name: 'topics/assignments',
    async play(on) {
      const create = creator(on);
      const given = (
        label: string,
        assignments: NonNullable<NewTopic['assignments']>,
        more: NewTopic = {},
      ): Promise<void> =>
        create(label, [
          {
            name: on.own(label.replaceAll(/\W/g, '-')),
            numPartitions: -1,
            replicationFactor: -1,
            assignments,
            ...more,
          },
        ]);
      await given('one', [{ partitionIndex: 0, brokerIds: [1] }]);
      await given('two', [
        { partitionIndex: 0, brokerIds: [1] },
        { partitionIndex: 1, brokerIds: [1] },
      ]);
      await given('not from 0', [{ partitionIndex: 1, brokerIds: [1] }]);
      await given('a hole', [
        { partitionIndex: 0, brokerIds: [1] },
        { partitionIndex: 2, brokerIds: [1] },
      ]);
      await given('one twice', [
        { partitionIndex: 0, brokerIds: [1] },
        { partitionIndex: 0, brokerIds: [1] },
      ]);
      await given('a broker that is not there', [{ partitionIndex: 0, brokerIds: [7] }]);
      await given('a broker twice', [{ partitionIndex: 0, brokerIds: [1, 1] }]);
      await given('no broker', [{ partitionIndex: 0, brokerIds: [] }]);
      await given('a broker below zero', [{ partitionIndex: 0, brokerIds: [-1] }]);
      await given('uneven', [
        { partitionIndex: 0, brokerIds: [1] },
        { partitionIndex: 1, brokerIds: [1, 2] },
      ]);
      await given('and a number of partitions', [{ partitionIndex: 0, brokerIds: [1] }], { numPartitions: 1 });
      await given('and a number of replicas', [{ partitionIndex: 0, brokerIds: [1] }], { replicationFactor: 1 });
    },
  },
  {
    name: 'topics/configs',
    async play(on) {
      const create = creator(on);
      let number = 0;
      const given = (label: string, configs: NonNullable<NewTopic['configs']>): Promise<void> =>
        create(label, [{ name: on.own(`c${number++}`), configs }]);
      await given('one', [{ name: 'retention.ms', value: '1000' }]);
      await given('its default', [{ name: 'retention.ms', value: '604800000' }]);
      await given('unknown', [{ name: 'no.such.config', value: '1' }]);
      await given('of a broker', [{ name: 'log.retention.ms', value: '1' }]);
      await given('null', [{ name: 'retention.ms', value: null }]);
      await given('not a number', [{ name: 'retention.ms', value: 'long' }]);
      await given('empty', [{ name: 'retention.ms', value: '' }]);
      await given('with spaces', [{ name: 'retention.ms', value: ' 1000 ' }]);
      await given('one twice', [
        { name: 'retention.ms', value: '1000' },
        { name: 'retention.ms', value: '2000' },
      ]);
      await given('a good one and a bad one', [
        { name: 'retention.ms', value: '1000' },
        { name: 'segment.bytes', value: '1' },
      ]);
      for (const [name, ...values] of [
        [
          'cleanup.policy',
          'compact',
          'delete',
          'compact,delete',
          'delete,compact',
          '',
          'other',
          'compact,compact',
          ' compact , delete ',
          'COMPACT',
        ],
        ['segment.bytes', '1048576', '1048575', '14', '13', '2147483647', '2147483648', '-1'],
        ['retention.ms', '-1', '-2', '0', '9223372036854775807', '9223372036854775808', '1e3', '+5', '0x10'],
        ['retention.bytes', '-1', '-2', '0'],
        ['max.message.bytes', '0', '-1', '2147483647'],
        ['min.insync.replicas', '0', '1', '99'],
        ['compression.type', 'gzip', 'none', 'uncompressed', 'producer', 'brotli', 'GZIP'],
        ['compression.gzip.level', '-1', '0', '1', '9', '10'],
        ['compression.lz4.level', '0', '1', '17', '18'],
        ['compression.zstd.level', '-131072', '22', '23', '-131073'],
        ['message.timestamp.type', 'CreateTime', 'LogAppendTime', 'createtime'],
        ['message.timestamp.before.max.ms', '-1', '0'],
        ['message.timestamp.after.max.ms', '-1', '0'],
        ['message.timestamp.difference.max.ms', '1'],
        ['message.format.version', '3.0'],
        ['message.downconversion.enable', 'true'],
        ['min.cleanable.dirty.ratio', '0', '1', '1.1', '-0.1', '.5', 'NaN'],
        ['min.compaction.lag.ms', '-1', '0'],
        ['max.compaction.lag.ms', '0', '1'],
        ['delete.retention.ms', '-1', '0'],
        ['file.delete.delay.ms', '-1', '0'],
        ['flush.messages', '0', '1'],
        ['flush.ms', '-1', '0'],
        ['index.interval.bytes', '-1', '0'],
        ['segment.index.bytes', '3', '4'],
        ['segment.ms', '0', '1'],
        ['segment.jitter.ms', '-1', '0'],
        ['preallocate', 'true', 'yes', 'TRUE', ''],
        ['unclean.leader.election.enable', 'true', '1'],
        ['remote.storage.enable', 'true', 'false'],
        ['local.retention.ms', '-2', '-3', '0'],
        ['local.retention.bytes', '-2', '-3'],
        ['remote.log.copy.disable', 'true'],
        ['remote.log.delete.on.disable', 'true'],
        ['leader.replication.throttled.replicas', '*', '', '0:1', 'x', '0:1,1:1'],
        ['follower.replication.throttled.replicas', '*', '0-1'],
        ['internal.segment.bytes', '1000'],
      ] as const)
        for (const value of values) await given(`${name}=${value}`, [{ name, value }]);
      await given('a lag above the largest', [
        { name: 'min.compaction.lag.ms', value: '10' },
        { name: 'max.compaction.lag.ms', value: '5' },
      ]);
      await given('a local retention above the whole', [
        { name: 'retention.ms', value: '10' },
        { name: 'local.retention.ms', value: '20' },
      ]);
    },
  },
  {
    name: 'topics/deleted, each version',
    async play(on) {
      for (const version of on.versions(DeleteTopics)) {
        const name = await createTopic(on, `v${version}`);
        const topicId = (await on.topicIds()).get(name) ?? '';
        const asking = (names: string[]): object =>
          version < 6 ? { topicNames: names } : { topics: names.map((one) => ({ name: one })) };
        const remove = (label: string, body: object): Promise<void> =>
          on.see(`v${version}, ${label}`, DeleteTopics, version, { timeoutMs: 10_000, ...body } as never);
        await remove('one that is not there, and one twice', asking([on.own('none'), on.own('none')]));
        await remove('an impossible name', asking(['a b']));
        await remove('an internal topic that is not there', asking(['__transaction_state_none']));
        await remove('it', asking([name]));
        await remove('it again', asking([name]));
        await remove('none', asking([]));
        if (version < 6) continue;
        const other = await createTopic(on, 'other');
        const otherId = (await on.topicIds()).get(other) ?? '';
        await remove('by an old id', { topics: [{ topicId, name: null }] });
        await remove('by id and name', { topics: [{ topicId: otherId, name: other }] });
        await remove('by neither', { topics: [{ name: null }] });
        await remove('by id, and by name', { topics: [{ topicId: otherId, name: null }, { name: other }] });
        await remove('by id twice', {
          topics: [
            { topicId: otherId, name: null },
            { topicId: otherId, name: null },
          ],
        });
        await remove('by id', { topics: [{ topicId: otherId, name: null }] });
      }
    },
  },
  {
    name: 'topics/more partitions',
    async play(on) {
      const name = await createTopic(on, 'a', { partitions: 2 });
      type Grown = { name?: string; count?: number; assignments?: { brokerIds: number[] }[] | null };
      const grow = (label: string, wanted: Grown[], { version = 3, validateOnly = false } = {}): Promise<void> =>
        on.see(label, CreatePartitions, version, {
          topics: wanted.map((one) => ({ name, count: 3, assignments: null, ...one })),
          timeoutMs: 10_000,
          validateOnly,
        });
      for (const version of on.versions(CreatePartitions)) {
        await grow(`v${version}, validate only`, [{}], { version, validateOnly: true });
        await grow(`v${version}, to as many`, [{ count: 2 }], { version });
        await grow(`v${version}, to fewer`, [{ count: 1 }], { version });
        await grow(`v${version}, no such topic`, [{ name: on.own('none') }], { version });
      }
      for (const count of [0, -1]) await grow(`to ${count}`, [{ count }]);
      await grow('to 3', [{}]);
      await grow('to 3 again', [{}]);
      await grow('one twice', [{ count: 4 }, { count: 5 }]);
      await grow('one right and one wrong', [{ count: 4 }, { name: on.own('none') }]);
      await grow('assigned', [{ count: 5, assignments: [{ brokerIds: [1] }] }]);
      await grow('assigned too few', [{ count: 7, assignments: [{ brokerIds: [1] }] }]);
      await grow('assigned too many', [{ count: 6, assignments: [{ brokerIds: [1] }, { brokerIds: [1] }] }]);
      await grow('assigned to nobody', [{ count: 6, assignments: [{ brokerIds: [] }] }]);
      await grow('assigned to a broker that is not there', [{ count: 6, assignments: [{ brokerIds: [9] }] }]);
      await grow('assigned twice to one', [{ count: 6, assignments: [{ brokerIds: [1, 1] }] }]);
      await grow('a far too large number', [{ count: 10_001 }], { validateOnly: true });
      await grow('none', []);
    },
  },
  {
    name: 'topics/records deleted',
    async play(on) {
      const name = await createTopic(on, 'a', { partitions: 2 });
      await produce(on, name, batch({ values: ['a', 'b', 'c'] }));
      await produce(on, name, batch({ values: ['d', 'e', 'f'] }));
      const remove = (
        label: string,
        partitions: { partitionIndex?: number; offset: number }[],
        topic = name,
        version = 2,
      ): Promise<void> =>
        on.see(label, DeleteRecords, version, {
          topics: [{ name: topic, partitions: partitions.map((one) => ({ partitionIndex: 0, ...one })) }],
          timeoutMs: 5_000,
        });
      for (const version of on.versions(DeleteRecords))
        await remove(`v${version}`, [{ offset: version }], name, version);
      for (const offset of [2, 1, 4, 7, 100, -2, -1]) await remove(`up to ${offset}`, [{ offset }]);
      await remove('all, again', [{ offset: -1 }]);
      await remove('an empty partition, up to 0', [{ partitionIndex: 1, offset: 0 }]);
      await remove('an empty partition, all', [{ partitionIndex: 1, offset: -1 }]);
      await remove('an empty partition, up to 1', [{ partitionIndex: 1, offset: 1 }]);
      await remove('no such partition', [{ partitionIndex: 2, offset: 0 }]);
      await remove('no such topic', [{ offset: 0 }], on.own('none'));
      await remove('an internal topic', [{ offset: 0 }], '__consumer_offsets');
      await remove('one right, one wrong', [{ offset: -1 }, { partitionIndex: 9, offset: -1 }]);
      const compacted = await createTopic(on, 'compacted', { configs: { 'cleanup.policy': 'compact' } });
      await remove('a compacted topic', [{ offset: 0 }], compacted);
      const both = await createTopic(on, 'both', { configs: { 'cleanup.policy': 'compact,delete' } });
      await remove('a topic of both policies', [{ offset: 0 }], both);
      await on.see('none', DeleteRecords, 2, { topics: [], timeoutMs: 5_000 });
    },
  },
  {
    name: 'topics/folders of logs',
    async play(on) {
      const name = await createTopic(on, 'a', { partitions: 2 });
      await produce(on, name, batch());
      for (const version of on.versions(DescribeLogDirs)) {
        const ask = (label: string, asked: { topic: string; partitions: number[] }[] | null): Promise<void> =>
          on.see(
            `v${version}, ${label}`,
            DescribeLogDirs,
            version,
            { topics: asked },
            {
              keep: (answer) => ({
                ...answer,
                results: answer.results.map((dir) => ({
                  ...dir,
                  topics: dir.topics.filter((one) => on.isOwn(one.name)),
                })),
              }),
            },
          );
        await ask('one topic', [{ topic: name, partitions: [0, 1] }]);
        await ask('one partition', [{ topic: name, partitions: [1] }]);
        await ask('all', null);
        await ask('none', []);
        await ask('no partition', [{ topic: name, partitions: [] }]);
        await ask('what is not there', [
          { topic: on.own('none'), partitions: [0] },
          { topic: name, partitions: [5] },
        ]);
      }
    },
  },
  {
    name: 'topics/leaders elected',
    async play(on) {
      const name = await createTopic(on, 'a', { partitions: 2 });
      for (const version of on.versions(ElectLeaders))
        for (const electionType of version === 0 ? [0] : [0, 1, 7]) {
          const ask = (
            label: string,
            topicPartitions: { topic: string; partitions: number[] }[] | null,
          ): Promise<void> =>
            on.see(`v${version}, type ${electionType}, ${label}`, ElectLeaders, version, {
              electionType,
              topicPartitions,
              timeoutMs: 5_000,
            });
          await ask('both', [{ topic: name, partitions: [0, 1] }]);
          await ask('one too many', [{ topic: name, partitions: [0, 7] }]);
          await ask('no such topic', [{ topic: on.own('none'), partitions: [0] }]);
          await ask('none', []);
        }
    },
  },
];
