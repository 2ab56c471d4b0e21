// What all groups of a coordinator share.
import type { Counter, Logger, Random } from '@milepost/core';
import type { GroupConfig } from './config.ts';
import type { TopicCatalog } from './topic-catalog.ts';

export interface GroupContext {
  readonly config: GroupConfig;
  /** The configuration of one group: the coordinator's, with what is set for that group. */
  readonly configOf: (groupId: string) => GroupConfig;
  readonly random: Random;
  readonly logger: Logger;
  /** Counts rebalances by group and reason. */
  readonly rebalances: Counter;
  readonly catalog: TopicCatalog;
}

/** `protocol.type` of consumers, which is the only one whose bytes a coordinator reads. */
export const CONSUMER_PROTOCOL_TYPE = 'consumer';
