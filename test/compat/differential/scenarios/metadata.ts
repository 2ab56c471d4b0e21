import { DescribeCluster, DescribeTopicPartitions, Metadata } from '@milepost/wire';
import type { Scenario } from '../stage.ts';
import { createTopic, deleteTopic, isLed } from '../topics.ts';

const NO_ID = '00000000-0000-0000-0000-000000000000';
const NOBODYS_ID = '11111111-2222-3333-4444-555555555555';

/** From version 10 on a topic may be requested by its id instead. */
const named = (name: string) => ({ topicId: NO_ID, name });

export const metadata: readonly Scenario[] = [
  {
    name: 'metadata/one topic, each version',
    async play(on) {
      const name = await createTopic(on, 'a', { partitions: 3 });
      for (const version of on.versions(Metadata))
        await on.see(`v${version}`, Metadata, version, { topics: [named(name)] });
    },
  },
  {
    name: 'metadata/all topics, or none',
    async play(on) {
      await createTopic(on, 'a');
      await createTopic(on, 'b', { partitions: 2 });
      for (const version of on.versions(Metadata)) {
        for (const [label, topics] of [
          ['empty', []],
          ['null', version > 0 ? null : []],
        ] as const)
          await on.see(
            `v${version}, ${label}`,
            Metadata,
            version,
            { topics },
            {
              keep: (answer) => ({ ...answer, topics: answer.topics.filter((topic) => on.isOwn(topic.name)) }),
            },
          );
      }
    },
  },
  {
    name: 'metadata/a topic that is not there',
    async play(on) {
      for (const version of [4, 8, 9, 12, 13])
        await on.see(`v${version}, not to be created`, Metadata, version, {
          topics: [named(on.own(`none-${version}`))],
          allowAutoTopicCreation: false,
        });
      for (const version of on.versions(Metadata)) {
        const name = on.own(`new-${version}`);
        await on.see(`v${version}, to be created`, Metadata, version, { topics: [named(name)] });
        await on.until(() => isLed(on, name, 4));
        await on.see(`v${version}, a little later`, Metadata, version, { topics: [named(name)] });
      }
    },
  },
  {
    name: 'metadata/names that no topic can have',
    async play(on) {
      for (const [label, name] of [
        ['empty', ''],
        ['one dot', '.'],
        ['two dots', '..'],
        ['a slash', 'a/b'],
        ['a space', 'a b'],
        ['249 letters', on.own('x').padEnd(249, 'x')],
        ['250 letters', on.own('x').padEnd(250, 'x')],
        ['not ASCII', 'é'],
      ] as const)
        for (const version of [1, 5, 12])
          await on.see(`${label}, v${version}`, Metadata, version, { topics: [named(name)] });
    },
  },
  {
    name: 'metadata/names that collide',
    async play(on) {
      await createTopic(on, 'a.b');
      await on.see('with an underscore', Metadata, 9, { topics: [{ name: on.own('a_b') }] });
    },
  },
  {
    name: 'metadata/by id',
    async play(on) {
      const name = await createTopic(on, 'a');
      const topicId = (await on.topicIds()).get(name) ?? NO_ID;
      for (const version of [10, 11, 12, 13]) {
        await on.see(`v${version}, its id`, Metadata, version, { topics: [{ topicId, name: null }] });
        await on.see(`v${version}, nobody's id`, Metadata, version, { topics: [{ topicId: NOBODYS_ID, name: null }] });
        await on.see(`v${version}, id and name`, Metadata, version, { topics: [{ topicId, name }] });
        await on.see(`v${version}, neither`, Metadata, version, { topics: [{ topicId: NO_ID, name: null }] });
        await on.see(`v${version}, one by id, one by name`, Metadata, version, {
          topics: [
            { topicId, name: null },
            { topicId: NO_ID, name },
          ],
        });
      }
      await deleteTopic(on, name);
      await on.see('the id of a topic that was deleted', Metadata, 12, { topics: [{ topicId, name: null }] });
    },
  },
  {
    name: 'metadata/a name twice',
    async play(on) {
      const name = await createTopic(on, 'a');
      for (const version of [1, 9, 12])
        await on.see(`v${version}`, Metadata, version, { topics: [named(name), named(name)] });
      await on.see('one that is not there', Metadata, 9, {
        topics: [named(on.own('none')), named(on.own('none'))],
        allowAutoTopicCreation: false,
      });
    },
  },
  {
    name: 'metadata/authorized operations',
    async play(on) {
      const name = await createTopic(on, 'a');
      for (const version of [8, 10])
        await on.see(`v${version}`, Metadata, version, {
          topics: [named(name)],
          includeClusterAuthorizedOperations: true,
          includeTopicAuthorizedOperations: true,
        });
      await on.see('v12', Metadata, 12, { topics: [named(name)], includeTopicAuthorizedOperations: true });
    },
  },
  {
    name: 'metadata/the cluster',
    async play(on) {
      for (const version of on.versions(DescribeCluster)) {
        for (const includeClusterAuthorizedOperations of [true, false])
          await on.see(`v${version}, operations ${includeClusterAuthorizedOperations}`, DescribeCluster, version, {
            includeClusterAuthorizedOperations,
          });
        if (version >= 1)
          for (const endpointType of [0, 2, 3])
            await on.see(`v${version}, endpoint type ${endpointType}`, DescribeCluster, version, {
              includeClusterAuthorizedOperations: false,
              endpointType,
            });
        if (version >= 2)
          await on.see(`v${version}, with fenced brokers`, DescribeCluster, version, {
            includeClusterAuthorizedOperations: false,
            includeFencedBrokers: true,
          });
      }
    },
  },
  {
    name: 'metadata/partitions of topics',
    async play(on) {
      const [a, b] = [await createTopic(on, 'a', { partitions: 3 }), await createTopic(on, 'b', { partitions: 2 })];
      const ask = (label: string, topics: readonly string[], more: object = {}): Promise<void> =>
        on.see(label, DescribeTopicPartitions, 0, { topics: topics.map((name) => ({ name })), ...more });
      await ask('both', [a, b]);
      await ask('in the other order', [b, a]);
      await ask('one that is not there', [a, on.own('none')]);
      await ask('a name that no topic can have', ['a b', a]);
      await ask('an empty name', ['']);
      await ask('one twice', [a, a]);
      await ask('two partitions', [a, b], { responsePartitionLimit: 2 });
      await ask('no partition', [a, b], { responsePartitionLimit: 0 });
      await ask('a limit below zero', [a, b], { responsePartitionLimit: -1 });
      await ask('from the middle', [a, b], { cursor: { topicName: a, partitionIndex: 1 } });
      await ask('from the middle, one', [a, b], {
        responsePartitionLimit: 1,
        cursor: { topicName: a, partitionIndex: 2 },
      });
      await ask('from behind the end', [a, b], { cursor: { topicName: a, partitionIndex: 9 } });
      await ask('from a topic that is not asked for', [b], { cursor: { topicName: a, partitionIndex: 0 } });
      await ask('from a topic that is not there', [a, b], { cursor: { topicName: on.own('aa'), partitionIndex: 0 } });
      await ask('from below zero', [a, b], { cursor: { topicName: a, partitionIndex: -1 } });
    },
  },
];
