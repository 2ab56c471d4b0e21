// Fetch sessions (KIP-227): opened, used, changed, and wrong requests for them.
import { Fetch } from '@milepost/wire';
import { batch } from '../batches.ts';
import type { Scenario, Stage } from '../stage.ts';
import { createTopic, deleteTopic, produce } from '../topics.ts';

type Asked = readonly [partition: number, fetchOffset: number];

const asking = (
  topic: string,
  partitions: readonly Asked[],
  session: { sessionId?: number; sessionEpoch?: number } = {},
  forgotten: readonly number[] = [],
) => ({
  maxWaitMs: 0,
  minBytes: 0,
  topics:
    partitions.length === 0
      ? []
      : [
          {
            topic,
            partitions: partitions.map(([partition, fetchOffset]) => ({
              partition,
              fetchOffset,
              partitionMaxBytes: 100_000,
            })),
          },
        ],
  forgottenTopicsData: forgotten.length === 0 ? [] : [{ topic, partitions: forgotten }],
  ...session,
});

const NO_SESSION = 0;

/** Session ids are random: only their existence can be compared. */
const keep = <A extends { sessionId: number }>(answer: A) => ({
  ...answer,
  sessionId: answer.sessionId === NO_SESSION ? 'none' : '<session>',
});

async function filled(on: Stage): Promise<string> {
  const topic = await createTopic(on, 'a', { partitions: 3 });
  for (const partition of [0, 1, 2]) await produce(on, topic, batch({ values: ['a', 'b'] }), partition);
  return topic;
}

export const fetchSessions: readonly Scenario[] = [
  {
    name: 'fetch-sessions/kept',
    async play(on) {
      const topic = await filled(on);
      const whole: readonly Asked[] = [
        [0, 0],
        [1, 0],
      ];
      const { sessionId } = await on.ask('made', Fetch, 12, asking(topic, whole, { sessionId: 0, sessionEpoch: 0 }), {
        keep,
      });
      const next = (
        label: string,
        sessionEpoch: number,
        partitions: readonly Asked[] = [],
        forgotten: readonly number[] = [],
      ): Promise<void> =>
        on.see(label, Fetch, 12, asking(topic, partitions, { sessionId, sessionEpoch }, forgotten), { keep });
      await next('nothing is said, nothing was read', 1);
      await next('both are read', 2, [
        [0, 2],
        [1, 2],
      ]);
      await next('nothing changed', 3);
      await produce(on, topic, batch(), 1);
      await next('one has more', 4);
      await next('a third is added', 5, [
        [1, 3],
        [2, 0],
      ]);
      await next('one is forgotten', 6, [[2, 2]], [1]);
      await produce(on, topic, batch(), 1);
      await next('the forgotten one has more', 7);
      await next('a partition that is not there', 8, [[7, 0]]);
      await next('and again nothing', 9);
      await next('an offset out of range', 10, [[0, 99]]);
      await next('an old epoch', 3);
      await next('an epoch to come', 99);
      await next('the next one, after those', 11);
      await next('forgotten and asked for', 12, [[0, 0]], [0]);
    },
  },
  {
    name: 'fetch-sessions/asked for wrongly',
    async play(on) {
      const topic = await filled(on);
      const ask = (label: string, sessionId: number, sessionEpoch: number, version = 12): Promise<void> =>
        on.see(label, Fetch, version, asking(topic, [[0, 0]], { sessionId, sessionEpoch }), { keep });
      for (const version of [7, 12]) {
        await ask(`v${version}, none`, 0, -1, version);
        await ask(`v${version}, no id, an epoch`, 0, 5, version);
        await ask(`v${version}, an id that no one has`, 123_456_789, 1, version);
        await ask(`v${version}, to be made, with an id that no one has`, 123_456_789, 0, version);
        await ask(`v${version}, to be closed, with an id that no one has`, 123_456_789, -1, version);
      }
      await on.see('to be made, of nothing', Fetch, 12, asking(topic, [], { sessionId: 0, sessionEpoch: 0 }), { keep });
      const { sessionId } = await on.get(Fetch, 12, asking(topic, [[0, 0]], { sessionId: 0, sessionEpoch: 0 }));
      await on.see('closed', Fetch, 12, asking(topic, [], { sessionId, sessionEpoch: -1 }), { keep });
      await on.see('closed, and asked again', Fetch, 12, asking(topic, [], { sessionId, sessionEpoch: 1 }), { keep });
    },
  },
  {
    name: 'fetch-sessions/a topic deleted and made again',
    async play(on) {
      const topic = await filled(on);
      const { sessionId } = await on.ask(
        'made',
        Fetch,
        12,
        asking(topic, [[0, 2]], { sessionId: 0, sessionEpoch: 0 }),
        { keep },
      );
      await deleteTopic(on, topic);
      await on.see('deleted', Fetch, 12, asking(topic, [], { sessionId, sessionEpoch: 1 }), { keep });
      await createTopic(on, 'a');
      await on.see('made again', Fetch, 12, asking(topic, [], { sessionId, sessionEpoch: 2 }), { keep });
    },
  },
];
