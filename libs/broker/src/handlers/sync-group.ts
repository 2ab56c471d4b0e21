// SyncGroup, versions 0 to 5. Waits for the leader's assignment. From v5 on the request must name the protocol
// (KIP-559), else INCONSISTENT_GROUP_PROTOCOL.
import { ErrorCode } from '@milepost/core';
import { SyncGroup } from '@milepost/wire';
import { READ_GROUP } from '../security/needs.ts';
import { handler } from './handler.ts';

const FIRST_VERSION_WITH_PROTOCOL = 5;
const NO_ASSIGNMENT = Buffer.alloc(0);

export const syncGroup = handler(
  SyncGroup,
  [READ_GROUP],
  async (request, { services, apiVersion, permissions, count }) => {
    const { groupId, memberId, protocolType, protocolName, assignments } = request;
    if (apiVersion >= FIRST_VERSION_WITH_PROTOCOL && (protocolType === null || protocolName === null)) {
      count(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
      return { errorCode: ErrorCode.INCONSISTENT_GROUP_PROTOCOL, assignment: NO_ASSIGNMENT };
    }
    const refused = permissions.refusal(READ_GROUP, groupId);
    if (refused) {
      count(refused.error);
      return { errorCode: refused.error, assignment: NO_ASSIGNMENT };
    }
    const synced = await services.groups.sync({
      groupId,
      generation: request.generationId,
      memberId,
      instanceId: request.groupInstanceId,
      protocolType,
      protocolName,
      assignments,
    });
    count(synced.error);
    return {
      errorCode: synced.error,
      protocolType: synced.protocolType,
      protocolName: synced.protocolName,
      assignment: synced.assignment,
    };
  },
);
