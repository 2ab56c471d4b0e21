// AlterClientQuotas, versions 0 to 1: sets and removes quotas, each entity with its own result. A new quota applies
// from the client's next request on.
import { ErrorCode } from '@milepost/core';
import { AlterClientQuotas } from '@milepost/wire';
import { partsInOrder } from '../quotas/hash-order.ts';
import { ALTER_CLUSTER_CONFIGS } from '../security/needs.ts';
import { handler } from './handler.ts';

export const alterClientQuotas = handler(
  AlterClientQuotas,
  [ALTER_CLUSTER_CONFIGS],
  async ({ entries, validateOnly }, context) => {
    const { services, permissions, count } = context;
    const refusedAll = permissions.refusal(ALTER_CLUSTER_CONFIGS);
    const outcomes = refusedAll
      ? entries.map(() => refusedAll)
      : await services.controller.cluster.alterQuotas(entries, validateOnly);
    return {
      entries: entries.map(({ entity }, place) => {
        const refused = outcomes[place];
        if (refused) count(refused.error);
        const [errorCode, errorMessage] = [refused?.error ?? ErrorCode.NONE, refused?.message ?? null];
        return { errorCode, errorMessage, entity: partsInOrder(entity) };
      }),
    };
  },
);
