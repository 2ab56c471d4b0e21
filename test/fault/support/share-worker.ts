// A worker of a queue: a member of a share group that accepts what it gets, and goes on after any failure of its broker. It
// knows when the acknowledgement of each record was answered.
import { setTimeout as pause } from 'node:timers/promises';
import { ErrorCode, Offset, type Uuid } from '@milepost/core';
import { nodeNetwork } from '@milepost/node-host';
import { batchesOf } from '@milepost/records';
import { AcknowledgeType, ShareAcknowledge, ShareFetch, ShareGroupHeartbeat } from '@milepost/wire';
import { RawClient } from '../../../libs/broker/src/testing/raw-client.ts';

const RETRY_MS = 100;
const HEARTBEAT_MS = 2_000;

export interface Delivery {
  readonly value: string;
  readonly deliveredAtMs: number;
  /** Undefined: its acknowledgement was not answered, or refused. */
  acceptedAtMs: number | undefined;
}

export class ShareWorker {
  readonly deliveries: Delivery[] = [];
  readonly #port: number;
  readonly #group: string;
  readonly #topic: string;
  #lives = 0;
  #isStopped = false;
  readonly #done: Promise<void>;

  constructor(port: number, group: string, topic: string) {
    this.#port = port;
    this.#group = group;
    this.#topic = topic;
    this.#done = this.#work();
  }

  get accepted(): number {
    return this.deliveries.filter(({ acceptedAtMs }) => acceptedAtMs !== undefined).length;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#done;
  }

  async #work(): Promise<void> {
    while (!this.#isStopped) {
      try {
        const client = await RawClient.connect(nodeNetwork, { host: '127.0.0.1', port: this.#port });
        await this.#live(client).finally(() => client.close());
      } catch {
        await pause(RETRY_MS); // the broker was killed
      }
    }
  }

  /** With one member id and one share session. */
  async #live(client: RawClient): Promise<void> {
    const memberId = `${process.pid}-${this.#topic}-${++this.#lives}-${Math.random()}`.slice(0, 36);
    const member = { groupId: this.#group, memberId };
    const join = { ...member, memberEpoch: 0, subscribedTopicNames: [this.#topic] };
    let heartbeat = await client.ask(ShareGroupHeartbeat, 1, join);
    let heartbeatAtMs = Date.now();
    const assigned = (heartbeat.assignment?.topicPartitions ?? []).map(({ topicId, partitions }) => ({
      topicId,
      partitions: partitions.map((partitionIndex) => ({ partitionIndex, acknowledgementBatches: [] })),
    }));
    if (assigned.length === 0) throw new Error('nothing is assigned yet');
    for (let epoch = 0; !this.#isStopped; ) {
      if (Date.now() - heartbeatAtMs > HEARTBEAT_MS) {
        heartbeat = await client.ask(ShareGroupHeartbeat, 1, { ...member, memberEpoch: heartbeat.memberEpoch });
        heartbeatAtMs = Date.now();
        if (heartbeat.errorCode !== ErrorCode.NONE) return;
      }
      const fetched = await client.ask(ShareFetch, 2, {
        ...member,
        shareSessionEpoch: epoch++,
        maxWaitMs: 500,
        minBytes: 1,
        maxRecords: 20,
        batchSize: 20,
        topics: epoch === 1 ? assigned : [],
        forgottenTopicsData: [],
      });
      if (fetched.errorCode !== ErrorCode.NONE) return;
      for (const { topicId, partitions } of fetched.responses)
        for (const { partitionIndex, records, acquiredRecords } of partitions) {
          if (acquiredRecords.length === 0) continue;
          const delivered = this.#note(records ?? Buffer.alloc(0), acquiredRecords);
          const isAccepted = await accept(client, member, epoch++, topicId, partitionIndex, acquiredRecords);
          if (isAccepted) for (const one of delivered) one.acceptedAtMs = Date.now();
        }
    }
  }

  #note(records: Buffer, ranges: readonly { firstOffset: Offset; lastOffset: Offset }[]): Delivery[] {
    const now = Date.now();
    const delivered = [...batchesOf(records)].flatMap((batch) =>
      [...batch.records()]
        .filter(({ offset }) =>
          ranges.some(({ firstOffset, lastOffset }) => firstOffset <= offset && offset <= lastOffset),
        )
        .map(({ value }): Delivery => ({ value: String(value), deliveredAtMs: now, acceptedAtMs: undefined })),
    );
    this.deliveries.push(...delivered);
    return delivered;
  }
}

async function accept(
  client: RawClient,
  member: { readonly groupId: string; readonly memberId: string },
  epoch: number,
  topicId: Uuid,
  partitionIndex: number,
  ranges: readonly { readonly firstOffset: Offset; readonly lastOffset: Offset }[],
): Promise<boolean> {
  const acknowledgementBatches = ranges.map(({ firstOffset, lastOffset }) => ({
    firstOffset,
    lastOffset,
    acknowledgeTypes: [AcknowledgeType.ACCEPT],
  }));
  const { errorCode, responses } = await client.ask(ShareAcknowledge, 2, {
    ...member,
    shareSessionEpoch: epoch,
    topics: [{ topicId, partitions: [{ partitionIndex, acknowledgementBatches }] }],
  });
  const error = errorCode || responses[0]?.partitions[0]?.errorCode;
  return error === ErrorCode.NONE;
}
