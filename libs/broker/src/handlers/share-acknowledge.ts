// ShareAcknowledge, versions 1 and 2 (KIP-932): what became of acquired records, without a fetch. v2 may renew their locks
// (KIP-1222). The response is sent when the acknowledgements are stored.
import { ErrorCode } from '@milepost/core';
import { ShareAcknowledge } from '@milepost/wire';
import { LeaderHints } from '../access.ts';
import { READ_GROUP, READ_TOPIC } from '../security/needs.ts';
import { handler } from './handler.ts';
import { type Acknowledged, acknowledgeAll, isMemberId } from './share-acknowledgements.ts';
import { groupedById, isAboutShareLeader } from './share-response.ts';

export const shareAcknowledge = handler(ShareAcknowledge, [READ_GROUP, READ_TOPIC], async (request, context) => {
  const { groupId, memberId, shareSessionEpoch: epoch, isRenewAck } = request;
  const { services, permissions, count } = context;
  const refuse = (errorCode: ErrorCode, errorMessage: string | null = null) => {
    count(errorCode);
    return { errorCode, errorMessage, responses: [] };
  };
  if (groupId === null) return refuse(ErrorCode.INVALID_REQUEST, 'Invalid group id in the request.');
  const refused = permissions.refusal(READ_GROUP, groupId);
  if (refused) return refuse(refused.error, refused.message);
  if (!isMemberId(memberId)) return refuse(ErrorCode.INVALID_REQUEST, 'Invalid member id in the request.');
  const { sharing } = services;
  const session = { groupId, memberId, epoch };
  const error = sharing.sessions.acknowledge(session);
  if (error !== ErrorCode.NONE) return refuse(error);

  const targets = request.topics.flatMap(({ topicId, partitions }) =>
    partitions.map((partition) => ({ topicId, ...partition })),
  );
  const outcomes = await acknowledgeAll(targets, { groupId, memberId, isRenewAck }, context);
  sharing.sessions.endAfter(session);
  const hints = new LeaderHints(context);
  const responses = groupedById(outcomes, (outcome) => partitionOf(outcome, hints));
  return {
    acquisitionLockTimeoutMs: sharing.settingsOf(groupId).lockDurationMs,
    responses,
    nodeEndpoints: hints.nodeEndpoints,
  };
});

const partitionOf = ({ partitionIndex, topic, error, message }: Acknowledged, hints: LeaderHints) => ({
  partitionIndex,
  errorCode: error,
  errorMessage: message,
  currentLeader: isAboutShareLeader(error) ? hints.leaderOf(topic, partitionIndex) : {},
});
