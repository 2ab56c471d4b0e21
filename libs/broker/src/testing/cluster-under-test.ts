// Several brokers on one database, for tests: each a simulated node on a machine of its own, with one network and one clock
// for all. They can be stopped, killed and started again.
import { type Address, BrokerId, type Logger } from '@milepost/core';
import type { ClusterImage, PartitionState } from '@milepost/metadata';
import { SimClock, SimDatabase, SimMachine, SimNetwork, SimNode, SimRandom } from '@milepost/simulator';
import { RawClient } from './raw-client.ts';

export interface ClusterOptions {
  readonly brokers?: number;
  /** The first broker's first. */
  readonly racks?: readonly string[];
  readonly properties?: Readonly<Record<string, string>>;
}

export class ClusterUnderTest {
  readonly clock = new SimClock();
  readonly network: SimNetwork;
  readonly database: SimDatabase;
  /** Every line of level warn and error. */
  readonly lines: string[] = [];
  readonly #nodes: readonly SimNode[];
  readonly #clients: RawClient[] = [];

  constructor({ brokers = 3, racks = [], properties = {} }: ClusterOptions = {}) {
    const random = new SimRandom(1);
    const nothing = (): void => {};
    const keep = (_: object, message: string): void => void this.lines.push(message);
    const logger: Logger = { debug: nothing, info: nothing, warn: keep, error: keep };
    this.network = new SimNetwork(random.fork(), this.clock);
    this.database = new SimDatabase(random.fork(), this.clock);
    this.#nodes = Array.from({ length: brokers }, (_, place) => {
      const rack = racks[place];
      return new SimNode({
        random: random.fork(),
        machine: new SimMachine(`broker-${place + 1}`, this.clock, this.network),
        brokerId: BrokerId(place + 1),
        database: this.database,
        logger,
        properties: { 'group.initial.rebalance.delay.ms': '0', ...properties },
        ...(rack !== undefined && { rack }),
      });
    });
  }

  /** All of them, one after the other. */
  async start(): Promise<void> {
    for (const node of this.#nodes) await this.settle(node.start());
  }

  node(id: number): SimNode {
    const node = this.#nodes[id - 1];
    if (!node) throw new Error(`there is no broker ${id}`);
    return node;
  }

  /** The truth in the database. */
  get image(): ClusterImage {
    return this.database.metadata.image;
  }

  partitions(topic: string): readonly PartitionState[] {
    return this.image.topics.get(topic)?.partitions ?? [];
  }

  /** A client of one broker. */
  async client(id: number): Promise<RawClient> {
    return this.clientAt(this.node(id).address);
  }

  async clientAt(address: Address): Promise<RawClient> {
    const client = await this.settle(RawClient.connect(this.network.host('client'), address));
    this.#clients.push(client);
    return client;
  }

  settle<Result>(work: Promise<Result>, withinMs = 60_000): Promise<Result> {
    return this.clock.settle(work, withinMs);
  }

  until(condition: () => boolean, withinMs = 120_000): Promise<void> {
    return this.clock.until(condition, withinMs);
  }

  async stop(): Promise<void> {
    for (const client of this.#clients.splice(0)) client.close();
    for (const node of this.#nodes) if (node.isUp) await this.settle(node.stop());
  }
}
