// After a failed sync the kernel may go on showing pages that it has dropped: a program that starts again reads them,
// its own sync of them says yes without a write, and they are gone with the next power cut. So whoever sees a sync fail
// leaves a file beside the log, and the next start writes again what no sync has covered. The file need not be durable:
// with the page cache it would lose what it warns of.
import { type Disk, DiskFailed } from '@milepost/core';

const NAME = 'sync-failed';

/** A disk that refuses even that is not argued with. */
export function leaveDoubt(disk: Disk, folder: string): void {
  try {
    disk.open(`${folder}/${NAME}`, 'create').close();
  } catch (failure) {
    if (!(failure instanceof DiskFailed)) throw failure;
  }
}

export function isInDoubt(disk: Disk, folder: string): boolean {
  const file = disk.open(`${folder}/${NAME}`, 'existing');
  file?.close();
  return file !== undefined;
}

/** All that is there is on the platter. @throws DiskFailed */
export const endDoubt = (disk: Disk, folder: string): Promise<void> => disk.remove(`${folder}/${NAME}`);
