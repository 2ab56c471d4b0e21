// A producer like Java's with enable.idempotence: it numbers its batches for each partition, has up to five in flight,
// and resends unacknowledged ones in order, as often as necessary, to the broker that leads the partition by then. From
// the first unacknowledged batch on it makes no more than five, acknowledged ones included: a broker remembers so many.
import { ErrorCode, errorName } from '@milepost/core';
import { InitProducerId, Produce } from '@milepost/wire';
import type { SimPartition } from '../model/observation.ts';
import type { SimRandom } from '../sim-random.ts';
import type { SimClient } from './sim-client.ts';
import { makeBatch, type MadeBatch } from './batches.ts';
import { FIRST_VERSION_WITH_IDS, produceBody } from './produce-body.ts';
import { ClusterClient, type Leader } from './cluster-client.ts';
import { between, sleep, someWallClock, type World } from './world.ts';

/** Kafka: ProducerStateEntry.NUM_BATCHES_TO_RETAIN. */
const MOST_UNDER_WAY = 5;

/** The unacknowledged batches of one partition, oldest first. */
interface Lane {
  readonly partition: SimPartition;
  readonly unacknowledged: MadeBatch[];
  /** Where those in flight were sent: none is sent elsewhere before all of them have ended. */
  leader: Leader | undefined;
  /** The number of records made. */
  made: number;
  /** The number of batches made. */
  batches: number;
  /** Of those, the ones made by earlier processes, under other producer ids. */
  madeBefore: number;
  /** The number of the last record that was acknowledged; -1: none was. */
  acknowledged: number;
  /** The number of unacknowledged batches in flight, from the first on. */
  underWay: number;
  /** A batch failed: nothing more is sent before everything in flight has ended. */
  isBackingOut: boolean;
}

export class IdempotentProducer {
  readonly #world: World;
  readonly #random: SimRandom;
  readonly #client: ClusterClient;
  readonly #pauseMs: number;
  readonly #wall: () => number;
  readonly #fillerBytes: number;
  readonly #version: number;
  readonly #lanes = new Map<SimPartition, Lane>();
  readonly #givenUp = new Set<SimPartition>();
  /** By batch, how many of its lane were made before. */
  readonly #places = new WeakMap<MadeBatch, number>();
  #producerId: bigint | undefined;

  constructor(world: World, name: string, fillerBytes: number) {
    this.#world = world;
    this.#fillerBytes = fillerBytes;
    this.#random = world.random.fork();
    this.#client = new ClusterClient(world, name, between(this.#random, 1_000, 15_000));
    this.#pauseMs = between(this.#random, 150, 1_200);
    this.#version = this.#random.pick([9, 13]);
    this.#wall = someWallClock(world, this.#random);
  }

  /** Everything is acknowledged, or its topic is gone. */
  get isIdle(): boolean {
    return this.isIdleBut(() => false);
  }

  /** Partitions that may refuse its batches for good do not count. */
  isIdleBut(mayRefuse: (partition: SimPartition) => boolean): boolean {
    for (const { partition, unacknowledged } of this.#lanes.values())
      if (unacknowledged.length > 0 && this.#world.topics.exists(partition.topic) && !mayRefuse(partition))
        return false;
    return true;
  }

  async run(): Promise<void> {
    while (this.#world.phase !== 'over' || !this.isIdle) {
      await sleep(this.#world, this.#random.below(2 * this.#pauseMs));
      if (this.#world.phase === 'chaos' && this.#random.chance(0.03)) this.#restart();
      this.#producerId ??= await this.#initialise();
      if (this.#producerId === undefined) continue;
      if (this.#world.phase !== 'over') this.#make(this.#producerId);
      for (const lane of this.#lanes.values()) await this.#send(lane);
    }
  }

  /** Another process continues in its name, with a new id, once everything that this one sent is acknowledged. */
  #restart(): void {
    const lanes = [...this.#lanes.values()];
    if (lanes.some(({ unacknowledged }) => unacknowledged.length > 0)) return;
    for (const lane of lanes) lane.madeBefore = lane.made;
    this.#producerId = undefined;
  }

  async #initialise(): Promise<bigint | undefined> {
    const response = await this.#client.ask(InitProducerId, 4, {
      transactionalId: null,
      transactionTimeoutMs: 60_000,
    });
    this.#world.note(`${this.#client.name} is producer ${response?.producerId}`);
    return response?.errorCode === ErrorCode.NONE ? response.producerId : undefined;
  }

  #make(producerId: bigint): void {
    const partition = this.#world.topics.any(this.#random);
    if (!partition || this.#givenUp.has(partition)) return;
    if (this.#version < FIRST_VERSION_WITH_IDS && !partition.topic.isSteady) return;
    const lane = this.#laneOf(partition);
    const [oldest] = lane.unacknowledged;
    if (oldest && lane.batches - (this.#places.get(oldest) ?? 0) >= MOST_UNDER_WAY) return;
    const batch = makeBatch(partition, this.#client.name, lane.made, {
      random: this.#random,
      wall: this.#wall(),
      fillerBytes: this.#fillerBytes,
      numbering: { producerId, baseSequence: lane.made - lane.madeBefore },
    });
    lane.made += batch.records.length;
    this.#places.set(batch, lane.batches++);
    lane.unacknowledged.push(batch);
    this.#world.see({ kind: 'sent', batch });
  }

  #laneOf(partition: SimPartition): Lane {
    let lane = this.#lanes.get(partition);
    if (!lane)
      this.#lanes.set(
        partition,
        (lane = {
          partition,
          unacknowledged: [],
          leader: undefined,
          made: 0,
          batches: 0,
          madeBefore: 0,
          acknowledged: -1,
          underWay: 0,
          isBackingOut: false,
        }),
      );
    return lane;
  }

  async #send(lane: Lane): Promise<void> {
    if (!this.#world.topics.exists(lane.partition.topic)) {
      this.#lanes.delete(lane.partition);
      return;
    }
    if (lane.underWay === 0 && lane.unacknowledged.length > 0)
      lane.leader = await this.#client.leaderOf(lane.partition);
    const { leader } = lane;
    if (!leader || lane.isBackingOut) return;
    while (lane.underWay < lane.unacknowledged.length && leader.broker.isConnected)
      void this.#sendOne(lane, leader, lane.unacknowledged[lane.underWay++] as MadeBatch);
  }

  async #sendOne(lane: Lane, { broker }: Leader, batch: MadeBatch): Promise<void> {
    const { name } = this.#client;
    const what = `${batch.records[0]?.text} x${batch.records.length}`;
    this.#world.note(`${name} sends ${what}`);
    const response = await broker.askNow(Produce, this.#version, produceBody(batch, -1, this.#version));
    const answer = response?.responses[0]?.partitionResponses[0];
    lane.underWay--;
    this.#world.note(
      `${name} hears ${what}: ${answer ? errorName(answer.errorCode) : 'nothing'} at ${answer?.baseOffset}`,
    );
    if (answer?.errorCode === ErrorCode.NONE) {
      this.#world.see({ kind: 'acknowledged', batch, baseOffset: answer.baseOffset });
      lane.acknowledged = Math.max(lane.acknowledged, batch.records.at(-1)?.number ?? -1);
      const place = lane.unacknowledged.indexOf(batch);
      if (place >= 0) lane.unacknowledged.splice(place, 1);
    } else {
      const isNext = !lane.isBackingOut && lane.unacknowledged[0] === batch;
      if (answer && isAboutSequence(answer.errorCode) && isNext && this.#isOfLeader(lane, broker))
        this.#giveUp(lane, batch, answer.errorCode);
      lane.isBackingOut = true;
      if (!response || !answer) this.#client.forgetLeaderOf(lane.partition);
      else this.#client.refused(lane.partition, { ...answer, ...response });
    }
    if (lane.underWay === 0) lane.isBackingOut = false;
  }

  /** A deposed leader that does not know it yet lacks what the next one has accepted, as in Kafka. */
  #isOfLeader({ partition }: Lane, { address }: SimClient): boolean {
    return partition.topic.replicas === 1 || this.#world.leads(partition, address);
  }

  /** The node reports a gap where there is none. If its disk is not at fault, that ends the producer. */
  #giveUp(lane: Lane, batch: MadeBatch, error: ErrorCode): void {
    const overtaken = isOvertaken(lane, batch);
    if (!overtaken || !isFirst(lane, batch))
      this.#world.see({ kind: 'gap-told', batch, error: errorName(error), isOvertaken: overtaken });
    this.#givenUp.add(lane.partition);
    lane.unacknowledged.length = 0;
  }
}

/**
 * It was refused by a broker that did not lead, or lacked replicas, and a later one, already in flight, was accepted: a leader
 * takes any first sequence of a producer of which it knows nothing. Apache Kafka does likewise, before 4.5 (KAFKA-15591).
 */
const isOvertaken = ({ partition: { topic }, acknowledged }: Lane, { records }: MadeBatch): boolean =>
  topic.replicas > 1 && acknowledged > (records[0]?.number ?? 0);

const isFirst = ({ madeBefore }: Lane, { records }: MadeBatch): boolean => records[0]?.number === madeBefore;

const isAboutSequence = (error: ErrorCode): boolean =>
  error === ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER ||
  error === ErrorCode.UNKNOWN_PRODUCER_ID ||
  error === ErrorCode.INVALID_PRODUCER_EPOCH;
