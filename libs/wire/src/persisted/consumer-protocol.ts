// The messages that consumers exchange through a classic group (the "embedded" consumer protocol): subscriptions and
// assignments. A newer version only adds fields at the end.
import { array, bytes, int32, string } from '../schema/field.ts';
import { Versioned } from '../schema/versioned.ts';

const partitionsOfTopic = { topic: string, partitions: array(int32) };
const versions = { versions: [0, 3], flexible: 'never', readsNewer: true } as const;

/** v1 adds the owned partitions (cooperative rebalancing), v2 their generation, v3 the rack. */
export const ConsumerProtocolSubscription = new Versioned({
  name: 'ConsumerProtocolSubscription',
  ...versions,
  fields: {
    topics: array(string),
    userData: bytes.nullable().default(null),
    ownedPartitions: array(partitionsOfTopic).default([]).since(1),
    generationId: int32.default(-1).since(2),
    rackId: string
      .nullable(3)
      .default(null as never)
      .since(3),
  },
});

export const ConsumerProtocolAssignment = new Versioned({
  name: 'ConsumerProtocolAssignment',
  ...versions,
  fields: { assignedPartitions: array(partitionsOfTopic), userData: bytes.nullable().default(null) },
});
