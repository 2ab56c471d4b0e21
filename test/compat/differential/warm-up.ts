// Kafka creates its internal topics at the first request: before the first scenario, so that it affects none.
import { ErrorCode } from '@milepost/core';
import { FindCoordinator, InitProducerId, OffsetCommit } from '@milepost/wire';
import type { BrokerUnderTest } from '../brokers.ts';
import { Stage } from './stage.ts';
import { createTopic } from './topics.ts';

const GROUPS = 200; // more than there are partitions of __consumer_offsets

export async function warmUp(broker: BrokerUnderTest): Promise<void> {
  const on = new Stage('warm-up', broker);
  try {
    await on.until(async () => {
      const { errorCode } = await on.get(FindCoordinator, 2, { key: on.own('g') });
      return errorCode === ErrorCode.NONE;
    });
    await on.until(async () => {
      const { errorCode } = await on.get(InitProducerId, 2, { transactionalId: null, transactionTimeoutMs: 60_000 });
      return errorCode === ErrorCode.NONE;
    });
    const topic = await createTopic(on, 'warm-up');
    for (let group = 0; group < GROUPS; group++)
      await on.until(async () => {
        const partitions = [{ partitionIndex: 0, committedOffset: 0, committedMetadata: '' }];
        const { topics } = await on.get(OffsetCommit, 7, {
          groupId: on.own(String(group)),
          memberId: '',
          topics: [{ name: topic, partitions }],
        });
        return topics[0]?.partitions[0]?.errorCode === ErrorCode.NONE;
      });
  } finally {
    await on.close();
  }
}
