// KIP-430: the operations that a client may perform. All of them, while there are no ACLs; the bits are Kafka's
// operations.
import { OPERATIONS_NOT_ASKED } from '@milepost/wire';

const READ = 3;
const WRITE = 4;
const CREATE = 5;
const DELETE = 6;
const ALTER = 7;
const DESCRIBE = 8;
const CLUSTER_ACTION = 9;
const DESCRIBE_CONFIGS = 10;
const ALTER_CONFIGS = 11;
const IDEMPOTENT_WRITE = 12;

const bits = (...operations: number[]): number => operations.reduce((mask, operation) => mask | (1 << operation), 0);

const allOn = {
  topic: bits(READ, WRITE, CREATE, DESCRIBE, DELETE, ALTER, DESCRIBE_CONFIGS, ALTER_CONFIGS),
  group: bits(READ, DESCRIBE, DELETE, DESCRIBE_CONFIGS, ALTER_CONFIGS),
  cluster: bits(CREATE, CLUSTER_ACTION, DESCRIBE_CONFIGS, ALTER_CONFIGS, IDEMPOTENT_WRITE, ALTER, DESCRIBE),
};

export const authorizedOperations = (resource: keyof typeof allOn, isAsked: boolean): number =>
  isAsked ? allOn[resource] : OPERATIONS_NOT_ASKED;
