// Before a produce request opens a transaction in a partition: the transaction's coordinator says whether the partition is
// part of it (KIP-890). Requests of version 12 and later have it added, by the same question (transaction version 2).
//
// Promises: all partitions are asked for together, before anything is appended; a batch of an ongoing transaction needs no
// question. What the coordinator cannot answer now becomes an error that old clients try again.
import { type Clock, ErrorCode, errorName } from '@milepost/core';
import { RecordBatch } from '@milepost/records';
import type { Partition } from '@milepost/replication';
import type { ProduceRequest } from '@milepost/wire';
import type { Context } from '../services.ts';
import type { NamedPartition, PartitionsToVerify, TransactionVerifier } from '../transactions/ports.ts';

export type ProducedPartition = ProduceRequest['topicData'][number]['partitionData'][number];

export interface TransactionRefused {
  readonly errorCode: ErrorCode;
  readonly errorMessage: string | null;
}

/** A batch of a transaction, and where it is to go. */
export interface TransactionalBatch {
  readonly produced: ProducedPartition;
  readonly batch: RecordBatch;
  /** Undefined: not led here, which the append finds out again. */
  readonly partition: Partition | undefined;
}

/** How an old client learns that it may try again: without looking for another leader. */
const TRY_AGAIN: ReadonlySet<ErrorCode> = new Set([
  ErrorCode.NETWORK_EXCEPTION,
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.NOT_COORDINATOR,
]);
const FIRST_VERSION_WITH_ABORTABLE = 11;
const FIRST_VERSION_THAT_ADDS_PARTITIONS = 12;
/** add.partitions.to.txn.retry.backoff.ms and .max.ms: the last transaction of the producer may be about to complete. */
const RETRY_BACKOFF_MS = 20;
const RETRY_FOR_MS = 100;
const ATTRIBUTES_AT = 22;
const TRANSACTIONAL_BIT = 0x10;

/** A look at one byte of each batch: nearly all requests have none. */
export function hasTransactionalBatches({ topicData }: ProduceRequest): boolean {
  for (const { partitionData } of topicData)
    for (const { records } of partitionData)
      if (records !== null && ((records[ATTRIBUTES_AT] ?? 0) & TRANSACTIONAL_BIT) !== 0) return true;
  return false;
}

export function transactionalBatchesOf(
  request: ProduceRequest,
  find: (topic: ProduceRequest['topicData'][number], index: number) => Partition | undefined,
): TransactionalBatch[] {
  return request.topicData.flatMap((topic) =>
    topic.partitionData.flatMap((produced) => {
      const batch = produced.records === null ? undefined : RecordBatch.at(produced.records, 0);
      return batch?.isTransactional ? { produced, batch, partition: find(topic, produced.index) } : [];
    }),
  );
}

/** Why the request as a whole is refused. */
export function flawOfTransaction(batches: readonly TransactionalBatch[]): ErrorCode | undefined {
  const producers = new Set(batches.map(({ batch }) => `${batch.producerId} ${batch.producerEpoch}`));
  return producers.size > 1 ? ErrorCode.INVALID_PRODUCER_ID_MAPPING : undefined;
}

/** Resolves with the partitions that nothing may be appended to, and why. */
export async function verify(
  transactionalId: string,
  batches: readonly TransactionalBatch[],
  { services, apiVersion }: Context,
): Promise<ReadonlyMap<ProducedPartition, TransactionRefused>> {
  const refused = new Map<ProducedPartition, TransactionRefused>();
  const addsPartitions = apiVersion >= FIRST_VERSION_THAT_ADDS_PARTITIONS;
  const begun = batches.flatMap(({ produced, batch, partition }) => {
    const verification = partition?.log.beginVerification(batch, addsPartitions);
    if (partition === undefined || verification === undefined) return [];
    if (!('error' in verification)) return { produced, partition, verification };
    refused.set(produced, { errorCode: verification.error, errorMessage: verification.message });
    return [];
  });
  const first = batches[0]?.batch;
  if (first === undefined || begun.length === 0) return refused;
  const { producerId, producerEpoch } = first;
  const partitions = begun.map(({ partition: { topic, index } }): NamedPartition => ({ topic, index }));
  const asked = { transactionalId, producerId, producerEpoch, partitions, addsPartitions };
  const verdicts = await verdictsOn(asked, services.transactionVerifier, services.host.clock);
  for (const [n, { produced, verification }] of begun.entries()) {
    const verdict = verdicts[n] ?? ErrorCode.UNKNOWN_SERVER_ERROR;
    if (verdict === ErrorCode.NONE) verification.confirm();
    else refused.set(produced, asToldToProducers(verdict, apiVersion));
  }
  return refused;
}

async function verdictsOn(
  asked: PartitionsToVerify,
  verifier: TransactionVerifier,
  clock: Clock,
): Promise<readonly ErrorCode[]> {
  const until = clock.monotonic() + RETRY_FOR_MS;
  for (;;) {
    const verdicts = await verifier.verify(asked);
    const isSettled = !asked.addsPartitions || !verdicts.includes(ErrorCode.CONCURRENT_TRANSACTIONS);
    if (isSettled || clock.monotonic() >= until) return verdicts;
    await new Promise<void>((resolve) => void clock.after(RETRY_BACKOFF_MS, resolve));
  }
}

function asToldToProducers(verdict: ErrorCode, apiVersion: number): TransactionRefused {
  const notAdded = {
    errorCode: ErrorCode.INVALID_TXN_STATE,
    errorMessage: 'Partition was not added to the transaction',
  };
  const isOldClient = apiVersion < FIRST_VERSION_THAT_ADDS_PARTITIONS;
  if (TRY_AGAIN.has(verdict) || (verdict === ErrorCode.CONCURRENT_TRANSACTIONS && isOldClient)) {
    const errorMessage = `Unable to verify the partition has been added to the transaction. Underlying error: ${errorName(verdict)}`;
    return { errorCode: ErrorCode.NOT_ENOUGH_REPLICAS, errorMessage };
  }
  if (verdict === ErrorCode.INVALID_TXN_STATE) return notAdded;
  if (verdict === ErrorCode.TRANSACTION_ABORTABLE && apiVersion < FIRST_VERSION_WITH_ABORTABLE) return notAdded;
  if (verdict === ErrorCode.PRODUCER_FENCED) return { errorCode: ErrorCode.INVALID_PRODUCER_EPOCH, errorMessage: null };
  return { errorCode: verdict, errorMessage: null };
}
