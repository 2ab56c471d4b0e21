// Producers with ids: repeated, missing and fenced batches.
import { Fetch, InitProducerId, Produce } from '@milepost/wire';
import { AT, forged, sequenced } from '../batches.ts';
import type { Scenario, Stage } from '../stage.ts';
import { createTopic, newProducer, producing } from '../topics.ts';

const MOST = 0x7fffffff;

const sender =
  (on: Stage, topic: string) =>
  (label: string, records: Buffer, version = 9): Promise<void> =>
    on.see(label, Produce, version, producing(topic, records));

export const idempotence: readonly Scenario[] = [
  {
    name: 'idempotence/ids',
    async play(on) {
      for (const version of on.versions(InitProducerId))
        await on.see(`v${version}`, InitProducerId, version, { transactionalId: null, transactionTimeoutMs: 60_000 });
      const ask = (label: string, more: object): Promise<void> =>
        on.see(label, InitProducerId, 4, { transactionalId: null, transactionTimeoutMs: 60_000, ...more });
      await ask('id and epoch of 0', { producerId: 0n, producerEpoch: 0 });
      await ask('an id, no epoch', { producerId: 77n, producerEpoch: -1 });
      await ask('an epoch, no id', { producerId: -1n, producerEpoch: 3 });
      await ask('a time-out of zero', { transactionTimeoutMs: 0 });
      await ask('a time-out below zero', { transactionTimeoutMs: -1 });
      await ask('an empty transactional id', { transactionalId: '' });
    },
  },
  {
    name: 'idempotence/a batch again',
    async play(on) {
      const topic = await createTopic(on, 'a');
      const id = await newProducer(on);
      const send = sender(on, topic);
      for (let sequence = 0; sequence < 7; sequence++)
        await send(`batch ${sequence}`, sequenced(id, 0, sequence * 2, 2));
      for (let sequence = 6; sequence >= 0; sequence--)
        await send(`${sequence} again`, sequenced(id, 0, sequence * 2, 2));
      await send('an overlap', sequenced(id, 0, 13, 2));
      await send('a part of one', sequenced(id, 0, 12, 1));
      await send('the next', sequenced(id, 0, 14));
      await send('the next again, old version', sequenced(id, 0, 14), 3);
      await on.see('stored', Fetch, 12, {
        maxWaitMs: 0,
        minBytes: 0,
        topics: [{ topic, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000_000 }] }],
      });
    },
  },
  {
    name: 'idempotence/a gap',
    async play(on) {
      const topic = await createTopic(on, 'a');
      const id = await newProducer(on);
      const send = sender(on, topic);
      await send('first', sequenced(id, 0, 0));
      await send('a gap', sequenced(id, 0, 2));
      await send('backwards', sequenced(id, 0, -1));
      await send('the right one', sequenced(id, 0, 1));
      const other = await newProducer(on);
      await send('an unknown producer begins at 5', sequenced(other, 0, 5));
      await send('and goes on', sequenced(other, 0, 6));
      await send('and back to 0', sequenced(other, 0, 0));
    },
  },
  {
    name: 'idempotence/epochs',
    async play(on) {
      const topic = await createTopic(on, 'a');
      const id = await newProducer(on);
      const send = sender(on, topic);
      await send('epoch 3', sequenced(id, 3, 0));
      await send('epoch 3 goes on', sequenced(id, 3, 1));
      await send('epoch 2', sequenced(id, 2, 2));
      await send('epoch 2, old version', sequenced(id, 2, 2), 3);
      await send('epoch 4, not from 0', sequenced(id, 4, 7));
      await send('epoch 4 from 0', sequenced(id, 4, 0));
      await send('epoch 3 again, a duplicate', sequenced(id, 3, 1));
      await send('epoch 4 again, a duplicate', sequenced(id, 4, 0));
    },
  },
  {
    name: 'idempotence/around the end',
    async play(on) {
      const topic = await createTopic(on, 'a');
      const send = sender(on, topic);
      const id = await newProducer(on);
      await send('near the end', sequenced(id, 0, MOST - 2, 2));
      await send('over the end', sequenced(id, 0, MOST, 3));
      await send('behind it', sequenced(id, 0, 2));
      await send('over the end again', sequenced(id, 0, MOST, 3));
      const other = await newProducer(on);
      await send('at the end', sequenced(other, 0, MOST));
      await send('from 0', sequenced(other, 0, 0));
    },
  },
  {
    name: 'idempotence/half an id',
    async play(on) {
      const topic = await createTopic(on, 'a');
      const send = sender(on, topic);
      const good = sequenced(4_000_000n, 0, 0);
      await send(
        'no epoch',
        forged(good, (copy) => copy.writeInt16BE(-1, AT.producerEpoch)),
      );
      await send(
        'no sequence',
        forged(good, (copy) => copy.writeInt32BE(-1, AT.baseSequence)),
      );
      await send(
        'no id',
        forged(good, (copy) => copy.writeBigInt64BE(-1n, AT.producerId)),
      );
      await send(
        'an id below -1',
        forged(good, (copy) => copy.writeBigInt64BE(-5n, AT.producerId)),
      );
      await send('an id that no one was given', good);
    },
  },
  {
    name: 'idempotence/two partitions in one request',
    async play(on) {
      const topic = await createTopic(on, 'a', { partitions: 2 });
      const id = await newProducer(on);
      await on.see('both', Produce, 9, {
        acks: -1,
        timeoutMs: 5_000,
        topicData: [
          {
            name: topic,
            partitionData: [
              { index: 0, records: sequenced(id, 0, 0) },
              { index: 1, records: sequenced(id, 0, 3) },
            ],
          },
        ],
      });
      await on.see('the same partition twice', Produce, 9, {
        acks: -1,
        timeoutMs: 5_000,
        topicData: [
          {
            name: topic,
            partitionData: [
              { index: 0, records: sequenced(id, 0, 1) },
              { index: 0, records: sequenced(id, 0, 2) },
            ],
          },
        ],
      });
      await on.see('both batches in one', Produce, 9, {
        acks: -1,
        timeoutMs: 5_000,
        topicData: [
          {
            name: topic,
            partitionData: [{ index: 1, records: Buffer.concat([sequenced(id, 0, 4), sequenced(id, 0, 5)]) }],
          },
        ],
      });
    },
  },
];
