// The common part of AlterConfigs and IncrementalAlterConfigs: each resource has its own result, and none may be named
// twice.
import { ErrorCode } from '@milepost/core';
import { ConfigResourceType } from '@milepost/wire';
import { type Refusal, refusal } from '../refusal.ts';
import type { ConfigAdmin } from '../admin/config-admin.ts';
import type { Context } from '../services.ts';
import { ALTER_CLUSTER_CONFIGS, ALTER_GROUP_CONFIGS, ALTER_TOPIC_CONFIGS, type Need } from '../security/needs.ts';
import { namedTwice } from './named-twice.ts';

type Wish = Parameters<ConfigAdmin['alter']>[0][number];

const TWICE = refusal(ErrorCode.INVALID_REQUEST, 'the resource is named more than once');

export const ALTER_RESOURCES: readonly Need[] = [ALTER_TOPIC_CONFIGS, ALTER_GROUP_CONFIGS, ALTER_CLUSTER_CONFIGS];

export async function alterResources(wishes: readonly Wish[], validateOnly: boolean, context: Context) {
  const { services, count } = context;
  const keyOf = ({ resourceType, resourceName }: Wish): string => `${resourceType} ${resourceName}`;
  const twice = namedTwice(wishes.map(keyOf));
  const refusals = new Map(
    wishes.filter((wish) => !twice.has(keyOf(wish))).map((wish) => [wish, unauthorized(wish, context)]),
  );
  const once = wishes.filter((wish) => refusals.has(wish) && !refusals.get(wish));
  const outcomes = await services.controller.configs.alter(once, validateOnly);
  return wishes.map((wish) => {
    const refused = twice.has(keyOf(wish)) ? TWICE : (refusals.get(wish) ?? outcomes[once.indexOf(wish)]);
    if (refused) count(refused.error);
    const { resourceType, resourceName } = wish;
    return {
      errorCode: refused?.error ?? ErrorCode.NONE,
      errorMessage: refused?.message ?? null,
      resourceType,
      resourceName,
    };
  });
}

function unauthorized({ resourceType, resourceName }: Wish, { permissions }: Context): Refusal | undefined {
  switch (resourceType) {
    case ConfigResourceType.TOPIC:
      return permissions.refusal(ALTER_TOPIC_CONFIGS, resourceName);
    case ConfigResourceType.GROUP:
      return permissions.refusal(ALTER_GROUP_CONFIGS, resourceName);
    default:
      return permissions.refusal(ALTER_CLUSTER_CONFIGS);
  }
}
