// A read-process-write loop: for each input it writes one record to its topic, in transactions that also commit the offset of
// the next input. The inputs are the numbers from 0 on, so that they need no topic of their own. A process that is refused, or
// gets no response, gives up, and another one continues under the same transactional id. Some repeat a request without a
// response a few times first. Sometimes the next process begins while the former one still works: the former one is fenced
// then.
import { ErrorCode, errorName, LeaderEpoch, Offset, Timestamp, ZERO_UUID } from '@milepost/core';
import { buildBatch } from '@milepost/records';
import {
  AddOffsetsToTxn,
  AddPartitionsToTxn,
  type AnyApi,
  CreateTopics,
  EndTxn,
  InitProducerId,
  OffsetFetch,
  Produce,
  type RequestInput,
  type ResponseOutput,
  TxnOffsetCommit,
} from '@milepost/wire';
import type { SimRandom } from '../sim-random.ts';
import { ClusterClient } from './cluster-client.ts';
import { readCommitted } from './committed-records.ts';
import { between, sleep, type World } from './world.ts';

const PARTITIONS = 2;
const MOST_INPUTS = 3;
/** For each request, as long as the refusals are retriable. */
const MOST_ATTEMPTS = 20;
/** For each request without a response, by a process that is persistent. */
const MOST_LOST = 4;
/** Without faults, everything it has written can be read within this time. */
const SETTLING_MS = 60_000;

/** The versions of the requests of a client that knows transaction.version 2, and of one that does not. */
const VERSIONS = {
  old: { init: 3, add: 3, addOffsets: 3, end: 3, produce: 11, commitOffsets: 3 },
  new: { init: 5, add: 5, addOffsets: 4, end: 5, produce: 12, commitOffsets: 5 },
} as const;

/** The keys of its records are unique, so compaction removes only what was aborted. */
const TOPIC_CONFIGS: readonly Readonly<Record<string, string>>[] = [
  {},
  { 'segment.ms': '1000' },
  {
    'segment.ms': '1000',
    'cleanup.policy': 'compact',
    'min.cleanable.dirty.ratio': '0.01',
    'delete.retention.ms': '1000',
  },
];

const TO_TRANSACTION_COORDINATOR: ReadonlySet<AnyApi> = new Set([
  InitProducerId,
  AddPartitionsToTxn,
  AddOffsetsToTxn,
  EndTxn,
]);

const RETRIABLE: ReadonlySet<ErrorCode> = new Set([
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.NOT_COORDINATOR,
  ErrorCode.CONCURRENT_TRANSACTIONS,
  ErrorCode.NOT_ENOUGH_REPLICAS,
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.UNSTABLE_OFFSET_COMMIT,
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
]);

export class ExactlyOnceLoop {
  readonly name: string;
  readonly #world: World;
  readonly #random: SimRandom;
  readonly #patienceMs: number;
  readonly #topicConfigs: Readonly<Record<string, string>>;
  readonly #working = new Set<Promise<void>>();
  #processes = 0;

  constructor(world: World, name: string) {
    this.name = name;
    this.#world = world;
    this.#random = world.random.fork();
    this.#patienceMs = between(this.#random, 3_000, 15_000);
    this.#topicConfigs = this.#random.pick(TOPIC_CONFIGS);
  }

  async run(): Promise<void> {
    while (this.#world.phase !== 'over') {
      await this.#ensureTopic();
      const work = this.#process().work();
      const working = work.finally(() => this.#working.delete(working));
      this.#working.add(working);
      const overlaps = this.#world.phase === 'chaos' && this.#random.chance(0.2);
      if (overlaps) await Promise.race([working, sleep(this.#world, between(this.#random, 300, 5_000))]);
      else await working;
      await sleep(this.#world, this.#random.below(1_000));
    }
  }

  /** Without faults: reports the committed offset, and what a reader of committed records sees. */
  async reportRest(): Promise<void> {
    await Promise.all(this.#working);
    await this.#ensureTopic();
    for (let waitedMs = 0; waitedMs < SETTLING_MS; waitedMs += 500) {
      const process = this.#process();
      const inputs = await process.begin();
      const records = inputs === undefined ? undefined : await process.readAll();
      process.retire();
      if (inputs !== undefined && records) {
        this.#world.see({ kind: 'loop-at-rest', loop: this.name, inputs, records });
        return;
      }
      await sleep(this.#world, 500);
    }
    this.#world.see({ kind: 'broken', what: `${this.name} cannot be read to its end, or has no stable offset` });
  }

  #process(): LoopProcess {
    const number = this.#processes++;
    return new LoopProcess(this.#world, this.#random.fork(), this.name, number, this.#patienceMs);
  }

  /** A database that went back may have lost it. */
  async #ensureTopic(): Promise<void> {
    const client = new ClusterClient(this.#world, this.name, this.#patienceMs);
    const configs = Object.entries(this.#topicConfigs).map(([name, value]) => ({ name, value }));
    const topics = [{ name: this.name, numPartitions: PARTITIONS, replicationFactor: 1, configs }];
    for (;;) {
      const response = await client.ask(CreateTopics, 5, { topics, timeoutMs: 10_000 });
      const error = response?.topics[0]?.errorCode;
      if (error === ErrorCode.NONE || error === ErrorCode.TOPIC_ALREADY_EXISTS) break;
      await sleep(this.#world, 500);
    }
    client.retire();
  }
}

/** One process that works under the loop's transactional id. */
class LoopProcess {
  readonly #world: World;
  readonly #random: SimRandom;
  readonly #loop: string;
  readonly #name: string;
  readonly #client: ClusterClient;
  readonly #versions: (typeof VERSIONS)[keyof typeof VERSIONS];
  /** Repeats requests without a response. */
  readonly #isPersistent: boolean;
  readonly #sequences = new Map<number, number>();
  #producer = { producerId: -1n, producerEpoch: -1 };
  #transactions = 0;

  constructor(world: World, random: SimRandom, loop: string, number: number, patienceMs: number) {
    this.#world = world;
    this.#random = random;
    this.#loop = loop;
    this.#name = `${loop}.${number}`;
    this.#client = new ClusterClient(world, this.#name, patienceMs);
    this.#isPersistent = random.chance(0.5);
    this.#versions = VERSIONS[random.pick(['old', 'new'] as const)];
  }

  /** Ends when a request is refused for good, or gets no response. */
  async work(): Promise<void> {
    let position = await this.begin();
    while (position !== undefined && this.#world.phase !== 'over') {
      const count = between(this.#random, 1, MOST_INPUTS);
      const outcome = await this.#transaction(position, count);
      if (outcome === 'given up') break;
      if (outcome === 'committed') position += count;
      await sleep(this.#world, this.#random.below(800));
    }
    this.retire();
  }

  retire(): void {
    this.#client.retire();
  }

  /** Fences all earlier processes. Resolves with the first input that is not done. */
  async begin(): Promise<number | undefined> {
    const fields = { transactionalId: this.#loop, transactionTimeoutMs: 10_000, producerId: -1n, producerEpoch: -1 };
    const begun = await this.#ask(InitProducerId, this.#versions.init, fields, ({ errorCode }) => errorCode);
    if (!begun) return undefined;
    this.#become(begun);
    const groups = [{ groupId: this.#loop, topics: [{ name: this.#loop, partitionIndexes: [0] }] }];
    const offsets = ({ groups: [group] }: ResponseOutput<typeof OffsetFetch>) => group?.topics[0]?.partitions[0];
    const fetched = await this.#ask(
      OffsetFetch,
      8,
      { groups, requireStable: true },
      (response) => response.groups[0]?.errorCode || (offsets(response)?.errorCode ?? ErrorCode.NONE),
    );
    return fetched && Math.max(0, offsets(fetched)?.committedOffset ?? 0);
  }

  /** Everything that a reader of committed records sees. */
  async readAll(): Promise<string[] | undefined> {
    const records: string[] = [];
    for (let index = 0; index < PARTITIONS; index++) {
      const found = await readCommitted(this.#client, this.#loop, index);
      if (!found) return undefined;
      records.push(...found);
    }
    return records;
  }

  async #transaction(position: number, count: number): Promise<'committed' | 'aborted' | 'given up'> {
    const transaction = `${this.#name}/${this.#transactions++}`;
    const inputs = Array.from({ length: count }, (_, at) => position + at);
    const records = inputs.map((input) => `${input} by ${transaction}`);
    this.#world.see({ kind: 'transaction-begun', transaction, records });
    for (let index = 0; index < PARTITIONS; index++) {
      const values = records.filter((_, at) => (position + at) % PARTITIONS === index);
      if (values.length > 0 && !(await this.#write(index, values))) return 'given up';
    }
    if (!(await this.#commitOffset(position + count))) return 'given up';
    await sleep(this.#world, this.#random.below(300));
    const isCommit = this.#random.chance(0.85);
    this.#world.note(`${transaction} ${isCommit ? 'commits' : 'aborts'} ${inputs.join(' ')}`);
    if (isCommit) this.#world.see({ kind: 'transaction-committing', transaction });
    const asked = { transactionalId: this.#loop, ...this.#producer, committed: isCommit };
    const ended = await this.#ask(EndTxn, this.#versions.end, asked, ({ errorCode }) => errorCode);
    if (!ended) return 'given up';
    if (ended.producerEpoch >= 0) this.#become(ended);
    this.#world.note(`${transaction} is ended`);
    this.#world.see({ kind: 'transaction-ended', transaction, isCommit });
    return isCommit ? 'committed' : 'aborted';
  }

  async #write(index: number, values: readonly string[]): Promise<boolean> {
    const transactionalId = this.#loop;
    if (this.#versions === VERSIONS.old) {
      const topics = [{ name: this.#loop, partitions: [index] }];
      const { producerId, producerEpoch } = this.#producer;
      const asked = {
        v3AndBelowTransactionalId: transactionalId,
        v3AndBelowProducerId: producerId,
        v3AndBelowProducerEpoch: producerEpoch,
        v3AndBelowTopics: topics,
      };
      const errorOf = ({ resultsByTopicV3AndBelow: [topic] }: ResponseOutput<typeof AddPartitionsToTxn>) =>
        topic?.resultsByPartition[0]?.partitionErrorCode ?? ErrorCode.NONE;
      if (!(await this.#ask(AddPartitionsToTxn, this.#versions.add, asked, errorOf))) return false;
    }
    const baseSequence = this.#sequences.get(index) ?? 0;
    const timestamp = Timestamp(this.#world.clock.now());
    const batch = buildBatch({
      records: values.map((value) => ({ key: Buffer.from(value), value: Buffer.from(value), timestamp })),
      ...this.#producer,
      baseSequence,
      isTransactional: true,
    });
    const topicData = [{ name: this.#loop, topicId: ZERO_UUID, partitionData: [{ index, records: batch }] }];
    const written = await this.#ask(
      Produce,
      this.#versions.produce,
      { transactionalId, acks: -1, timeoutMs: 5_000, topicData },
      ({ responses }) => responses[0]?.partitionResponses[0]?.errorCode ?? ErrorCode.NONE,
    );
    this.#sequences.set(index, baseSequence + values.length);
    return written !== undefined;
  }

  async #commitOffset(offset: number): Promise<boolean> {
    const producer = { transactionalId: this.#loop, ...this.#producer };
    const groupId = this.#loop;
    if (this.#versions === VERSIONS.old) {
      const asked = { ...producer, groupId };
      const added = await this.#ask(AddOffsetsToTxn, this.#versions.addOffsets, asked, ({ errorCode }) => errorCode);
      if (!added) return false;
    }
    const partition = {
      partitionIndex: 0,
      committedOffset: Offset(offset),
      committedLeaderEpoch: LeaderEpoch(-1),
      committedMetadata: null,
    };
    const topics = [{ name: this.#loop, partitions: [partition] }];
    const committed = await this.#ask(
      TxnOffsetCommit,
      this.#versions.commitOffsets,
      { ...producer, groupId, topics },
      (response) => response.topics[0]?.partitions[0]?.errorCode ?? ErrorCode.NONE,
    );
    return committed !== undefined;
  }

  /** Undefined if it is refused for good, or its outcome is unknown. */
  async #ask<A extends AnyApi>(
    api: A,
    version: number,
    body: RequestInput<A>,
    errorOf: (response: ResponseOutput<A>) => ErrorCode,
  ): Promise<ResponseOutput<A> | undefined> {
    let lost = 0;
    let last: ErrorCode = ErrorCode.NONE;
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      const response = TO_TRANSACTION_COORDINATOR.has(api)
        ? await this.#client.askTransactionCoordinator(this.#loop, api, version, body, errorOf)
        : await this.#client.ask(api, version, body);
      const error = response && errorOf(response);
      if (error === ErrorCode.NONE) return response;
      if (error === undefined) lost += 1;
      else last = error;
      const isRetriable = error === undefined ? this.#isPersistent && lost <= MOST_LOST : RETRIABLE.has(error);
      if (!isRetriable) {
        this.#world.note(
          `${this.#name} gives up: ${api.name} ${error === undefined ? 'has no response' : errorName(error)}`,
        );
        return undefined;
      }
      await sleep(this.#world, 100);
    }
    this.#world.note(`${this.#name} gives up: ${api.name} is still refused with ${errorName(last)}`);
    return undefined;
  }

  #become({ producerId, producerEpoch }: { readonly producerId: bigint; readonly producerEpoch: number }): void {
    if (producerId !== this.#producer.producerId || producerEpoch !== this.#producer.producerEpoch)
      this.#sequences.clear();
    this.#producer = { producerId, producerEpoch };
  }
}
