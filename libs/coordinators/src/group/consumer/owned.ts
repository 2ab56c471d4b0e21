// The partitions that a member owns, as its request lists them.
import type { Uuid } from '@milepost/core';

/** Null: the request does not list them. */
export type Owned = readonly { readonly topicId: Uuid; readonly partitions: readonly number[] }[] | null;
