import { DeleteRecords, ListOffsets, OffsetForLeaderEpoch } from '@milepost/wire';
import { batch, THEN } from '../batches.ts';
import type { Scenario, Stage } from '../stage.ts';
import { createTopic, produce } from '../topics.ts';

const asking = (
  name: string,
  partitions: readonly { partitionIndex?: number; timestamp?: number; currentLeaderEpoch?: number }[],
  more: object = {},
) => ({
  replicaId: -1,
  topics: [{ name, partitions: partitions.map((one) => ({ partitionIndex: 0, timestamp: -1, ...one })) }],
  ...more,
});

/** Timestamps that rise, fall and rise again. */
async function filled(on: Stage, name = 'a'): Promise<string> {
  const topic = await createTopic(on, name);
  await produce(on, topic, batch({ values: ['a', 'b', 'c'] }));
  await produce(on, topic, batch({ values: ['d', 'e'], times: [THEN + 50_000, THEN + 40_000] }));
  await produce(on, topic, batch({ values: ['f', 'g'], times: [THEN + 10_000, THEN + 50_000], compression: 'gzip' }));
  return topic;
}

const SPECIAL = [-1, -2, -3, -4, -5, -6, -7, -100];

export const listOffsets: readonly Scenario[] = [
  {
    name: 'list-offsets/special times, each version',
    async play(on) {
      const topic = await filled(on);
      const empty = await createTopic(on, 'empty');
      for (const version of on.versions(ListOffsets))
        for (const timestamp of SPECIAL) {
          await on.see(`v${version}, ${timestamp}`, ListOffsets, version, asking(topic, [{ timestamp }]));
          await on.see(`v${version}, ${timestamp}, empty`, ListOffsets, version, asking(empty, [{ timestamp }]));
        }
    },
  },
  {
    name: 'list-offsets/by time',
    async play(on) {
      const topic = await filled(on);
      const empty = await createTopic(on, 'empty');
      for (const later of [-1, 0, 1, 1_000, 2_000, 2_001, 9_999, 10_000, 40_000, 45_000, 50_000, 50_001])
        await on.see(`${later} ms after`, ListOffsets, 7, asking(topic, [{ timestamp: THEN + later }]));
      for (const version of [1, 3, 4, 6])
        await on.see(`v${version}`, ListOffsets, version, asking(topic, [{ timestamp: THEN + 10_000 }]));
      for (const timestamp of [0, THEN])
        await on.see(`empty, ${timestamp}`, ListOffsets, 7, asking(empty, [{ timestamp }]));
      for (const isolationLevel of [0, 1, 2])
        await on.see(
          `isolation ${isolationLevel}`,
          ListOffsets,
          7,
          asking(topic, [{ timestamp: -1 }], { isolationLevel }),
        );
    },
  },
  {
    name: 'list-offsets/behind deleted records',
    async play(on) {
      const topic = await filled(on);
      for (const offset of [4, 7]) {
        await on.ask(`delete up to ${offset}`, DeleteRecords, 2, {
          topics: [{ name: topic, partitions: [{ partitionIndex: 0, offset }] }],
          timeoutMs: 5_000,
        });
        for (const timestamp of [-1, -2, -3, -4, THEN, THEN + 45_000])
          await on.see(`${offset}: ${timestamp}`, ListOffsets, 8, asking(topic, [{ timestamp }]));
      }
    },
  },
  {
    name: 'list-offsets/where there is nothing',
    async play(on) {
      const topic = await filled(on);
      for (const version of [1, 5, 7]) {
        await on.see(`v${version}, no such topic`, ListOffsets, version, asking(on.own('none'), [{}]));
        await on.see(
          `v${version}, no such partitions`,
          ListOffsets,
          version,
          asking(topic, [{ partitionIndex: 1 }, { partitionIndex: -1 }]),
        );
        await on.see(`v${version}, an impossible name`, ListOffsets, version, asking('a b', [{}]));
        await on.see(
          `v${version}, one twice`,
          ListOffsets,
          version,
          asking(topic, [{ timestamp: -1 }, { timestamp: -2 }]),
        );
      }
      await on.see('no topic', ListOffsets, 7, { replicaId: -1, topics: [] });
      for (const replicaId of [-2, 1, 77])
        await on.see(`replica ${replicaId}`, ListOffsets, 7, { ...asking(topic, [{}]), replicaId });
    },
  },
  {
    name: 'list-offsets/epochs',
    async play(on) {
      const topic = await filled(on);
      for (const version of [4, 7])
        for (const currentLeaderEpoch of [-1, 0, 1, 99])
          await on.see(
            `v${version}, current ${currentLeaderEpoch}`,
            ListOffsets,
            version,
            asking(topic, [{ currentLeaderEpoch }]),
          );
    },
  },
  {
    name: 'list-offsets/ends of epochs',
    async play(on) {
      const topic = await filled(on);
      const ask = (label: string, version: number, name: string, one: object): Promise<void> =>
        on.see(label, OffsetForLeaderEpoch, version, {
          topics: [{ topic: name, partitions: [{ partition: 0, leaderEpoch: 0, ...one }] }],
        });
      for (const version of on.versions(OffsetForLeaderEpoch)) {
        for (const leaderEpoch of [-1, 0, 1, 99, -2])
          await ask(`v${version}, epoch ${leaderEpoch}`, version, topic, { leaderEpoch });
        for (const currentLeaderEpoch of [0, 1, 99])
          await ask(`v${version}, current ${currentLeaderEpoch}`, version, topic, { currentLeaderEpoch });
        await ask(`v${version}, no such topic`, version, on.own('none'), {});
        await ask(`v${version}, no such partition`, version, topic, { partition: 3 });
      }
      for (const replicaId of [-1, -2, 1, 77])
        await on.see(`replica ${replicaId}`, OffsetForLeaderEpoch, 4, {
          replicaId,
          topics: [{ topic, partitions: [{ partition: 0, leaderEpoch: 0 }] }],
        });
    },
  },
];
