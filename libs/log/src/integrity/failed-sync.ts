// The mark that a sync of a log has failed. After a failed sync the page cache may still show pages that the kernel has
// given up writing: the next process reads them, its own sync succeeds without a write, and they are lost at the next
// power cut. So the process that sees a sync fail leaves a file beside the log, and the next start rewrites whatever no
// sync has covered. The file need not be durable: a power cut that takes it takes the page cache as well.
import { type Disk, DiskFailed } from '@milepost/core';

const NAME = 'sync-failed';

/** If the disk refuses this file too, there is nothing else to try. */
export function markFailedSync(disk: Disk, folder: string): void {
  try {
    disk.open(`${folder}/${NAME}`, 'create').close();
  } catch (failure) {
    if (!(failure instanceof DiskFailed)) throw failure;
  }
}

export function hadFailedSync(disk: Disk, folder: string): boolean {
  const file = disk.open(`${folder}/${NAME}`, 'existing');
  file?.close();
  return file !== undefined;
}

/** Call when everything in the folder is durable. @throws DiskFailed */
export const clearFailedSync = (disk: Disk, folder: string): Promise<void> => disk.remove(`${folder}/${NAME}`);
