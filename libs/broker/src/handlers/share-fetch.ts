// ShareFetch, versions 1 and 2 (KIP-932): acquires records of the partitions of a share session, and acknowledges those of
// earlier fetches. v2 may limit the records strictly (KIP-1206) and renew locks (KIP-1222); with a renewal nothing is fetched.
// The response is sent when the acknowledgements are stored, and there are records or the time is up.
//
// Nothing is fetched from a partition whose state cannot be read because the database is away; the next fetch tries again.
import { ErrorCode, Offset } from '@milepost/core';
import { ShareFetch, type ShareFetchRequest, type ShareFetchResponse } from '@milepost/wire';
import { LeaderHints } from '../access.ts';
import { READ_GROUP, READ_TOPIC } from '../security/needs.ts';
import type { Context } from '../services.ts';
import type { SessionPartition, ShareSession } from '../share/share-sessions.ts';
import { handler, type Unanswered } from './handler.ts';
import { type Acknowledged, acknowledgeAll, isMemberId } from './share-acknowledgements.ts';
import { type FetchedShare, readableShares, ShareReading } from './share-reading.ts';
import { groupedById, isAboutShareLeader } from './share-response.ts';

const FIRST_VERSION_WITH_RENEWALS = 2;

export const shareFetch = handler(ShareFetch, [READ_GROUP, READ_TOPIC], async (request, context) => {
  const { groupId, memberId } = request;
  const { permissions, services } = context;
  if (groupId === null) return refused(ErrorCode.INVALID_REQUEST, 'Invalid group id in the request.', context);
  const refusal = permissions.refusal(READ_GROUP, groupId);
  if (refusal) return refused(refusal.error, refusal.message, context);
  if (!isMemberId(memberId)) return refused(ErrorCode.INVALID_REQUEST, 'Invalid member id in the request.', context);
  const renews = context.apiVersion >= FIRST_VERSION_WITH_RENEWALS && request.isRenewAck;
  const problem = renews ? renewProblem(request) : undefined;
  if (problem) return refused(ErrorCode.INVALID_REQUEST, problem, context);

  const asked = { ...request, groupId, memberId };
  const session = sessionOf(asked, context);
  if (typeof session === 'number') {
    if (session === ErrorCode.SHARE_SESSION_LIMIT_REACHED) await idle(request.maxWaitMs, context);
    return refused(session, null, context);
  }
  const acknowledging = acknowledgeAll(targetsOf(request), { groupId, memberId, isRenewAck: renews }, context);
  const fetched = renews ? [] : await fetchInto(asked, session, context);
  const acknowledged = await acknowledging;
  services.sharing.sessions.endAfter({ groupId, memberId, epoch: request.shareSessionEpoch });
  return fetched === 'gone' ? 'none' : responseOf(groupId, fetched, acknowledged, context);
});

type Asked = ShareFetchRequest & { readonly groupId: string; readonly memberId: string };

function refused(errorCode: ErrorCode, errorMessage: string | null, { count }: Context): ShareFetchResponse {
  count(errorCode);
  return { errorCode, errorMessage, responses: [] };
}

/** The time that a fetch takes may be more than the lock that it renews. */
function renewProblem({ maxBytes, minBytes, maxRecords, maxWaitMs }: ShareFetchRequest): string | undefined {
  const set = Object.entries({ maxBytes, minBytes, maxRecords, maxWaitMs }).filter(([, value]) => value !== 0);
  const names = set.map(([name]) => `${name} must be set to 0, `).join('');
  return names === '' ? undefined : `${names}if isRenewAck is true.`;
}

function sessionOf(
  { groupId, memberId, shareSessionEpoch: epoch, topics, forgottenTopicsData }: Asked,
  { services, peer }: Context,
): ShareSession | ErrorCode {
  return services.sharing.sessions.fetch({
    groupId,
    memberId,
    epoch,
    partitions: topics.flatMap(({ topicId, partitions }) =>
      partitions.map(({ partitionIndex }): SessionPartition => ({ topicId, partition: partitionIndex })),
    ),
    forgotten: forgottenTopicsData.flatMap(({ topicId, partitions }) =>
      partitions.map((partition) => ({ topicId, partition })),
    ),
    hasAcknowledgements: targetsOf({ topics }).length > 0,
    onGone: (run) => peer.onGone(run),
  });
}

const targetsOf = ({ topics }: Pick<ShareFetchRequest, 'topics'>) =>
  topics.flatMap(({ topicId, partitions }) =>
    partitions
      .filter(({ acknowledgementBatches }) => acknowledgementBatches.length > 0)
      .map((partition) => ({ topicId, ...partition })),
  );

/** The client is to try again later, not at once. */
const idle = (timeoutMs: number, { services, peer }: Context): Promise<unknown> =>
  services.storage.delayedFetches.wait({
    partitions: [],
    timeoutMs,
    isMet: () => false,
    onGone: (run) => peer.onGone(run),
  });

async function fetchInto(
  request: Asked,
  { groupId, partitions }: ShareSession,
  context: Context,
): Promise<FetchedShare[] | 'gone'> {
  if (request.maxRecords <= 0 || request.maxBytes <= 0) return [];
  const { clock } = context.services.host;
  const deadline = clock.monotonic() + request.maxWaitMs;
  const { readable, failed } = await readableShares(groupId, partitions, context);
  const { readsCommitted } = context.services.sharing.settingsOf(groupId);
  const reading = new ShareReading(request, readable, readsCommitted, context);
  for (;;) {
    const { outlook } = reading;
    const leftMs = deadline - clock.monotonic();
    const fetched = [...failed, ...reading.look(leftMs <= 0)];
    if (fetched.length > 0 || leftMs <= 0 || partitions.length === 0) return fetched;
    const outcome = await context.services.storage.delayedFetches.wait({
      partitions: readable.flatMap(({ partition, share }) => [partition, share]),
      timeoutMs: leftMs,
      isMet: () => reading.outlook !== outlook,
      onGone: (run) => context.peer.onGone(run),
    });
    if (outcome === 'gone') return outcome;
    if (outcome === 'expired') return reading.look(true);
  }
}

function responseOf(
  groupId: string,
  fetched: readonly FetchedShare[],
  acknowledged: readonly Acknowledged[],
  context: Context,
): ShareFetchResponse | Unanswered {
  const hints = new LeaderHints(context);
  const { sharing } = context.services;
  const outcomes = new Map<string, Partial<FetchedShare & { acknowledged: Acknowledged }> & Target>();
  for (const one of fetched) {
    context.count(one.error);
    outcomes.set(nameOf(one), one);
  }
  for (const one of acknowledged) {
    const { topicId, partitionIndex, topic } = one;
    outcomes.set(nameOf(one), { topicId, partitionIndex, topic, ...outcomes.get(nameOf(one)), acknowledged: one });
  }
  const responses = groupedById([...outcomes.values()], (outcome) => {
    const { partitionIndex, topic, error = ErrorCode.NONE, records = null, acquired = [] } = outcome;
    const { error: acknowledgeErrorCode = ErrorCode.NONE, message = null } = outcome.acknowledged ?? {};
    const needsLeader = isAboutShareLeader(error) || isAboutShareLeader(acknowledgeErrorCode);
    return {
      partitionIndex,
      errorCode: error,
      acknowledgeErrorCode,
      acknowledgeErrorMessage: message,
      currentLeader: needsLeader ? hints.leaderOf(topic, partitionIndex) : {},
      records: records ?? Buffer.alloc(0),
      acquiredRecords: acquired.map(({ first, last, deliveryCount }) => ({
        firstOffset: Offset(first),
        lastOffset: Offset(last),
        deliveryCount,
      })),
    };
  });
  return {
    acquisitionLockTimeoutMs: sharing.settingsOf(groupId).lockDurationMs,
    responses,
    nodeEndpoints: hints.nodeEndpoints,
  };
}

type Target = Pick<FetchedShare, 'topicId' | 'partitionIndex' | 'topic'>;

const nameOf = ({ topicId, partitionIndex }: Target): string => `${topicId} ${partitionIndex}`;
