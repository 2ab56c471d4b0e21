// DescribeAcls, CreateAcls and DeleteAcls, versions 1 to 3. Without an authorizer every result is SECURITY_DISABLED. A filter
// with a code that is not known is INVALID_REQUEST.
import { ErrorCode } from '@milepost/core';
import type { StoredAcl } from '@milepost/metadata';
import { type Acl, type AclFilter, matchesFilter } from '@milepost/security';
import { CreateAcls, DeleteAcls, DescribeAcls, type DescribeAclsRequest } from '@milepost/wire';
import { isUnknown, UNKNOWN_FILTER } from '../admin/acl-decisions.ts';
import { type Refusal, refusal } from '../refusal.ts';
import { ALTER_CLUSTER, DESCRIBE_CLUSTER, type Need } from '../security/needs.ts';
import type { Context } from '../services.ts';
import { handler } from './handler.ts';

/** Where Kafka has an empty text, and no null as elsewhere. */
const SUCCEEDED = { errorCode: ErrorCode.NONE, errorMessage: '' };

const DISABLED = refusal(ErrorCode.SECURITY_DISABLED, 'No Authorizer is configured on the broker');

export const describeAcls = handler(DescribeAcls, [DESCRIBE_CLUSTER], (request, context) => {
  const refused = refusalOf(DESCRIBE_CLUSTER, context);
  if (refused) return { ...result(refused, context), resources: [] };
  const filter = filterOf(request);
  if (isUnknown(filter)) return { ...result(UNKNOWN_FILTER, context), resources: [] };
  const acls = [...context.services.image().acls.values()];
  const matching = acls.filter((acl) => matchesFilter(acl as Acl, filter));
  const byPattern = Map.groupBy(matching, ({ resourceType, patternType, resourceName }) =>
    JSON.stringify([resourceType, patternType, resourceName]),
  );
  return {
    ...SUCCEEDED,
    resources: [...byPattern.values()].flatMap((same) => {
      const [first] = same;
      if (!first) return [];
      const { resourceType, resourceName, patternType } = first;
      return [{ resourceType, resourceName, patternType, acls: same.map(entryOf) }];
    }),
  };
});

export const createAcls = handler(CreateAcls, [ALTER_CLUSTER], async ({ creations }, context) => {
  const refused = refusalOf(ALTER_CLUSTER, context);
  const acls = creations.map(({ resourcePatternType, permissionType, ...rest }) => ({
    ...rest,
    patternType: resourcePatternType,
    permission: permissionType,
  }));
  const outcomes = refused ? acls.map(() => refused) : await context.services.controller.acls.create(acls);
  return { results: outcomes.map((outcome) => (outcome ? result(outcome, context) : SUCCEEDED)) };
});

export const deleteAcls = handler(DeleteAcls, [ALTER_CLUSTER], async ({ filters }, context) => {
  const refused = refusalOf(ALTER_CLUSTER, context);
  const outcomes = refused
    ? filters.map(() => refused)
    : await context.services.controller.acls.delete(filters.map(filterOf));
  return {
    filterResults: outcomes.map((outcome) => {
      if ('error' in outcome) return { ...result(outcome, context), matchingAcls: [] };
      const matchingAcls = outcome.map(({ resourceType, resourceName, patternType, ...entry }) => ({
        errorCode: ErrorCode.NONE,
        errorMessage: null,
        resourceType,
        resourceName,
        patternType,
        ...entryOf(entry),
      }));
      return { ...result(undefined, context), matchingAcls };
    }),
  };
});

const refusalOf = (need: Need, { permissions, services }: Context): Refusal | undefined =>
  permissions.refusal(need) ?? (services.clients.authorization.isEnabled ? undefined : DISABLED);

function result(refused: Refusal | undefined, { count }: Context) {
  if (refused) count(refused.error);
  return { errorCode: refused?.error ?? ErrorCode.NONE, errorMessage: refused?.message ?? null };
}

const filterOf = (filter: DescribeAclsRequest): AclFilter =>
  ({
    resourceType: filter.resourceTypeFilter,
    resourceName: filter.resourceNameFilter,
    patternType: filter.patternTypeFilter,
    principal: filter.principalFilter,
    host: filter.hostFilter,
    operation: filter.operation,
    permission: filter.permissionType,
  }) as AclFilter;

const entryOf = ({
  principal,
  host,
  operation,
  permission,
}: Pick<StoredAcl, 'principal' | 'host' | 'operation' | 'permission'>) => ({
  principal,
  host,
  operation,
  permissionType: permission,
});
