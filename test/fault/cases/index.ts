// Every case, in the order of running.
import type { FaultCase } from '../fault-case.ts';
import { bombs } from './bombs.ts';
import { clockJumps } from './clock-jumps.ts';
import { failedPartition } from './failed-partition.ts';
import { killNode } from './kill-node.ts';
import { killEmbeddedPostgres, killExternalPostgres } from './kill-postgres.ts';
import { logFolderMissing } from './log-folder-missing.ts';
import { oldDatabase } from './old-database.ts';
import { restoreEmbedded, restoreExternal } from './restore-drill.ts';
import { shareQueue } from './share-queue.ts';
import { streamsExactlyOnce } from './streams-exactly-once.ts';
import { transactionHistory } from './transaction-history.ts';
import { twoAppliances } from './two-appliances.ts';

export const cases: readonly FaultCase[] = [
  bombs,
  clockJumps,
  failedPartition,
  twoAppliances,
  logFolderMissing,
  oldDatabase,
  killNode,
  killEmbeddedPostgres,
  killExternalPostgres,
  restoreEmbedded,
  restoreExternal,
  transactionHistory,
  shareQueue,
  streamsExactlyOnce,
];
