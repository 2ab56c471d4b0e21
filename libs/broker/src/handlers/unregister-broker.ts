// UnregisterBroker, version 0: forgets a broker that is gone for good. It remains a replica of its partitions until they are
// reassigned. A broker that is alive is not forgotten (INVALID_REQUEST).
import { ErrorCode } from '@milepost/core';
import { UnregisterBroker } from '@milepost/wire';
import { ALTER_CLUSTER } from '../security/needs.ts';
import { handler } from './handler.ts';

export const unregisterBroker = handler(
  UnregisterBroker,
  [ALTER_CLUSTER],
  async ({ brokerId }, { services, permissions, count }) => {
    const refused = permissions.refusal(ALTER_CLUSTER) ?? (await services.controller.cluster.unregister(brokerId));
    if (refused) count(refused.error);
    return { errorCode: refused?.error ?? ErrorCode.NONE, errorMessage: refused?.message ?? null };
  },
);
