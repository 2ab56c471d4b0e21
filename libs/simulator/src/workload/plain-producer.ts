// A producer without idempotence, with any acks: it sends every batch once, several at a time on one connection to the
// leader. A batch without a response may have been stored or not, and one that was sent to an earlier leader may be stored
// later, behind others: within one leadership, on one connection after the other, order is kept.
import { ErrorCode } from '@milepost/core';
import { Produce } from '@milepost/wire';
import type { SimPartition } from '../model/observation.ts';
import type { SimRandom } from '../sim-random.ts';
import { makeBatch } from './batches.ts';
import { produceBody } from './produce-body.ts';
import { ClusterClient, type Leader } from './cluster-client.ts';
import { between, sleep, someWallClock, type World } from './world.ts';

const MOST_UNDER_WAY = 5;
const ALL = -1;
const VERSION = 13;

export class PlainProducer {
  readonly #world: World;
  readonly #random: SimRandom;
  readonly #client: ClusterClient;
  readonly #acks: number;
  readonly #pauseMs: number;
  readonly #wall: () => number;
  readonly #fillerBytes: number;
  readonly #sent = new Map<SimPartition, number>();
  #underWay = 0;

  constructor(world: World, name: string, fillerBytes: number) {
    this.#world = world;
    this.#fillerBytes = fillerBytes;
    this.#random = world.random.fork();
    this.#client = new ClusterClient(world, name, between(this.#random, 2_000, 20_000));
    this.#acks = this.#random.pick([ALL, ALL, 1, 0]);
    this.#pauseMs = between(this.#random, 200, 1_500);
    this.#wall = someWallClock(world, this.#random);
  }

  async run(): Promise<void> {
    while (this.#world.phase !== 'over') {
      await sleep(this.#world, this.#random.below(2 * this.#pauseMs));
      const partition = this.#world.topics.any(this.#random);
      if (!partition || this.#underWay >= MOST_UNDER_WAY) continue;
      const leader = await this.#client.leaderOf(partition);
      if (leader && this.#world.topics.exists(partition.topic)) this.#send(partition, leader);
    }
  }

  #send(partition: SimPartition, { broker, epoch }: Leader): void {
    const number = this.#sent.get(partition) ?? 0;
    const batch = makeBatch(partition, `${this.#client.name}.${epoch}`, number, {
      random: this.#random,
      wall: this.#wall(),
      fillerBytes: this.#fillerBytes,
    });
    this.#sent.set(partition, number + batch.records.length);
    this.#world.see({ kind: 'sent', batch });
    this.#world.note(
      `${this.#client.name} sends ${batch.records[0]?.text} x${batch.records.length} acks=${this.#acks}`,
    );
    const body = produceBody(batch, this.#acks, VERSION);
    if (this.#acks === 0) {
      broker.tell(Produce, VERSION, body);
      return;
    }
    this.#underWay++;
    void broker.askNow(Produce, VERSION, body).then((response) => {
      this.#underWay--;
      const answer = response?.responses[0]?.partitionResponses[0];
      this.#world.note(
        `${this.#client.name} hears ${batch.records[0]?.text}: ${answer?.errorCode} at ${answer?.baseOffset}`,
      );
      if (!response || !answer) return this.#client.forgetLeaderOf(partition);
      if (answer.errorCode !== ErrorCode.NONE) return this.#client.refused(partition, { ...answer, ...response });
      // What the leader alone has acknowledged may be lost with it, where others have copies and lead next.
      if (this.#acks === ALL || partition.topic.replicas === 1)
        this.#world.see({ kind: 'acknowledged', batch, baseOffset: answer.baseOffset });
    });
  }
}
