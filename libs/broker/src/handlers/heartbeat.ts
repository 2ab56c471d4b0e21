// Heartbeat, versions 0 to 4. REBALANCE_IN_PROGRESS requires a member to rejoin.
import { Heartbeat } from '@milepost/wire';
import { READ_GROUP } from '../security/needs.ts';
import { handler } from './handler.ts';

export const heartbeat = handler(Heartbeat, [READ_GROUP], async (request, { services, permissions, count }) => {
  const refused = permissions.refusal(READ_GROUP, request.groupId);
  if (refused) {
    count(refused.error);
    return { errorCode: refused.error };
  }
  const errorCode = await services.groups.heartbeat({
    groupId: request.groupId,
    generation: request.generationId,
    memberId: request.memberId,
    instanceId: request.groupInstanceId,
  });
  count(errorCode);
  return { errorCode };
});
