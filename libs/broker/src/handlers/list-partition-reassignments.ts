// ListPartitionReassignments, version 0: none, ever, as those that are possible are done at once.
import { ListPartitionReassignments } from '@milepost/wire';
import { handler } from './handler.ts';

export const listPartitionReassignments = handler(ListPartitionReassignments, () => ({ topics: [] }));
