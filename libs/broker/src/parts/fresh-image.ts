// A coordinator's shards are loaded with an image that is not older than what they hold. Their former owner may have stored
// offsets of topics, or partitions of transactions, that this broker's image does not have yet: they would be taken for those
// of deleted topics.
import { CoordinatorStoreUnavailable } from '@milepost/coordinators';
import { StoreUnavailable } from '@milepost/metadata';

/** @throws CoordinatorStoreUnavailable, also where the image cannot be read */
export async function withFreshImage<Acquired>(
  acquire: () => Promise<Acquired>,
  refresh: () => Promise<void>,
): Promise<Acquired> {
  const acquired = await acquire();
  try {
    await refresh();
  } catch (failure) {
    if (!(failure instanceof StoreUnavailable)) throw failure;
    throw new CoordinatorStoreUnavailable(failure.message, { cause: failure });
  }
  return acquired;
}
