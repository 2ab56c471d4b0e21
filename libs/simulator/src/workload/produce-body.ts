// A produce of one batch, its topic by id or, in versions before that, by name.
import { ZERO_UUID } from '@milepost/core';
import type { MadeBatch } from './batches.ts';

/** In earlier versions a batch goes to the topic that has the name at the time. */
export const FIRST_VERSION_WITH_IDS = 13;

export const produceBody = ({ partition: { topic, index }, bytes }: MadeBatch, acks: number, version: number) => ({
  acks,
  timeoutMs: 5_000,
  topicData: [
    {
      name: version < FIRST_VERSION_WITH_IDS ? topic.name : '',
      topicId: version < FIRST_VERSION_WITH_IDS ? ZERO_UUID : topic.id,
      partitionData: [{ index, records: bytes }],
    },
  ],
});
