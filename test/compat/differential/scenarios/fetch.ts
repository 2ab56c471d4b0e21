import { DeleteRecords, DeleteTopics, Fetch } from '@milepost/wire';
import { setTimeout as delay } from 'node:timers/promises';
import { batch } from '../batches.ts';
import type { Scenario, Stage } from '../stage.ts';
import { createTopic, deleteTopic, produce } from '../topics.ts';

const NO_ID = '00000000-0000-0000-0000-000000000000';

type Asked = {
  partition?: number;
  fetchOffset?: number;
  partitionMaxBytes?: number;
  currentLeaderEpoch?: number;
  lastFetchedEpoch?: number;
};

const asking = (topic: string, partitions: readonly Asked[], more: object = {}) => ({
  maxWaitMs: 0,
  minBytes: 0,
  topics: [
    {
      topic,
      partitions: partitions.map((one) => ({ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000_000, ...one })),
    },
  ],
  ...more,
});

/** Four batches of three records: offsets 0 to 11. */
async function filled(on: Stage, name = 'a', partitions = 1): Promise<string> {
  const topic = await createTopic(on, name, { partitions });
  for (let partition = 0; partition < partitions; partition++)
    for (const values of ['a b c', 'd e f', 'g h i', 'j k l'])
      await produce(on, topic, batch({ values: values.split(' ') }), partition);
  return topic;
}

export const fetches: readonly Scenario[] = [
  {
    name: 'fetch/each version',
    async play(on) {
      const topic = await filled(on);
      const topicId = (await on.topicIds()).get(topic) ?? '';
      for (const version of on.versions(Fetch)) {
        const asked = asking(topic, [{ fetchOffset: 4 }]);
        const byId = [{ topicId, partitions: asked.topics[0]?.partitions ?? [] }];
        await on.see(`v${version}`, Fetch, version, version < 13 ? asked : { ...asked, topics: byId });
      }
    },
  },
  {
    name: 'fetch/offsets',
    async play(on) {
      const topic = await filled(on);
      for (const fetchOffset of [0, 1, 2, 3, 5, 11, 12, 13, 1_000_000, -1, -2])
        await on.see(`offset ${fetchOffset}`, Fetch, 12, asking(topic, [{ fetchOffset }]));
      for (const fetchOffset of [13, -1])
        await on.see(`offset ${fetchOffset}, v4`, Fetch, 4, asking(topic, [{ fetchOffset }]));
      for (const isolationLevel of [0, 1, 2])
        await on.see(`isolation ${isolationLevel}`, Fetch, 12, asking(topic, [{ fetchOffset: 9 }], { isolationLevel }));
    },
  },
  {
    name: 'fetch/behind deleted records',
    async play(on) {
      const topic = await filled(on);
      await on.ask('delete', DeleteRecords, 2, {
        topics: [{ name: topic, partitions: [{ partitionIndex: 0, offset: 4 }] }],
        timeoutMs: 5_000,
      });
      for (const fetchOffset of [0, 3, 4, 5])
        await on.see(`offset ${fetchOffset}`, Fetch, 12, asking(topic, [{ fetchOffset }]));
    },
  },
  {
    name: 'fetch/limits of bytes',
    async play(on) {
      const topic = await filled(on, 'a', 2);
      const size = batch({ values: ['a', 'b', 'c'] }).length;
      for (const partitionMaxBytes of [0, 1, size - 1, size, size + 1, 2 * size, 2 * size + 1, -1])
        await on.see(`${partitionMaxBytes} of a partition`, Fetch, 12, asking(topic, [{ partitionMaxBytes }]));
      for (const maxBytes of [0, 1, size, 2 * size, 5 * size, -1])
        await on.see(
          `${maxBytes} in all`,
          Fetch,
          12,
          asking(topic, [{ partition: 0 }, { partition: 1 }], { maxBytes }),
        );
      await on.see(
        'a small one first',
        Fetch,
        12,
        asking(topic, [
          { partition: 0, partitionMaxBytes: 1 },
          { partition: 1, partitionMaxBytes: 1 },
        ]),
      );
      await on.see(
        'an empty one first',
        Fetch,
        12,
        asking(topic, [
          { partition: 0, fetchOffset: 12, partitionMaxBytes: 1 },
          { partition: 1, partitionMaxBytes: 1 },
        ]),
      );
      for (const version of [4, 11])
        await on.see(`one byte, v${version}`, Fetch, version, asking(topic, [{ partitionMaxBytes: 1 }]));
    },
  },
  {
    name: 'fetch/one large batch',
    async play(on) {
      const topic = await createTopic(on, 'a');
      await produce(on, topic, batch({ values: ['x'.repeat(100_000)] }));
      await produce(on, topic, batch());
      for (const maxBytes of [1, 1_000, 100_000, 200_000])
        await on.see(`${maxBytes} in all`, Fetch, 12, asking(topic, [{}], { maxBytes }));
      await on.see('of a partition', Fetch, 12, asking(topic, [{ partitionMaxBytes: 1_000 }]));
    },
  },
  {
    name: 'fetch/waiting',
    async play(on) {
      const topic = await filled(on);
      const waiting = (label: string, fetchOffset: number, more: object): Promise<void> =>
        on.see(label, Fetch, 12, asking(topic, [{ fetchOffset }], more), {
          keep: (answer) => ({ ...answer }),
        });
      await waiting('at the end, 50 ms', 12, { maxWaitMs: 50, minBytes: 1 });
      await waiting('at the end, no bytes wanted', 12, { maxWaitMs: 10_000, minBytes: 0 });
      await waiting('beyond the end: no wait', 13, { maxWaitMs: 10_000, minBytes: 1 });
      await waiting('more than there is', 9, { maxWaitMs: 50, minBytes: 1_000_000 });
      await waiting('a wait below zero', 12, { maxWaitMs: -1, minBytes: 1 });
      await waiting('bytes below zero', 12, { maxWaitMs: 10_000, minBytes: -1 });
      await on.see(
        'a partition that is not there: no wait',
        Fetch,
        12,
        asking(topic, [{ fetchOffset: 12 }, { partition: 7 }], { maxWaitMs: 10_000, minBytes: 1 }),
      );
      const later = on.see(
        'and then comes a record',
        Fetch,
        12,
        asking(topic, [{ fetchOffset: 12 }], { maxWaitMs: 10_000, minBytes: 1 }),
        { via: 'other' },
      );
      await produce(on, topic, batch());
      await later;
    },
  },
  {
    name: 'fetch/waiting while the topic is deleted',
    async play(on) {
      for (const version of [4, 12, 13]) {
        const topic = await filled(on, `v${version}`);
        const topicId = (await on.topicIds()).get(topic) ?? '';
        const asked = asking(topic, [{ fetchOffset: 12 }], { maxWaitMs: 20_000, minBytes: 1 });
        const byId = [{ topicId, partitions: asked.topics[0]?.partitions ?? [] }];
        const request = version < 13 ? asked : { ...asked, topics: byId };
        const later = on.see(`v${version}`, Fetch, version, request, { via: 'other' });
        await delay(300); // no broker reports that a request waits
        await on.get(DeleteTopics, 5, { topicNames: [topic], timeoutMs: 10_000 });
        await later;
      }
    },
  },
  {
    name: 'fetch/where there is nothing',
    async play(on) {
      const topic = await filled(on);
      for (const version of [4, 11, 12]) {
        await on.see(`no such topic, v${version}`, Fetch, version, asking(on.own('none'), [{}]));
        await on.see(
          `no such partition, v${version}`,
          Fetch,
          version,
          asking(topic, [{ partition: 1 }, { partition: -1 }]),
        );
        await on.see(`an impossible name, v${version}`, Fetch, version, asking('a b', [{}]));
      }
      for (const topicId of [NO_ID, '11111111-2222-3333-4444-555555555555'])
        for (const version of [13, 17])
          await on.see(`v${version}, topic id ${topicId}`, Fetch, version, {
            ...asking('', [{}]),
            topics: [{ topicId, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000 }] }],
          });
      await on.see('no topic', Fetch, 12, { ...asking(topic, [{}]), topics: [] });
      await on.see('no partition', Fetch, 12, asking(topic, []));
      await on.see('the same partition twice', Fetch, 12, asking(topic, [{ fetchOffset: 0 }, { fetchOffset: 6 }]));
      await on.see('a good one and a bad one', Fetch, 12, asking(topic, [{ fetchOffset: 9 }, { partition: 3 }]));
    },
  },
  {
    name: 'fetch/epochs of leaders',
    async play(on) {
      const topic = await filled(on);
      for (const version of [9, 11, 12])
        for (const currentLeaderEpoch of [-1, 0, 1, 99, -2])
          await on.see(
            `v${version}, current ${currentLeaderEpoch}`,
            Fetch,
            version,
            asking(topic, [{ fetchOffset: 9, currentLeaderEpoch }]),
          );
      for (const lastFetchedEpoch of [-1, 0, 1, 99])
        await on.see(
          `last fetched ${lastFetchedEpoch}`,
          Fetch,
          12,
          asking(topic, [{ fetchOffset: 9, lastFetchedEpoch }]),
        );
      await on.see(
        'last fetched 0, beyond the end',
        Fetch,
        12,
        asking(topic, [{ fetchOffset: 100, lastFetchedEpoch: 0 }]),
      );
    },
  },
  {
    name: 'fetch/a topic deleted and made again',
    async play(on) {
      const topic = await filled(on);
      const topicId = (await on.topicIds()).get(topic) ?? '';
      const byId = {
        ...asking(topic, [{}]),
        topics: [{ topicId, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000 }] }],
      };
      await deleteTopic(on, topic);
      await on.see('deleted, by id', Fetch, 13, byId);
      await on.see('deleted, by name', Fetch, 12, asking(topic, [{}]));
      await createTopic(on, 'a');
      await on.see('made again, by the old id', Fetch, 13, byId);
      await on.see('made again, by name, the old offset', Fetch, 12, asking(topic, [{ fetchOffset: 12 }]));
    },
  },
  {
    name: 'fetch/as a follower',
    async play(on) {
      const topic = await filled(on);
      for (const replicaId of [1, 2, 77, -2, -3])
        await on.see(`replica ${replicaId}`, Fetch, 12, asking(topic, [{ fetchOffset: 9 }], { replicaId }));
    },
  },
];
