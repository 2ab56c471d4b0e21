// A produce of one batch, its topic by id or, in versions before that, by name.
import { ZERO_UUID } from '@milepost/core';
import type { MadeBatch } from './batches.ts';

/** Before, a batch lands in whatever topic has the name then. */
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
