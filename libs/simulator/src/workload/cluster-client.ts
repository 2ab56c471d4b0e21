// A client of the cluster, like Kafka's clients: any broker tells it the leaders of partitions and the coordinators of
// groups. It has one connection to each broker that it needs, and refreshes its metadata when a broker refuses. It ignores
// metadata older than it has seen.
import { type Address, type BrokerId, ErrorCode, type LeaderEpoch } from '@milepost/core';
import { type AnyApi, FindCoordinator, Metadata, type RequestInput, type ResponseOutput } from '@milepost/wire';
import type { SimPartition } from '../model/observation.ts';
import type { SimRandom } from '../sim-random.ts';
import { SimClient } from './sim-client.ts';
import { sleep, type World } from './world.ts';

/** The shortest time between two refreshes of the metadata. */
const REFRESH_MS = 200;
const ANY_TOPIC = null;
/** Kinds of coordinators, by key type. */
const GROUP = 0;
const TRANSACTION = 1;

export interface Leader {
  readonly broker: SimClient;
  readonly epoch: number;
}

export interface LeaderHint {
  readonly currentLeader: { readonly leaderId: BrokerId; readonly leaderEpoch: LeaderEpoch };
  readonly nodeEndpoints: readonly (Address & { readonly nodeId: BrokerId })[];
}

/** The origin of a coordinator's response. */
export interface Coordinated {
  readonly broker: string;
  /** By the database, when the response arrived. Otherwise it may be out of date, as in Kafka. */
  readonly isOwner: boolean;
}

export class ClusterClient {
  readonly name: string;
  readonly #world: World;
  readonly #random: SimRandom;
  readonly #patienceMs: number;
  /** By address. */
  readonly #brokers = new Map<string, SimClient>();
  /** For requests that any broker can answer. */
  #any: SimClient;
  readonly #leaders = new Map<SimPartition, Leader>();
  /** The latest leader epoch that it has seen. */
  readonly #epochs = new Map<SimPartition, number>();
  readonly #coordinators = new Map<string, SimClient>();
  readonly #coordinated = new WeakMap<object, Coordinated>();
  #transactionCoordinator: SimClient | undefined;
  #refreshing: Promise<void> | undefined;
  #restsUntil = 0;
  #isRetired = false;

  constructor(world: World, name: string, patienceMs: number) {
    this.#world = world;
    this.#random = world.random.fork();
    this.name = name;
    this.#patienceMs = patienceMs;
    this.#any = this.#someBroker();
  }

  /** From any broker; from another one next time, where it does not respond. */
  async ask<A extends AnyApi>(
    api: A,
    version: number,
    body: RequestInput<A>,
    patienceMs = this.#patienceMs,
  ): Promise<ResponseOutput<A> | undefined> {
    const response = await this.#any.ask(api, version, body, patienceMs);
    if (response === undefined) this.#any = this.#someBroker();
    return response;
  }

  /** Connected. Undefined while nobody is known to lead the partition, or it cannot be reached. */
  async leaderOf(partition: SimPartition): Promise<Leader | undefined> {
    if (!this.#leaders.has(partition)) await this.#refresh();
    const leader = this.#leaders.get(partition);
    if (leader && (await leader.broker.connect())) return leader;
    this.forgetLeaderOf(partition);
    return undefined;
  }

  /** It refused, or did not respond: the next request refreshes the metadata first. */
  forgetLeaderOf(partition: SimPartition): void {
    this.#leaders.delete(partition);
  }

  /** As `forgetLeaderOf`, where the response to the refused request may name the leader (KIP-951). */
  refused(partition: SimPartition, { currentLeader, nodeEndpoints }: LeaderHint): void {
    this.forgetLeaderOf(partition);
    const { leaderId, leaderEpoch } = currentLeader;
    this.#learn(
      partition,
      leaderId,
      leaderEpoch,
      nodeEndpoints.find(({ nodeId }) => nodeId === leaderId),
    );
  }

  async askLeader<A extends AnyApi>(
    partition: SimPartition,
    api: A,
    version: number,
    body: (epoch: number) => RequestInput<A>,
  ): Promise<{ readonly response: ResponseOutput<A>; readonly leader: Leader } | undefined> {
    const leader = await this.leaderOf(partition);
    if (!leader) return undefined;
    const response = await leader.broker.askNow(api, version, body(leader.epoch));
    if (response === undefined) this.forgetLeaderOf(partition);
    return response && { response, leader };
  }

  async askCoordinator<A extends AnyApi>(
    group: string,
    api: A,
    version: number,
    body: RequestInput<A>,
  ): Promise<ResponseOutput<A> | undefined> {
    const coordinator = await this.#coordinatorOf(group);
    const response = await coordinator?.ask(api, version, body, this.#patienceMs);
    if (!coordinator || response === undefined) {
      this.#coordinators.delete(group);
      return undefined;
    }
    const { address } = coordinator;
    const isOwner = this.#world.coordinates(group, address);
    if (!isOwner) this.#world.note(`${this.name} is answered by ${address.host}, which does not own ${group} any more`);
    this.#coordinated.set(response, { broker: address.host, isOwner });
    return response;
  }

  /** Of a response that `askCoordinator` resolved with. */
  coordinated(response: object): Coordinated {
    const coordinated = this.#coordinated.get(response);
    if (!coordinated) throw new Error(`${this.name}: no coordinator gave this response`);
    return coordinated;
  }

  /** To the coordinator of the transactional id. After a refusal or no response it is looked up again. */
  async askTransactionCoordinator<A extends AnyApi>(
    transactionalId: string,
    api: A,
    version: number,
    body: RequestInput<A>,
    errorOf: (response: ResponseOutput<A>) => ErrorCode,
  ): Promise<ResponseOutput<A> | undefined> {
    this.#transactionCoordinator ??= await this.#find(TRANSACTION, transactionalId);
    const response = await this.#transactionCoordinator?.ask(api, version, body, this.#patienceMs);
    if (!response || errorOf(response) !== ErrorCode.NONE) this.#transactionCoordinator = undefined;
    return response;
  }

  /** After each response: the broker may not be the coordinator any more. */
  heard(group: string, error: ErrorCode | undefined): void {
    if (error === ErrorCode.NOT_COORDINATOR || error === ErrorCode.COORDINATOR_NOT_AVAILABLE)
      this.#coordinators.delete(group);
  }

  disconnect(): void {
    for (const broker of this.#brokers.values()) broker.disconnect();
  }

  /** Its process is gone: no connection any more. */
  retire(): void {
    this.#isRetired = true;
    for (const broker of this.#brokers.values()) broker.retire();
  }

  async #coordinatorOf(group: string): Promise<SimClient | undefined> {
    const known = this.#coordinators.get(group);
    if (known) return known;
    const coordinator = await this.#find(GROUP, group);
    if (coordinator) this.#coordinators.set(group, coordinator);
    return coordinator;
  }

  async #find(keyType: number, key: string): Promise<SimClient | undefined> {
    await this.#rest();
    const response = await this.ask(FindCoordinator, 4, { keyType, coordinatorKeys: [key] });
    const found = response?.coordinators[0];
    return found?.errorCode === ErrorCode.NONE ? this.#broker(found) : undefined;
  }

  #refresh(): Promise<void> {
    this.#refreshing ??= this.#look().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  async #look(): Promise<void> {
    await this.#rest();
    const response = await this.ask(Metadata, 12, { topics: ANY_TOPIC, allowAutoTopicCreation: false });
    const addresses = new Map(response?.brokers.map((broker) => [broker.nodeId, broker]));
    const topics = new Map(response?.topics.map((topic) => [topic.topicId, topic.partitions]));
    for (const partition of this.#world.topics.partitions()) {
      const found = topics.get(partition.topic.id)?.find(({ partitionIndex }) => partitionIndex === partition.index);
      if (!found) continue;
      const { leaderId, leaderEpoch } = found;
      this.#learn(partition, leaderId, leaderEpoch, addresses.get(leaderId));
    }
  }

  #learn(partition: SimPartition, leader: number, epoch: number, address: Address | undefined): void {
    if (leader >= 0) this.#world.see({ kind: 'leader-told', partition, leader, epoch });
    if (!address || epoch < (this.#epochs.get(partition) ?? -1)) return;
    this.#epochs.set(partition, epoch);
    this.#leaders.set(partition, { broker: this.#broker(address), epoch });
  }

  async #rest(): Promise<void> {
    const now = this.#world.clock.monotonic();
    const ms = this.#restsUntil - now;
    this.#restsUntil = Math.max(now, this.#restsUntil) + REFRESH_MS;
    if (ms > 0) await sleep(this.#world, ms);
  }

  #someBroker(): SimClient {
    return this.#broker(this.#random.pick(this.#world.bootstrap));
  }

  #broker({ host, port }: Address): SimClient {
    const key = `${host}:${port}`;
    let broker = this.#brokers.get(key);
    if (!broker) {
      broker = new SimClient(this.#world, this.name, { host, port }, this.#patienceMs);
      if (this.#isRetired) broker.retire();
      this.#brokers.set(key, broker);
    }
    return broker;
  }
}
