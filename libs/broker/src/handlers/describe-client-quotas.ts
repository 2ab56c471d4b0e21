// DescribeClientQuotas, versions 0 to 1: the quotas that match every component of the filter; a filter without
// components matches all. A bad filter is one error for the whole response. Entities, their parts and values come in
// Kafka's order.
import { ErrorCode } from '@milepost/core';
import { DescribeClientQuotas } from '@milepost/wire';
import { hashOfEntity, inHashOrder, partsInOrder, valuesOf } from '../quotas/hash-order.ts';
import { matchingQuotas } from '../quotas/quota-decisions.ts';
import { DESCRIBE_CLUSTER_CONFIGS } from '../security/needs.ts';
import { handler } from './handler.ts';

export const describeClientQuotas = handler(
  DescribeClientQuotas,
  [DESCRIBE_CLUSTER_CONFIGS],
  ({ components, strict }, { services, permissions, count }) => {
    const refused = permissions.refusal(DESCRIBE_CLUSTER_CONFIGS);
    if (refused) {
      count(refused.error);
      return { errorCode: refused.error, errorMessage: refused.message, entries: null };
    }
    // All of them are put in order, as in Kafka: how many there are decides about the order.
    const all = inHashOrder([...services.image().clientQuotas.values()], ({ entity }) => hashOfEntity(entity));
    const found = matchingQuotas(all, components, strict);
    if (!Array.isArray(found)) {
      count(found.error);
      return { errorCode: found.error, errorMessage: found.message, entries: null };
    }
    return {
      errorCode: ErrorCode.NONE,
      errorMessage: null,
      entries: found.map(({ entity, quotas }) => ({
        entity: partsInOrder(Object.entries(entity).map(([entityType, entityName]) => ({ entityType, entityName }))),
        values: valuesOf(quotas).map(([key, value]) => ({ key, value })),
      })),
    };
  },
);
