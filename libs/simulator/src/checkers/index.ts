// All sentences that must hold.
import { AQuietClusterConverges } from './a-quiet-cluster-converges.ts';
import type { Checker } from './checker.ts';
import { CommitsNeverGoBack } from './commits-never-go-back.ts';
import { DeletionsLast } from './deletions-last.ts';
import { EachInputCountsOnce } from './each-input-counts-once.ts';
import { EveryGroupSettles } from './every-group-settles.ts';
import { ExclusiveOwnership } from './exclusive-ownership.ts';
import { HighWatermarkOnlyGrows } from './high-watermark-only-grows.ts';
import { InSyncReplicasHaveIt } from './in-sync-replicas-have-it.ts';
import { NoDuplicates } from './no-duplicates.ts';
import { NothingAcknowledgedLost } from './nothing-acknowledged-lost.ts';
import { NothingBreaks } from './nothing-breaks.ts';
import { NothingSeenIsTakenBack } from './nothing-seen-is-taken-back.ts';
import { OffsetsEndWithTheirTopic } from './offsets-end-with-their-topic.ts';
import { OffsetsNeverReused } from './offsets-never-reused.ts';
import { OneLeaderPerEpoch } from './one-leader-per-epoch.ts';
import { OneOwnerOfAShard } from './one-owner-of-a-shard.ts';
import { OrderPerPartition } from './order-per-partition.ts';
import { ReadersComeToTheEnd } from './readers-come-to-the-end.ts';
import { ReplicasAgree } from './replicas-agree.ts';
import { TheLivingAreNotDeclaredGone } from './the-living-are-not-declared-gone.ts';
import { TransactionsAreWhole } from './transactions-are-whole.ts';
import { WhatIsServedWasSent } from './what-is-served-was-sent.ts';

export type { Checker, Moment } from './checker.ts';
export { LOOP_TOPIC } from './loop-excuse.ts';

export const allCheckers = (): Checker[] => [
  new NothingAcknowledgedLost(),
  new OrderPerPartition(),
  new OffsetsNeverReused(),
  new NoDuplicates(),
  new NothingSeenIsTakenBack(),
  new DeletionsLast(),
  new WhatIsServedWasSent(),
  new ReadersComeToTheEnd(),
  new OneLeaderPerEpoch(),
  new HighWatermarkOnlyGrows(),
  new InSyncReplicasHaveIt(),
  new ReplicasAgree(),
  new AQuietClusterConverges(),
  new TheLivingAreNotDeclaredGone(),
  new OneOwnerOfAShard(),
  new ExclusiveOwnership(),
  new CommitsNeverGoBack(),
  new OffsetsEndWithTheirTopic(),
  new EveryGroupSettles(),
  new TransactionsAreWhole(),
  new EachInputCountsOnce(),
  new NothingBreaks(),
];
