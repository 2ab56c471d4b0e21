// KIP-430: the operations that a client may perform on a resource which it describes.
import { CLUSTER_NAME, ResourceType } from '@milepost/security';
import { OPERATIONS_NOT_ASKED } from '@milepost/wire';
import { DESCRIBE_CLUSTER } from '../security/needs.ts';
import type { Context } from '../services.ts';

export const topicOperations = ({ permissions }: Context, topic: string, isAsked: boolean): number =>
  isAsked ? permissions.operationsOn(ResourceType.TOPIC, topic) : OPERATIONS_NOT_ASKED;

export const groupOperations = ({ permissions }: Context, groupId: string, isAsked: boolean): number =>
  isAsked ? permissions.operationsOn(ResourceType.GROUP, groupId) : OPERATIONS_NOT_ASKED;

/** None for a client that may not describe the cluster. */
export function clusterOperations({ permissions }: Context, isAsked: boolean): number {
  if (!isAsked) return OPERATIONS_NOT_ASKED;
  return permissions.allows(DESCRIBE_CLUSTER) ? permissions.operationsOn(ResourceType.CLUSTER, CLUSTER_NAME) : 0;
}
