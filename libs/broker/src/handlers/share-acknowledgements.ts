// The acknowledgements of a ShareFetch or a ShareAcknowledge: checked for form, then given to the share partitions.
import { ErrorCode, NO_LEADER_EPOCH, type Uuid } from '@milepost/core';
import type { AcknowledgedRange, Acknowledgement } from '@milepost/coordinators';
import type { ShareAcknowledgeRequest } from '@milepost/wire';
import { ledPartition, topicNameOf } from '../access.ts';
import { READ_TOPIC } from '../security/needs.ts';
import type { Context } from '../services.ts';

const FIRST_VERSION_WITH_RENEWALS = 2;
/** By their numbers on the wire. */
const TYPES: readonly Acknowledgement[] = ['gap', 'accept', 'release', 'reject', 'renew'];

/** As long as a UUID in text. */
const LONGEST_MEMBER_ID = 36;

export const isMemberId = (memberId: string | null): memberId is string =>
  memberId !== null && memberId.length > 0 && memberId.length <= LONGEST_MEMBER_ID;

type Batches = ShareAcknowledgeRequest['topics'][number]['partitions'][number]['acknowledgementBatches'];

export interface AcknowledgeTarget {
  readonly topicId: Uuid;
  readonly partitionIndex: number;
  readonly acknowledgementBatches: Batches;
}

export interface Acknowledged {
  readonly topicId: Uuid;
  readonly partitionIndex: number;
  /** Undefined: the topic is unknown. */
  readonly topic: string | undefined;
  readonly error: ErrorCode;
  readonly message: string | null;
}

interface Acknowledger {
  readonly groupId: string;
  readonly memberId: string;
  readonly isRenewAck: boolean;
}

/** Resolves when all that is accepted is stored. */
export function acknowledgeAll(
  targets: readonly AcknowledgeTarget[],
  by: Acknowledger,
  context: Context,
): Promise<Acknowledged[]> {
  return Promise.all(targets.map((target) => acknowledge(target, by, context)));
}

async function acknowledge(
  { topicId, partitionIndex, acknowledgementBatches }: AcknowledgeTarget,
  { groupId, memberId, isRenewAck }: Acknowledger,
  context: Context,
): Promise<Acknowledged> {
  const topic = topicNameOf(context, topicId);
  const outcome = (error: ErrorCode, message: string | null = null) => {
    context.count(error);
    return { topicId, partitionIndex, topic, error, message };
  };
  if (topic === undefined) return outcome(ErrorCode.UNKNOWN_TOPIC_ID);
  const ranges = rangesOf(acknowledgementBatches, context.apiVersion, isRenewAck);
  if (!ranges) return outcome(ErrorCode.INVALID_REQUEST, 'The batches of acknowledgements are malformed.');
  if (context.permissions.refusal(READ_TOPIC, topic)) return outcome(ErrorCode.TOPIC_AUTHORIZATION_FAILED);
  const partition = ledPartition(context, topic, partitionIndex, NO_LEADER_EPOCH);
  if (typeof partition === 'number') return outcome(partition);
  if (ranges.length === 0) return outcome(ErrorCode.NONE);
  const share = context.services.sharing.partitions.find(groupId, topicId, partitionIndex);
  if (!share) return outcome(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, 'No record of the partition was acquired here.');
  const { error, message } = await share.acknowledge(memberId, ranges);
  return outcome(error, message);
}

/** Undefined: they are malformed, as Kafka sees it. */
function rangesOf(batches: Batches, apiVersion: number, isRenewAck: boolean): AcknowledgedRange[] | undefined {
  const known = apiVersion >= FIRST_VERSION_WITH_RENEWALS ? TYPES : TYPES.filter((type) => type !== 'renew');
  const ranges: AcknowledgedRange[] = [];
  let end = -1;
  for (const { firstOffset: first, lastOffset: last, acknowledgeTypes } of batches) {
    const types = acknowledgeTypes.map((number) => known[number]);
    const isWellFormed =
      first <= last &&
      first >= end &&
      types.length > 0 &&
      (types.length === 1 || types.length === last - first + 1) &&
      types.every((type): type is Acknowledgement => type !== undefined && (type !== 'renew' || isRenewAck));
    if (!isWellFormed) return undefined;
    end = last;
    ranges.push({ first, last, types: types as Acknowledgement[] });
  }
  return ranges;
}
