// Heartbeat, versions 0 to 4. REBALANCE_IN_PROGRESS requires a member to rejoin.
import { Heartbeat } from '@milepost/wire';
import { handler } from './handler.ts';

export const heartbeat = handler(Heartbeat, async (request, { services, count }) => {
  const errorCode = await services.groups.heartbeat({
    groupId: request.groupId,
    generation: request.generationId,
    memberId: request.memberId,
    instanceId: request.groupInstanceId,
  });
  count(errorCode);
  return { errorCode };
});
