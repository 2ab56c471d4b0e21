// UnregisterBroker, version 0: removes a broker that is gone for good; its partitions have no leader then. A broker
// does not remove itself (INVALID_REQUEST).
import { ErrorCode } from '@milepost/core';
import { UnregisterBroker } from '@milepost/wire';
import { handler } from './handler.ts';

export const unregisterBroker = handler(UnregisterBroker, async ({ brokerId }, { services, count }) => {
  const refused = await services.controller.cluster.unregister(brokerId);
  if (refused) count(refused.error);
  return { errorCode: refused?.error ?? ErrorCode.NONE, errorMessage: refused?.message ?? null };
});
