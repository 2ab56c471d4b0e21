// OffsetFetch, versions 1 to 10. Up to v7 one group, from v8 many; null topics mean all that the group has. An offset
// that was never committed is -1 without an error. v9 names the member of a KIP-848 group that sends the request, and
// its epoch. v10 names topics by id: an unknown one is UNKNOWN_TOPIC_ID, and offsets of a deleted topic are not
// returned. v1 has no field for an error of the group: each partition carries it.
import { ErrorCode, NO_LEADER_EPOCH, NO_OFFSET, type Uuid, ZERO_UUID } from '@milepost/core';
import type { FetchOffsetsCommand, FetchOffsetsResult } from '@milepost/coordinators';
import { OffsetFetch, type OffsetFetchRequest, type OffsetFetchResponse } from '@milepost/wire';
import type { Context } from '../services.ts';
import { DESCRIBE_GROUP, DESCRIBE_TOPIC } from '../security/needs.ts';
import { handler } from './handler.ts';

const FIRST_VERSION_WITH_GROUP_ERROR = 2;
const FIRST_VERSION_WITH_GROUPS = 8;
const FIRST_VERSION_WITH_IDS = 10;

interface AskedTopic {
  readonly name: string;
  readonly topicId: Uuid;
  readonly partitionIndexes: readonly number[];
}

type Topic = NonNullable<OffsetFetchResponse['groups']>[number]['topics'][number];
type Partition = Topic['partitions'][number];

export const offsetFetch = handler(OffsetFetch, [DESCRIBE_GROUP, DESCRIBE_TOPIC], async (request, context) => {
  if (context.apiVersion < FIRST_VERSION_WITH_GROUPS) return ofOneGroup(request.groupId, request, context);
  const groups = request.groups.map(async ({ groupId, memberId, memberEpoch, topics }) => {
    const member = { memberId, memberEpoch };
    const { error, topics: found } = await ofGroup(groupId, topics, request.requireStable, context, member);
    return { groupId, errorCode: error, topics: found };
  });
  return { topics: [], groups: await Promise.all(groups) };
});

async function ofOneGroup(
  groupId: string,
  request: OffsetFetchRequest,
  context: Context,
): Promise<OffsetFetchResponse> {
  const asked = request.topics && request.topics.map((topic) => ({ ...topic, topicId: ZERO_UUID }));
  const { error, topics } = await ofGroup(groupId, asked, request.requireStable, context);
  if (error === ErrorCode.NONE || context.apiVersion >= FIRST_VERSION_WITH_GROUP_ERROR)
    return { errorCode: error, topics: topics.map(named), groups: [] };
  return { topics: (asked ?? []).map((topic) => named(refused(topic, error))), groups: [] };
}

async function ofGroup(
  groupId: string,
  asked: readonly AskedTopic[] | null,
  requireStable: boolean,
  context: Context,
  member?: FetchOffsetsCommand['member'],
): Promise<{ error: ErrorCode; topics: Topic[] }> {
  const { services, apiVersion, permissions, count } = context;
  const refusedGroup = permissions.refusal(DESCRIBE_GROUP, groupId);
  if (refusedGroup) {
    count(refusedGroup.error);
    return { error: refusedGroup.error, topics: [] };
  }
  const byId = apiVersion >= FIRST_VERSION_WITH_IDS;
  const image = services.image();
  const wanted = asked?.map((topic) => {
    const known = byId ? image.topicsById.get(topic.topicId) : undefined;
    const name = known?.name ?? topic.name;
    if (byId && !known) return { ...topic, name, error: ErrorCode.UNKNOWN_TOPIC_ID };
    return { ...topic, name, error: permissions.refusal(DESCRIBE_TOPIC, name)?.error ?? ErrorCode.NONE };
  });
  const found = await services.groups.fetchOffsets({
    groupId,
    requireStable,
    ...(member && { member }),
    topics:
      wanted
        ?.filter(({ error }) => error === ErrorCode.NONE)
        .map(({ name, topicId, partitionIndexes }) => ({ name, topicId, partitions: partitionIndexes })) ?? null,
  });
  if (found.error !== ErrorCode.NONE) {
    count(found.error);
    return { error: found.error, topics: [] };
  }
  const unseen = (wanted ?? []).filter(({ error }) => error !== ErrorCode.NONE);
  const topics = found.topics
    .filter(({ name }) => asked !== null || permissions.allows(DESCRIBE_TOPIC, name))
    .map((topic) => answered(topic, image.topics.get(topic.name)?.id))
    .filter(({ topicId }) => !byId || topicId !== ZERO_UUID);
  return {
    error: ErrorCode.NONE,
    topics: [...topics, ...unseen.map((topic) => refused(topic, topic.error))],
  };
}

function answered({ name, partitions }: FetchOffsetsResult['topics'][number], topicId: Uuid = ZERO_UUID): Topic {
  return {
    name,
    topicId,
    partitions: partitions.map(({ partition, error, offset, leaderEpoch, metadata }) => ({
      partitionIndex: partition,
      committedOffset: offset,
      committedLeaderEpoch: leaderEpoch,
      metadata,
      errorCode: error,
    })),
  };
}

const refused = ({ name, topicId, partitionIndexes }: AskedTopic, errorCode: ErrorCode): Topic => ({
  name,
  topicId,
  partitions: partitionIndexes.map(
    (partitionIndex): Partition => ({
      partitionIndex,
      committedOffset: NO_OFFSET,
      committedLeaderEpoch: NO_LEADER_EPOCH,
      metadata: '',
      errorCode,
    }),
  ),
});

const named = ({ name, partitions }: Topic) => ({ name: name ?? '', partitions });
