// JoinGroup, versions 0 to 9. The response is sent when the rebalance is done. Since v4 a dynamic member without an id
// gets one and joins again with it (KIP-394); since v9 the leader can be told to skip the assignment (KIP-814).
import { JoinGroup } from '@milepost/wire';
import { handler } from './handler.ts';

const FIRST_VERSION_WITH_KNOWN_MEMBERS = 4;
const FIRST_VERSION_WITH_NULL_PROTOCOL = 7;
const FIRST_VERSION_WITH_SKIPPED_ASSIGNMENT = 9;

export const joinGroup = handler(JoinGroup, async (request, { services, apiVersion, clientId, peer, count }) => {
  const joined = await services.groups.join({
    groupId: request.groupId,
    memberId: request.memberId,
    instanceId: request.groupInstanceId,
    clientId,
    clientHost: peer.host,
    sessionTimeoutMs: request.sessionTimeoutMs,
    rebalanceTimeoutMs: request.rebalanceTimeoutMs,
    protocolType: request.protocolType,
    protocols: request.protocols,
    requireKnownMemberId: apiVersion >= FIRST_VERSION_WITH_KNOWN_MEMBERS,
    supportsSkippingAssignment: apiVersion >= FIRST_VERSION_WITH_SKIPPED_ASSIGNMENT,
    reason: request.reason,
  });
  count(joined.error);
  return {
    errorCode: joined.error,
    generationId: joined.generation,
    protocolType: joined.protocolType,
    protocolName: joined.protocolName ?? (apiVersion < FIRST_VERSION_WITH_NULL_PROTOCOL ? '' : null),
    leader: joined.leader,
    skipAssignment: joined.skipAssignment,
    memberId: joined.memberId,
    members: joined.members.map(({ memberId, instanceId, metadata }) => ({
      memberId,
      groupInstanceId: instanceId,
      metadata,
    })),
  };
});
