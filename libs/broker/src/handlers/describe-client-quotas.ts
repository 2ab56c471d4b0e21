// DescribeClientQuotas, versions 0 to 1: the quotas that match every component of the filter; a filter without
// components matches all. A bad filter is one error for the whole response.
import { ErrorCode } from '@milepost/core';
import { DescribeClientQuotas } from '@milepost/wire';
import { matchingQuotas } from '../quotas/quota-decisions.ts';
import { handler } from './handler.ts';

export const describeClientQuotas = handler(DescribeClientQuotas, ({ components, strict }, { services, count }) => {
  const found = matchingQuotas(services.image().clientQuotas, components, strict);
  if (!Array.isArray(found)) {
    count(found.error);
    return { errorCode: found.error, errorMessage: found.message, entries: null };
  }
  return {
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    entries: found.map(({ entity, quotas }) => ({
      entity: Object.entries(entity).map(([entityType, entityName]) => ({ entityType, entityName })),
      values: Object.entries(quotas).map(([key, value]) => ({ key, value })),
    })),
  };
});
