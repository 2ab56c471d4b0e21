// Decides changes of access control lists, after Kafka's AclApis and AclControlManager: what is wrong with one entry stops no
// other, and an entry that exists is not created twice. Pure.
import { ErrorCode, type Uuid } from '@milepost/core';
import type { ClusterImage, MetadataChange, StoredAcl } from '@milepost/metadata';
import {
  type Acl,
  type AclFilter,
  AclOperation,
  CLUSTER_NAME,
  matchesFilter,
  PatternType,
  PermissionType,
  ResourceType,
} from '@milepost/security';
import { type Refusal, refusal } from '../refusal.ts';

type Acls = Pick<ClusterImage, 'acls'>;

export interface Creation {
  readonly acl: StoredAcl;
  /** Of the entry, if it is created. */
  readonly id: Uuid;
}

interface Decided<Outcome> {
  readonly changes: MetadataChange[];
  /** In the order of the request. */
  readonly outcomes: readonly Outcome[];
}

/** For each entry a refusal, or undefined: it exists afterwards. */
export function decideCreations({ acls }: Acls, creations: readonly Creation[]): Decided<Refusal | undefined> {
  const existing = new Set([...acls.values()].map(keyOf));
  const changes: MetadataChange[] = [];
  const outcomes = creations.map(({ acl, id }) => {
    const problem = flawOf(acl);
    if (problem === undefined && !existing.has(keyOf(acl))) {
      existing.add(keyOf(acl));
      changes.push({ type: 'acl-created', id, acl });
    }
    return problem === undefined ? undefined : refusal(ErrorCode.INVALID_REQUEST, problem);
  });
  return { changes, outcomes };
}

/** For each filter a refusal, or the entries that it deletes. */
export function decideDeletions(
  { acls }: Acls,
  filters: readonly AclFilter[],
): Decided<Refusal | readonly StoredAcl[]> {
  const deleted = new Set<Uuid>();
  const outcomes = filters.map((filter) => {
    if (isUnknown(filter)) return UNKNOWN_FILTER;
    const matching = [...acls].filter(([, acl]) => matchesFilter(acl as Acl, filter));
    for (const [id] of matching) deleted.add(id);
    return matching.map(([, acl]) => acl);
  });
  return { changes: [...deleted].map((id) => ({ type: 'acl-deleted', id })), outcomes };
}

export const UNKNOWN_FILTER = refusal(ErrorCode.INVALID_REQUEST, 'the filter has a code that is not known');

/** Whether a code of the filter is none that is known. */
export const isUnknown = ({ resourceType, patternType, operation, permission }: AclFilter): boolean =>
  !isCode(ResourceType, resourceType) ||
  !isCode(PatternType, patternType) ||
  !isCode(AclOperation, operation) ||
  !isCode(PermissionType, permission);

/** A known one; UNKNOWN is none. */
const isCode = (codes: Readonly<Record<string, number>>, code: number): boolean =>
  code !== 0 && Object.values(codes).includes(code);

const keyOf = (acl: StoredAcl): string =>
  JSON.stringify([
    acl.resourceType,
    acl.resourceName,
    acl.patternType,
    acl.principal,
    acl.host,
    acl.operation,
    acl.permission,
  ]);

/** Why the entry cannot be created, if so. */
function flawOf({ resourceType, resourceName, patternType, principal, operation, permission }: StoredAcl) {
  if (resourceType === ResourceType.CLUSTER && resourceName !== CLUSTER_NAME)
    return `The only valid name for the CLUSTER resource is ${CLUSTER_NAME}`;
  if (resourceName === '') return 'Invalid empty resource name';
  if (!isCode(ResourceType, resourceType) || resourceType === ResourceType.ANY) return 'Invalid resourceType';
  if (patternType !== PatternType.LITERAL && patternType !== PatternType.PREFIXED) return 'Invalid patternType';
  if (!isCode(AclOperation, operation) || operation === AclOperation.ANY) return 'Invalid operation';
  if (permission !== PermissionType.DENY && permission !== PermissionType.ALLOW) return 'Invalid permissionType';
  if (!principal.includes(':'))
    return `Could not parse principal from \`${principal}\` (no colon is present separating the principal type from the principal name)`;
  return undefined;
}
