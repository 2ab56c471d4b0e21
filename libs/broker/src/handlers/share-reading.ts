// A share fetch's look at its partitions: reads what is available to the group, and acquires it for the member.
//
// Promises: nothing is acquired that is not sent. What was deleted from the log, or is part of an aborted transaction where the
// group reads committed records only, is done without having been delivered.
import { ErrorCode, NO_LEADER_EPOCH, Offset, type Uuid } from '@milepost/core';
import type { AcquiredRecords, SharePartition } from '@milepost/coordinators';
import { batchesOf, type RecordBatch } from '@milepost/records';
import type { Partition } from '@milepost/replication';
import { ShareAcquireMode, type ShareFetchRequest } from '@milepost/wire';
import { ledPartition, storageErrorOf, topicNameOf } from '../access.ts';
import { Loan } from '../network/buffer-pool.ts';
import { READ_TOPIC } from '../security/needs.ts';
import type { Context } from '../services.ts';
import { coveredBytes, isAborted, without } from '../share/share-batches.ts';
import type { SessionPartition } from '../share/share-sessions.ts';

const NO_RECORDS = Buffer.alloc(0);

/** What the response says of a partition. */
export interface FetchedShare {
  readonly topicId: Uuid;
  readonly partitionIndex: number;
  /** Undefined: the topic is unknown. */
  readonly topic: string | undefined;
  readonly error: ErrorCode;
  readonly records: Buffer;
  readonly acquired: readonly AcquiredRecords[];
}

/** A partition of the session that is led here, with what the group has in flight. */
export interface ReadableShare {
  readonly topicId: Uuid;
  readonly topic: string;
  readonly partition: Partition;
  readonly share: SharePartition;
}

/** The partitions that can be read, and the errors of the others. One whose state cannot be read now is in neither. */
export async function readableShares(
  groupId: string,
  partitions: readonly SessionPartition[],
  context: Context,
): Promise<{ readonly readable: ReadableShare[]; readonly failed: FetchedShare[] }> {
  const { sharing } = context.services;
  const failed: FetchedShare[] = [];
  const readable = partitions.map(async ({ topicId, partition: partitionIndex }): Promise<ReadableShare[]> => {
    const topic = topicNameOf(context, topicId);
    const partition = ledShare(topic, partitionIndex, context);
    const share = typeof partition === 'number' ? partition : await sharing.partitions.load(groupId, partition);
    if (typeof share === 'number') failed.push(fetchedNothing({ topicId, topic, partitionIndex, error: share }));
    if (typeof share !== 'object' || typeof partition === 'number' || topic === undefined) return [];
    return [{ topicId, topic, partition, share }];
  });
  return { readable: (await Promise.all(readable)).flat(), failed };
}

function ledShare(topic: string | undefined, index: number, context: Context): Partition | ErrorCode {
  if (topic === undefined) return ErrorCode.UNKNOWN_TOPIC_ID;
  if (context.permissions.refusal(READ_TOPIC, topic)) return ErrorCode.TOPIC_AUTHORIZATION_FAILED;
  return ledPartition(context, topic, index, NO_LEADER_EPOCH);
}

const fetchedNothing = (of: Pick<FetchedShare, 'topicId' | 'topic' | 'partitionIndex' | 'error'>): FetchedShare => ({
  ...of,
  records: NO_RECORDS,
  acquired: [],
});

interface Read extends ReadableShare {
  readonly from: number;
  readonly records: Buffer;
}

export class ShareReading {
  readonly #request: ShareFetchRequest;
  readonly #memberId: string;
  readonly #readsCommitted: boolean;
  readonly #context: Context;
  readonly #shares: readonly ReadableShare[];
  readonly #loan: Loan;

  constructor(
    request: ShareFetchRequest & { readonly memberId: string },
    shares: readonly ReadableShare[],
    readsCommitted: boolean,
    context: Context,
  ) {
    this.#request = request;
    this.#memberId = request.memberId;
    this.#readsCommitted = readsCommitted;
    this.#context = context;
    this.#shares = shares;
    this.#loan = new Loan(context.services.clients.buffers);
    context.whenTaken(this.#loan.giveBack);
  }

  /** Changes when another look may find more. */
  get outlook(): string {
    return this.#shares
      .map(({ partition, share }) => `${this.#endOf(partition)} ${share.mayAcquire ? share.nextFetchOffset : 'full'}`)
      .join();
  }

  /** Empty: there is too little, unless `isLast`, or nothing at all. */
  look(isLast: boolean): FetchedShare[] {
    const { quotas, memory } = this.#context.services.clients;
    const { settings } = this.#context.services;
    const { quotaClient, throttle } = this.#context;
    const most = [settings.fetchMaxBytes, quotas.mostFetchBytes(quotaClient), memory.readableBytes];
    const maxBytes = Math.min(this.#request.maxBytes, ...most);
    const failed: FetchedShare[] = [];
    const read = this.#read(maxBytes, failed);
    const sizeBytes = read.reduce((sum, { records }) => sum + records.length, 0);
    const isEnough = isLast || failed.length > 0 || sizeBytes >= Math.min(this.#request.minBytes, maxBytes);
    if (!isEnough || sizeBytes === 0) {
      this.drop();
      return failed;
    }
    // Over its quota the client gets an empty response: nothing is acquired that it would not see.
    const throttleMs = quotas.fetched(quotaClient, sizeBytes);
    throttle(throttleMs);
    return throttleMs > 0 ? failed : [...failed, ...this.#acquire(read)];
  }

  /** Returns the buffers of a response that is not sent. */
  drop(): void {
    this.#loan.giveBack();
  }

  #read(maxBytes: number, failed: FetchedShare[]): Read[] {
    const read: Read[] = [];
    let left = maxBytes;
    for (const readable of this.#shares) {
      const { partition, share, topicId, topic } = readable;
      const { log } = partition;
      share.advanceTo(log.logStartOffset);
      const from = share.nextFetchOffset;
      if (left <= 0 || !share.mayAcquire || from >= this.#endOf(partition)) continue;
      const outcome = log.read(Offset(from), {
        maxBytes: left,
        upTo: this.#endOf(partition),
        atLeastOneBatch: read.length === 0,
        allocate: this.#loan.take,
      });
      if (outcome.error !== ErrorCode.NONE) {
        failed.push(fetchedNothing({ topicId, topic, partitionIndex: partition.index, error: outcome.error }));
        continue;
      }
      const records = this.#loan.trimmed(outcome.records);
      left -= records.length;
      if (records.length > 0) read.push({ ...readable, from, records });
    }
    return read;
  }

  #acquire(read: readonly Read[]): FetchedShare[] {
    let left = this.#request.maxRecords;
    return read.flatMap((one) => {
      const { topicId, topic, partition, from, share, records } = one;
      const batches = [...batchesOf(records)];
      const ranges = share.acquire({
        memberId: this.#memberId,
        from,
        batches: batches.map(({ baseOffset, lastOffset }) => ({ first: baseOffset, last: lastOffset })),
        maxRecords: left,
        batchSize: Math.max(1, this.#request.batchSize),
        isStrict: this.#request.shareAcquireMode === ShareAcquireMode.RECORD_LIMIT,
      });
      const visible = this.#readsCommitted ? this.#withoutAborted(one, batches, ranges) : ranges;
      if (typeof visible === 'number')
        return [fetchedNothing({ topicId, topic, partitionIndex: partition.index, error: visible })];
      if (visible.length === 0) return [];
      left -= visible.reduce((sum, { first, last }) => sum + last - first + 1, 0);
      const sent = coveredBytes(records, batches, visible);
      this.#context.services.storage.traffic.of(topic).bytesOut += sent.length;
      const fetched = { topicId, topic, partitionIndex: partition.index, error: ErrorCode.NONE };
      return [{ ...fetched, records: sent, acquired: visible }];
    });
  }

  #withoutAborted(
    { partition, share, from }: Read,
    batches: readonly RecordBatch[],
    acquired: readonly AcquiredRecords[],
  ): readonly AcquiredRecords[] | ErrorCode {
    const end = batches.at(-1)?.nextOffset;
    if (acquired.length === 0 || end === undefined) return acquired;
    try {
      const aborted = partition.log.abortedTransactions(Offset(from), end);
      let visible = acquired;
      for (const batch of batches) {
        if (!isAborted(batch, aborted)) continue;
        share.archive(batch.baseOffset, batch.lastOffset, this.#memberId);
        visible = without(visible, batch.baseOffset, batch.lastOffset);
      }
      return visible;
    } catch (failure) {
      return storageErrorOf(failure, partition, this.#context);
    }
  }

  #endOf({ highWatermark, lastStableOffset }: Partition): Offset {
    return this.#readsCommitted ? lastStableOffset : highWatermark;
  }
}
