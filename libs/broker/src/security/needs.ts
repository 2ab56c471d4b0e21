// What requests need of an authorizer: an operation on a resource (KIP-11). Each handler declares the needs of its API
// beside itself.
import { AclOperation, ResourceType } from '@milepost/security';

export interface Need {
  readonly operation: AclOperation;
  readonly on: ResourceType;
}

const on = (resource: keyof typeof ResourceType, operation: keyof typeof AclOperation): Need => ({
  operation: AclOperation[operation],
  on: ResourceType[resource],
});

export const READ_TOPIC = on('TOPIC', 'READ');
export const WRITE_TOPIC = on('TOPIC', 'WRITE');
export const CREATE_TOPIC = on('TOPIC', 'CREATE');
export const DELETE_TOPIC = on('TOPIC', 'DELETE');
export const ALTER_TOPIC = on('TOPIC', 'ALTER');
export const DESCRIBE_TOPIC = on('TOPIC', 'DESCRIBE');
export const DESCRIBE_TOPIC_CONFIGS = on('TOPIC', 'DESCRIBE_CONFIGS');
export const ALTER_TOPIC_CONFIGS = on('TOPIC', 'ALTER_CONFIGS');

export const READ_GROUP = on('GROUP', 'READ');
export const DELETE_GROUP = on('GROUP', 'DELETE');
export const DESCRIBE_GROUP = on('GROUP', 'DESCRIBE');
export const DESCRIBE_GROUP_CONFIGS = on('GROUP', 'DESCRIBE_CONFIGS');
export const ALTER_GROUP_CONFIGS = on('GROUP', 'ALTER_CONFIGS');

export const WRITE_TRANSACTION = on('TRANSACTIONAL_ID', 'WRITE');
export const DESCRIBE_TRANSACTION = on('TRANSACTIONAL_ID', 'DESCRIBE');

export const CREATE_ON_CLUSTER = on('CLUSTER', 'CREATE');
export const DELETE_ON_CLUSTER = on('CLUSTER', 'DELETE');
export const ALTER_CLUSTER = on('CLUSTER', 'ALTER');
export const DESCRIBE_CLUSTER = on('CLUSTER', 'DESCRIBE');
/** Requests that brokers send to each other. */
export const CLUSTER_ACTION = on('CLUSTER', 'CLUSTER_ACTION');
export const DESCRIBE_CLUSTER_CONFIGS = on('CLUSTER', 'DESCRIBE_CONFIGS');
export const ALTER_CLUSTER_CONFIGS = on('CLUSTER', 'ALTER_CONFIGS');
export const IDEMPOTENT_WRITE = on('CLUSTER', 'IDEMPOTENT_WRITE');

export const DESCRIBE_TOKEN = on('DELEGATION_TOKEN', 'DESCRIBE');
/** Tokens that are owned by a user (KIP-373), whose name is that of a principal: `User:alice`. */
export const CREATE_TOKENS_OF_USER = on('USER', 'CREATE_TOKENS');
export const DESCRIBE_TOKENS_OF_USER = on('USER', 'DESCRIBE_TOKENS');

/** Of an API that any client may use. */
export const NO_NEEDS: readonly Need[] = [];
