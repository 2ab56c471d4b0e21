// TxnOffsetCommit: offsets that become the group's when their transaction is committed (KIP-98, KIP-447). The end of the
// transaction commits them or drops them. Clients that require stable offsets wait for that end.
import { ErrorCode, type Timestamp } from '@milepost/core';
import { acceptedOffsets, committed, fits, type KnownOffsets } from './commit.ts';
import { commitRefusal } from './consumer/offsets.ts';
import type { Group } from './group.ts';
import type { GroupConfig } from './model/config.ts';
import type { CommitCommand, CommitResult, TransactionalCommitCommand, TransactionEnd } from './model/commands.ts';
import type { Offsets } from './model/offsets.ts';
import type { PendingOffsets } from './model/pending-offsets.ts';
import type { GroupEvent, StoredOffset } from './model/store.ts';

interface Decided<Response> {
  readonly events: readonly GroupEvent[];
  readonly response: Response;
}

export function transactionalCommit(
  group: Group | undefined,
  command: TransactionalCommitCommand,
  config: GroupConfig,
  now: Timestamp,
  known: KnownOffsets,
): Decided<CommitResult> {
  const error = refusal(group, command);
  if (error !== ErrorCode.NONE) return { events: [], response: committed(command, () => error) };
  const { producerId, producerEpoch } = command;
  const events = acceptedOffsets(command, config, { now, expiresAt: null, known }).map((offset): GroupEvent => {
    return { type: 'offset-pending', pending: { producerId, producerEpoch, offset } };
  });
  const response = committed(command, (metadata) =>
    fits(metadata, config) ? ErrorCode.NONE : ErrorCode.OFFSET_METADATA_TOO_LARGE,
  );
  return { events, response };
}

/** Unlike a plain commit, also in the midst of a rebalance: the generation is what fences (KIP-447). */
function refusal(group: Group | undefined, command: TransactionalCommitCommand): ErrorCode {
  const { generation, memberId, instanceId } = command;
  if (group?.kind === 'share') return ErrorCode.GROUP_ID_NOT_FOUND;
  if (!group) return generation < 0 ? ErrorCode.NONE : ErrorCode.ILLEGAL_GENERATION;
  const namesMember = generation >= 0 || memberId !== '' || instanceId !== null;
  if (!namesMember) return ErrorCode.NONE;
  if (group.kind === 'consumer') {
    const asCommit: CommitCommand = { ...command, retentionTimeMs: -1, knowsGroupIdNotFound: true };
    const error = commitRefusal(group, asCommit);
    return error === ErrorCode.STALE_MEMBER_EPOCH ? ErrorCode.ILLEGAL_GENERATION : error;
  }
  if (generation < 0 && group.state === 'Empty') return ErrorCode.NONE;
  const error = group.checkMember(memberId, instanceId);
  if (error !== ErrorCode.NONE) return error;
  return generation === group.generation ? ErrorCode.NONE : ErrorCode.ILLEGAL_GENERATION;
}

/** Does nothing where the producer has no pending offsets of that transaction. */
export function endOfTransaction(
  groupId: string,
  offsets: Offsets,
  pending: PendingOffsets,
  end: TransactionEnd,
): readonly GroupEvent[] {
  const { producerId, isCommit } = end;
  const ended = pending.of(producerId).filter(({ producerEpoch }) => isOver(producerEpoch, end));
  if (ended.length === 0) return [];
  const real = isCommit ? ended.filter(({ offset }) => isNewer(offset, offsets)) : [];
  return [
    { type: 'pending-offsets-ended', groupId, producerId },
    ...real.map(({ offset }): GroupEvent => ({ type: 'offset-committed', offset })),
  ];
}

/** A marker that is repeated late must not end the next transaction, where epochs tell them apart. */
const isOver = (epoch: number, { producerEpoch, transactionVersion }: TransactionEnd): boolean =>
  transactionVersion >= 2 ? epoch < producerEpoch : epoch <= producerEpoch;

/** What was committed without a transaction in the meantime is not taken back. */
const isNewer = (offset: StoredOffset, offsets: Offsets): boolean => {
  const known = offsets.get(offset.topic, offset.partition);
  return !known || known.committedAt <= offset.committedAt;
};
