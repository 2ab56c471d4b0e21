// The mark that a sync of a log has failed. After that the kernel may still show pages that it has dropped: the next process
// reads them, its own sync of them succeeds without a write, and they are gone with the next power cut. So the process
// that sees a sync fail leaves a file beside the log, and the next start writes again what no sync has covered. The file
// need not be durable: a power cut that takes it takes the page cache as well.
import { type Disk, DiskFailed } from '@milepost/core';

const NAME = 'sync-failed';

/** A disk that refuses even that is not argued with. */
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

/** All that is there is on the platter. @throws DiskFailed */
export const clearFailedSync = (disk: Disk, folder: string): Promise<void> => disk.remove(`${folder}/${NAME}`);
