// Decides whether a log folder is the one that the database knows: a start must not mistake a volume that is not
// mounted, or an older copy of a folder, for the logs that this broker has acknowledged records in.
import type { BrokerId } from '@milepost/core';
import { LogDirectoryRefused } from '@milepost/log';
import type { ClusterImage } from '@milepost/metadata';
import { isOwnLife, type Lives } from './lives.ts';

/**
 * `known`: there is no sign that a log is missing. `anew`: the logs are gone, and the operator has confirmed it.
 * `older`: the database has seen a later life of this broker than the folder has.
 */
export type LogFolderState = 'known' | 'anew' | 'older';

export interface LogFolder {
  readonly path: string;
  /** No broker has ever claimed it. */
  readonly isUnclaimed: boolean;
  readonly past: Lives | undefined;
}

/**
 * `acceptedLoss`: the operator's confirmation, which names the registration of the lost logs. @throws
 * LogDirectoryRefused
 */
export function judgeLogFolder(
  { path, isUnclaimed, past }: LogFolder,
  brokerId: BrokerId,
  { brokers, topics }: ClusterImage,
  acceptedLoss: string | undefined,
): LogFolderState {
  const registered = brokers.get(brokerId);
  const leads = [...topics.values()].some(({ partitions }) => partitions.some(({ leader }) => leader === brokerId));
  if (isUnclaimed && (registered || leads)) {
    const word = String(registered?.epoch ?? 0);
    if (acceptedLoss === word) return 'anew';
    throw new LogDirectoryRefused(
      `log folder ${path} is empty, but broker ${brokerId} has lived before: mount the volume that holds its logs; if they ` +
        `are really gone, start once with MILEPOST_ACCEPT_LOST_LOG=${word}`,
    );
  }
  return past && registered && !isOwnLife(past, registered) ? 'older' : 'known';
}
