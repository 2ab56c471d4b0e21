// ListPartitionReassignments, version 0: always empty, because reassignments are applied immediately.
import { ListPartitionReassignments } from '@milepost/wire';
import { handler } from './handler.ts';

export const listPartitionReassignments = handler(ListPartitionReassignments, () => ({ topics: [] }));
