// JoinGroup, versions 0 to 9. The response is sent when the rebalance is done. Since v4 a dynamic member without an id
// gets one and joins again with it (KIP-394); since v9 the leader can be told to skip the assignment (KIP-814).
import { JoinGroup } from '@milepost/wire';
import { READ_GROUP } from '../security/needs.ts';
import { handler } from './handler.ts';

const FIRST_VERSION_WITH_KNOWN_MEMBERS = 4;
const FIRST_VERSION_WITH_NULL_PROTOCOL = 7;
const FIRST_VERSION_WITH_SKIPPED_ASSIGNMENT = 9;

const NOT_JOINED = {
  generationId: -1,
  protocolType: null,
  leader: '',
  skipAssignment: false,
  memberId: '',
  members: [],
};

export const joinGroup = handler(JoinGroup, [READ_GROUP], async (request, context) => {
  const { services, apiVersion, clientId, peer, permissions, count } = context;
  const noProtocol = apiVersion < FIRST_VERSION_WITH_NULL_PROTOCOL ? '' : null;
  const refused = permissions.refusal(READ_GROUP, request.groupId);
  if (refused) {
    count(refused.error);
    return { ...NOT_JOINED, errorCode: refused.error, protocolName: noProtocol };
  }
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
    protocolName: joined.protocolName ?? noProtocol,
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
