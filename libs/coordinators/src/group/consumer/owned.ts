// What a member says that it has, in a request that says it.
import type { Uuid } from '@milepost/core';

/** Null: it does not say. */
export type Owned = readonly { readonly topicId: Uuid; readonly partitions: readonly number[] }[] | null;
