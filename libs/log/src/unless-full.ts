// A full disk must not stop work that frees space, nor fail work for a file that can be rebuilt: such work continues
// without the write.
import { DiskFailed, type Logger } from '@milepost/core';

/**
 * Whether the work was done; false: there was no room for it, which is logged with the name `whose`. @throws any other
 * failure
 */
export async function unlessFull(
  logger: Logger,
  whose: string,
  what: string,
  work: () => void | Promise<void>,
): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (failure) {
    if (!(failure instanceof DiskFailed && failure.isFull)) throw failure;
    logger.warn({ path: failure.path }, `${whose}: no room for ${what}: ${failure.message}`);
    return false;
  }
}
