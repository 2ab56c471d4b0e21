// Access control lists with Kafka's codes (KIP-140, KIP-290), and Kafka's rules for which ACLs a filter matches.

export const ResourceType = {
  UNKNOWN: 0,
  ANY: 1,
  TOPIC: 2,
  GROUP: 3,
  CLUSTER: 4,
  TRANSACTIONAL_ID: 5,
  DELEGATION_TOKEN: 6,
  USER: 7,
} as const;
export type ResourceType = (typeof ResourceType)[keyof typeof ResourceType];

export const PatternType = { UNKNOWN: 0, ANY: 1, MATCH: 2, LITERAL: 3, PREFIXED: 4 } as const;
export type PatternType = (typeof PatternType)[keyof typeof PatternType];

export const AclOperation = {
  UNKNOWN: 0,
  ANY: 1,
  ALL: 2,
  READ: 3,
  WRITE: 4,
  CREATE: 5,
  DELETE: 6,
  ALTER: 7,
  DESCRIBE: 8,
  CLUSTER_ACTION: 9,
  DESCRIBE_CONFIGS: 10,
  ALTER_CONFIGS: 11,
  IDEMPOTENT_WRITE: 12,
  CREATE_TOKENS: 13,
  DESCRIBE_TOKENS: 14,
  TWO_PHASE_COMMIT: 15,
} as const;
export type AclOperation = (typeof AclOperation)[keyof typeof AclOperation];

export const PermissionType = { UNKNOWN: 0, ANY: 1, DENY: 2, ALLOW: 3 } as const;
export type PermissionType = (typeof PermissionType)[keyof typeof PermissionType];

/** Every resource, as a resource's name; every host, as a host. */
export const WILDCARD = '*';
/** The one resource of type CLUSTER. */
export const CLUSTER_NAME = 'kafka-cluster';

export interface Acl {
  readonly resourceType: ResourceType;
  readonly resourceName: string;
  /** LITERAL or PREFIXED. */
  readonly patternType: PatternType;
  /** As `principalName` writes it, or EVERY_USER. */
  readonly principal: string;
  /** The client's IP address, or WILDCARD. */
  readonly host: string;
  readonly operation: AclOperation;
  /** DENY or ALLOW. */
  readonly permission: PermissionType;
}

/** A field that is null or ANY matches everything. */
export interface AclFilter {
  readonly resourceType: ResourceType;
  readonly resourceName: string | null;
  /** MATCH selects the ACLs that apply to the resource of that name; ANY those whose pattern has exactly that name. */
  readonly patternType: PatternType;
  readonly principal: string | null;
  readonly host: string | null;
  readonly operation: AclOperation;
  readonly permission: PermissionType;
}

export function matchesFilter(acl: Acl, filter: AclFilter): boolean {
  return (
    (filter.resourceType === ResourceType.ANY || filter.resourceType === acl.resourceType) &&
    (filter.principal === null || filter.principal === acl.principal) &&
    (filter.host === null || filter.host === acl.host) &&
    (filter.operation === AclOperation.ANY || filter.operation === acl.operation) &&
    (filter.permission === PermissionType.ANY || filter.permission === acl.permission) &&
    matchesPattern(acl, filter)
  );
}

function matchesPattern(acl: Acl, { resourceName, patternType }: AclFilter): boolean {
  if (patternType === PatternType.MATCH) return resourceName === null || appliesTo(acl, resourceName);
  const isOfThatType = patternType === PatternType.ANY || patternType === acl.patternType;
  return isOfThatType && (resourceName === null || resourceName === acl.resourceName);
}

/** Whether the ACL's pattern covers the resource of that name. */
function appliesTo(acl: Acl, resourceName: string): boolean {
  if (acl.patternType === PatternType.PREFIXED) return resourceName.startsWith(acl.resourceName);
  return acl.resourceName === resourceName || acl.resourceName === WILDCARD;
}
