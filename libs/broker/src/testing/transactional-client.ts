// A transactional producer that says exactly what a test wants said, in the versions of an old client or of a new one.
import { ErrorCode, LeaderEpoch, Offset, Timestamp, ZERO_UUID } from '@milepost/core';
import { buildBatch } from '@milepost/records';
import { AddOffsetsToTxn, AddPartitionsToTxn, EndTxn, InitProducerId, Produce, TxnOffsetCommit } from '@milepost/wire';
import type { RawClient } from './raw-client.ts';

/** The versions of requests that belong to a transaction version. */
const VERSIONS = {
  old: { init: 3, add: 3, addOffsets: 3, end: 3, produce: 9, commitOffsets: 3 },
  new: { init: 5, add: 5, addOffsets: 4, end: 5, produce: 12, commitOffsets: 5 },
} as const;

export class TransactionalClient {
  readonly transactionalId: string;
  readonly kind: keyof typeof VERSIONS;
  client: RawClient;
  producerId = -1n;
  producerEpoch = -1;
  timeoutMs = 60_000;
  now: () => number = Date.now;
  readonly #sequences = new Map<string, number>();

  constructor(client: RawClient, kind: keyof typeof VERSIONS, transactionalId = 'x') {
    this.client = client;
    this.kind = kind;
    this.transactionalId = transactionalId;
  }

  async init(): Promise<ErrorCode> {
    const { transactionalId, timeoutMs: transactionTimeoutMs } = this;
    const asked = { transactionalId, transactionTimeoutMs, producerId: -1n, producerEpoch: -1 };
    const { errorCode, ...producer } = await this.client.ask(InitProducerId, this.#version('init'), asked);
    if (errorCode === ErrorCode.NONE) this.#become(producer);
    return errorCode;
  }

  async add(topic: string, ...partitions: number[]): Promise<ErrorCode[]> {
    const { transactionalId, producerId, producerEpoch } = this;
    const topics = [{ name: topic, partitions }];
    const request =
      this.kind === 'new'
        ? { transactions: [{ transactionalId, producerId, producerEpoch, verifyOnly: false, topics }] }
        : {
            v3AndBelowTransactionalId: transactionalId,
            v3AndBelowProducerId: producerId,
            v3AndBelowProducerEpoch: producerEpoch,
            v3AndBelowTopics: topics,
          };
    const answer = await this.client.ask(AddPartitionsToTxn, this.#version('add'), request as never);
    const results = answer.resultsByTransaction[0]?.topicResults ?? answer.resultsByTopicV3AndBelow;
    return results.flatMap((one) => one.resultsByPartition.map(({ partitionErrorCode }) => partitionErrorCode));
  }

  async addOffsets(groupId: string): Promise<ErrorCode> {
    const { transactionalId, producerId, producerEpoch } = this;
    const asked = { transactionalId, producerId, producerEpoch, groupId };
    return (await this.client.ask(AddOffsetsToTxn, this.#version('addOffsets'), asked)).errorCode;
  }

  async send(topic: string, value: string, index = 0): Promise<ErrorCode> {
    const { transactionalId, producerId, producerEpoch } = this;
    const key = `${producerId} ${producerEpoch} ${topic} ${index}`;
    const baseSequence = this.#sequences.get(key) ?? 0;
    const records = buildBatch({
      records: [{ key: null, value: Buffer.from(value), timestamp: Timestamp(this.now()) }],
      producerId,
      producerEpoch,
      baseSequence,
      isTransactional: true,
    });
    const topicData = [{ name: topic, topicId: ZERO_UUID, partitionData: [{ index, records }] }];
    const { responses } = await this.client.ask(Produce, this.#version('produce'), {
      transactionalId,
      acks: -1,
      timeoutMs: 30_000,
      topicData,
    });
    const errorCode = responses[0]?.partitionResponses[0]?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR;
    if (errorCode === ErrorCode.NONE) this.#sequences.set(key, baseSequence + 1);
    return errorCode;
  }

  async commitOffset(groupId: string, topic: string, offset: number): Promise<ErrorCode> {
    const { transactionalId, producerId, producerEpoch } = this;
    const partition = {
      partitionIndex: 0,
      committedOffset: Offset(offset),
      committedLeaderEpoch: LeaderEpoch(0),
      committedMetadata: null,
    };
    const topics = [{ name: topic, partitions: [partition] }];
    const asked = { transactionalId, groupId, producerId, producerEpoch, topics };
    const answer = await this.client.ask(TxnOffsetCommit, this.#version('commitOffsets'), asked);
    return answer.topics[0]?.partitions[0]?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR;
  }

  async end(committed: boolean): Promise<ErrorCode> {
    const { transactionalId, producerId, producerEpoch } = this;
    const asked = { transactionalId, producerId, producerEpoch, committed };
    const { errorCode, ...next } = await this.client.ask(EndTxn, this.#version('end'), asked);
    if (errorCode === ErrorCode.NONE && next.producerEpoch >= 0) this.#become(next);
    return errorCode;
  }

  #version(request: keyof (typeof VERSIONS)['old']): number {
    return VERSIONS[this.kind][request];
  }

  #become({ producerId, producerEpoch }: { readonly producerId: bigint; readonly producerEpoch: number }): void {
    this.producerId = producerId;
    this.producerEpoch = producerEpoch;
  }
}
