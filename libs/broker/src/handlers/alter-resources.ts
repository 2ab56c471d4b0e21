// The common part of AlterConfigs and IncrementalAlterConfigs: each resource has its own result, and none may be named
// twice.
import { ErrorCode } from '@milepost/core';
import { refusal } from '../refusal.ts';
import type { ConfigAdmin } from '../admin/config-admin.ts';
import type { Context } from '../services.ts';
import { namedTwice } from './named-twice.ts';

type Wish = Parameters<ConfigAdmin['alter']>[0][number];

const TWICE = refusal(ErrorCode.INVALID_REQUEST, 'the resource is named more than once');

export async function alterResources(wishes: readonly Wish[], validateOnly: boolean, { services, count }: Context) {
  const keyOf = ({ resourceType, resourceName }: Wish): string => `${resourceType} ${resourceName}`;
  const twice = namedTwice(wishes.map(keyOf));
  const once = wishes.filter((wish) => !twice.has(keyOf(wish)));
  const outcomes = await services.controller.configs.alter(once, validateOnly);
  return wishes.map((wish) => {
    const refused = twice.has(keyOf(wish)) ? TWICE : outcomes[once.indexOf(wish)];
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
