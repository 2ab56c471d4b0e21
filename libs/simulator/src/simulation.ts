// One life of a cluster, of one node or several, determined by one seed: chaos, calm, an audit, a power cut and a last
// audit. Everything that clients see is passed to the checkers; the first violation ends it.
import { shardOf } from '@milepost/coordinators';
import { type Address, BrokerId, type Logger } from '@milepost/core';
import { allCheckers, type Checker, LOOP_TOPIC } from './checkers/index.ts';
import type { Observation, SimPartition } from './model/observation.ts';
import { replicasIn } from './replicas.ts';
import { GROUP_SHARDS, type Scenario, scenarioOf } from './scenario.ts';
import { SimClock } from './sim-clock.ts';
import { SimDatabase } from './sim-database.ts';
import { PowerLost } from './sim-disk.ts';
import { NodeOperator } from './node-operator.ts';
import { SimMachine } from './sim-machine.ts';
import { SimNetwork } from './sim-network.ts';
import { type Plants, SimNode } from './sim-node.ts';
import { SimRandom } from './sim-random.ts';
import { Trace } from './trace.ts';
import { Weather } from './weather.ts';
import { Administrator } from './workload/administrator.ts';
import { audit } from './workload/auditor.ts';
import { CommittedReader } from './workload/committed-reader.ts';
import { awaitConvergence } from './workload/convergence.ts';
import { ExactlyOnceLoop } from './workload/exactly-once-loop.ts';
import { IdempotentProducer } from './workload/idempotent-producer.ts';
import { MemberGroup } from './workload/member-group.ts';
import { Outstanding } from './workload/outstanding.ts';
import { PlainProducer } from './workload/plain-producer.ts';
import { Reader } from './workload/reader.ts';
import { ReplicaMover } from './workload/replica-mover.ts';
import { SelfAssignedConsumer } from './workload/self-assigned-consumer.ts';
import { SessionReader } from './workload/session-reader.ts';
import { StalledReader } from './workload/stalled-reader.ts';
import { awaitTheEnd } from './workload/stragglers.ts';
import { TopicBook } from './workload/topic-book.ts';
import { sleep, type World } from './workload/world.ts';

/** Longer than any request may wait here. */
const HANG_MS = 90_000;
/** broker.session.timeout.ms */
const DEFAULT_SESSION_MS = 15_000;
const LONGEST_LIFE_MS = 1_800_000;

export interface Violation {
  /** The checker's sentence. */
  readonly checker: string;
  readonly what: string;
}

export interface Outcome {
  readonly seed: number;
  readonly violation: Violation | undefined;
  /** Two runs of a seed have the same hash. */
  readonly hash: string;
  readonly turns: number;
  readonly virtualMs: number;
  readonly lastEvents: (count: number) => string[];
  readonly scenario: Scenario;
  /** Faults that its weather had for it. */
  readonly faults: number;
}

export interface Conditions {
  readonly plants?: Plants;
  /** The number of nodes; 1 by default. */
  readonly nodes?: number;
  /** Overrides the scenario of the seed. */
  readonly scenario?: Partial<Scenario>;
  /** Faults that are left out, by their numbers, from 0. */
  readonly withoutFaults?: readonly number[];
}

export function simulate(seed: number, conditions: Conditions = {}): Promise<Outcome> {
  return new Simulation(seed, conditions).live();
}

class Simulation implements World {
  readonly clock = new SimClock();
  readonly random: SimRandom;
  readonly network: SimNetwork;
  readonly topics = new TopicBook();
  readonly outstanding = new Outstanding(this.clock);
  phase: World['phase'] = 'chaos';
  readonly wallClocks: World['wallClocks'];
  readonly bootstrap: World['bootstrap'];
  readonly #seed: number;
  readonly #scenario: Scenario;
  readonly #database: SimDatabase;
  readonly #operators: readonly NodeOperator[];
  readonly #weather: Weather;
  readonly #trace = new Trace(this.clock);
  readonly #checkers: readonly Checker[] = allCheckers();
  readonly #rotten = new Set<string>();
  /** By shard of groups, the machine that acquired it last. */
  readonly #shardOwners = new Map<number, string>();
  #hasForgotten = false;
  #violation: Violation | undefined;

  constructor(seed: number, { nodes = 1, plants = {}, scenario = {}, withoutFaults = [] }: Conditions) {
    this.#seed = seed;
    const random = new SimRandom(seed);
    this.#scenario = { ...scenarioOf(random.fork(), nodes), ...scenario };
    this.random = random.fork();
    this.network = new SimNetwork(random.fork(), this.clock);
    this.#database = new SimDatabase(random.fork(), this.clock);
    this.#operators = Array.from({ length: nodes }, (_, at) => this.#makeNode(at + 1, random.fork(), plants));
    this.bootstrap = this.#operators.map(({ node }) => node.address);
    this.wallClocks = this.#operators.map(
      ({ machine }) =>
        () =>
          machine.clock.now(),
    );
    const { faults, faultPauseMs: pauseMs } = this.#scenario;
    this.#weather = new Weather({
      world: this,
      operators: this.#operators,
      network: this.network,
      database: this.#database,
      faults,
      pauseMs,
      without: new Set(withoutFaults),
    });
    this.#database.onShardAcquired = (shard, epoch, broker) => {
      this.#shardOwners.set(shard, broker);
      this.see({ kind: 'shard-acquired', shard, epoch, broker });
    };
    this.#database.metadata.watchers.add(this.#watchForBrokersGone());
    this.note(`scenario ${JSON.stringify(this.#scenario)}`);
  }

  async live(): Promise<Outcome> {
    const onRejection = (reason: unknown): void => {
      if (reason instanceof PowerLost || !this.#operators.some(({ node }) => node.isAlive)) return;
      this.see({ kind: 'broken', what: `a promise broke that nobody waits for: ${String((reason as Error).stack)}` });
    };
    process.on('unhandledRejection', onRejection);
    let isOver = false;
    try {
      void this.#script().then(() => {
        isOver = true;
      });
      void this.#watchForHangs();
      await this.clock.until(() => isOver || this.#violation !== undefined, LONGEST_LIFE_MS);
    } catch (failure) {
      this.see({ kind: 'broken', what: `the simulation stands still: ${String(failure)}` });
    } finally {
      process.off('unhandledRejection', onRejection);
    }
    for (const { node } of this.#operators)
      for (const [path, bytes] of node.disk.files()) this.#trace.mix(`${path} ${bytes.toString('latin1')}`);
    return {
      seed: this.#seed,
      violation: this.#violation,
      hash: this.#trace.hash,
      turns: this.clock.turns,
      virtualMs: this.clock.monotonic(),
      lastEvents: (count) => this.#trace.last(count),
      scenario: this.#scenario,
      faults: this.#weather.count,
    };
  }

  see(observation: Observation): void {
    if (this.#violation) return;
    if (observation.kind === 'database-forgot') this.#hasForgotten = true;
    if (observation.kind === 'rotten') this.#rotten.add(`${observation.topic}-${observation.index}`);
    const moment = { monotonic: this.clock.monotonic(), wall: Math.max(...this.wallClocks.map((now) => now())) };
    for (const checker of this.#checkers) {
      const what = checker.see(observation, moment);
      if (what === undefined) continue;
      this.#violation = { checker: checker.name, what };
      this.note(`VIOLATION of "${checker.name}": ${what}`);
      return;
    }
  }

  coordinates(group: string, { host }: Address): boolean {
    return this.#shardOwners.get(shardOf(group, GROUP_SHARDS)) === host;
  }

  leads({ topic, index }: SimPartition, { host }: Address): boolean {
    const { brokers, topicsById } = this.#database.metadata.image;
    const leader = topicsById.get(topic.id)?.partitions[index]?.leader;
    return leader !== undefined && brokers.get(leader)?.host === host;
  }

  note(what: string): void {
    this.#trace.note(what);
  }

  async #script(): Promise<void> {
    const { topics, deletesRecords, movesReplicas, hasLoop, chaosMs, calmMs } = this.#scenario;
    void this.#weather.run();
    const { producers, sessionReaders, stalledReaders, consumers } = this.#startClients();
    await new Administrator(this).begin(topics, deletesRecords);
    if (movesReplicas) void new ReplicaMover(this, this.#hasGroups ? GROUP_SHARDS : 0).run();
    const groups = this.#startGroups();
    const loop = hasLoop ? this.#startLoop() : undefined;
    await sleep(this, chaosMs);

    this.phase = 'calm';
    this.note('calm');
    await this.#weather.calm();
    await awaitConvergence(this, this.#mayRefuse);
    await sleep(this, calmMs);
    for (const group of groups) await group.tellRest();
    for (const group of groups) group.end();
    for (const consumer of consumers) await consumer.tellRest();

    this.phase = 'over';
    this.note('over');
    await sleep(this, 1_000);
    await this.#until('the producers have got their acknowledgements', () =>
      producers.every((producer) => producer.isIdleBut(this.#mayLackReplicas)),
    );
    await this.#until('clients that do not read are closed', () => stalledReaders.every(({ isClosed }) => isClosed));
    await awaitTheEnd(this, sessionReaders, this.#mayRefuse);
    for (const reader of sessionReaders) reader.end();
    await this.#responsesAreTaken();
    await this.#audit('audit');
    await this.#reportRestOf(loop);
    this.#weather.powerCut();
    await this.#weather.calm();
    await awaitConvergence(this, this.#mayRefuse);
    await this.#audit('last audit');
    await this.#reportRestOf(loop);
  }

  #startClients() {
    const { idempotentProducers, plainProducers, fillerBytes } = this.#scenario;
    const { readers, sessionReaders: sessions, stalledReaders: stalled, selfAssignedConsumers } = this.#scenario;
    const producers = Array.from(
      { length: idempotentProducers },
      (_, n) => new IdempotentProducer(this, `i${n}`, fillerBytes),
    );
    const others = [
      ...Array.from({ length: plainProducers }, (_, n) => new PlainProducer(this, `p${n}`, fillerBytes)),
      ...Array.from({ length: readers }, (_, n) => new Reader(this, `r${n}`)),
    ];
    const sessionReaders = Array.from({ length: sessions }, (_, n) => new SessionReader(this, `s${n}`));
    const stalledReaders = Array.from({ length: stalled }, (_, n) => new StalledReader(this, `d${n}`));
    const consumers = Array.from({ length: selfAssignedConsumers }, (_, n) => new SelfAssignedConsumer(this, `c${n}`));
    for (const client of [...producers, ...others, ...sessionReaders, ...stalledReaders, ...consumers])
      void client.run();
    return { producers, sessionReaders, stalledReaders, consumers };
  }

  get #sessionTimeoutMs(): number {
    return Number(this.#scenario.properties['broker.session.timeout.ms'] ?? DEFAULT_SESSION_MS);
  }

  get #hasGroups(): boolean {
    const { groups, selfAssignedConsumers } = this.#scenario;
    return groups.length > 0 || selfAssignedConsumers > 0;
  }

  #startGroups(): MemberGroup[] {
    const topic = this.topics.named('steady');
    if (!topic) return [];
    const groups = this.#scenario.groups.map(
      (kind) => new MemberGroup(this, kind, { id: `${kind} group`, topic, takesOver: kind !== 'consumer' }),
    );
    for (const group of groups) void group.run();
    return groups;
  }

  #startLoop(): ExactlyOnceLoop {
    const loop = new ExactlyOnceLoop(this, LOOP_TOPIC);
    void loop.run();
    void new CommittedReader(this, 'committed reader', LOOP_TOPIC).run();
    return loop;
  }

  /** Damaged records of the loop are refused to its readers for good. */
  async #reportRestOf(loop: ExactlyOnceLoop | undefined): Promise<void> {
    const isRotten = [...this.#rotten].some((name) => name.startsWith(`${LOOP_TOPIC}-`));
    if (!isRotten) await loop?.reportRest();
  }

  #audit(name: string): Promise<void> {
    return audit(this, name, this.#mayRefuse);
  }

  /**
   * If the damaged batch is only in the leader's log, because the others lost their disks or lagged behind, no follower gets
   * past it, and the ISR stays too small.
   */
  readonly #mayLackReplicas = (partition: SimPartition): boolean =>
    partition.topic.minInsyncReplicas > 1 && this.#mayRefuse(partition);

  readonly #mayRefuse = ({ topic, index }: SimPartition): boolean => this.#rotten.has(`${topic.name}-${index}`);

  async #until(what: string, condition: () => boolean): Promise<void> {
    for (let waited = 0; !condition(); waited += 100) {
      if (waited > HANG_MS) return this.see({ kind: 'broken', what: `it is not so that ${what}` });
      await sleep(this, 100);
    }
  }

  /** Every client has read its responses, or is gone: no node holds any. */
  async #responsesAreTaken(): Promise<void> {
    for (let waitedMs = 0; ; waitedMs += 500) {
      const gauges = this.#operators.map(({ node }) => node.gauge('milepost_kafka_response_bytes_held'));
      const heldBytes = await Promise.all(gauges);
      if (heldBytes.every((bytes) => bytes === 0)) return;
      if (waitedMs > 30_000)
        return this.see({
          kind: 'broken',
          what: `the nodes hold ${heldBytes.join(', ')} bytes of responses for nobody`,
        });
      await sleep(this, 500);
    }
  }

  /** A process that stands still answers nobody: that time does not count. */
  async #watchForHangs(): Promise<void> {
    const everyMs = 5_000;
    for (let frozenMs = 0; ; ) {
      await sleep(this, everyMs);
      if (this.#operators.some(({ node }) => node.isFrozen)) frozenMs += everyMs;
      const hanging = this.outstanding.longerThan(HANG_MS + frozenMs);
      if (hanging) this.see({ kind: 'broken', what: `${hanging.what} is neither answered nor its connection closed` });
    }
  }

  #makeNode(id: number, random: SimRandom, plants: Plants): NodeOperator {
    const machine = new SimMachine(`node-${id}`, this.clock, this.network);
    const say = (level: string) => (_: object, message: string) => {
      this.note(`${machine.name} ${level}: ${message}`);
      if (/takes no more records|is offline/.test(message)) operator.needsRepair();
      if (/the database is not as this broker left it/.test(message)) this.see({ kind: 'database-loss-noticed' });
    };
    const logger: Logger = { debug: () => {}, info: () => {}, warn: say('warns'), error: say('errs') };
    const node = new SimNode({
      random,
      machine,
      brokerId: BrokerId(id),
      database: this.#database,
      logger,
      properties: this.#scenario.properties,
      onDisk: (disk) => operator.condition(disk),
      plants,
    });
    const operator = new NodeOperator(this, node, machine);
    operator.onPowerCut = () => this.#auditReplicas(operator);
    return operator;
  }

  /** Called with each change of the metadata. */
  #watchForBrokersGone(): () => void {
    const sessionMs = this.#sessionTimeoutMs;
    const gone = new Set<number>();
    return () => {
      for (const { id, isFenced } of this.#database.metadata.image.brokers.values()) {
        const wasGone = gone.has(id);
        if (isFenced) gone.add(id);
        else gone.delete(id);
        const operator = this.#operators.find(({ node }) => node.brokerId === id);
        if (!isFenced || wasGone || !operator) continue;
        // A fault of its own access to the database excuses it for as long as that lasts.
        const isReached = this.#database.accessOf(operator.name).health === 'well';
        const wellSinceMs = isReached
          ? Math.max(operator.servesSinceMs, this.#weather.databaseFaultAtMs)
          : Number.POSITIVE_INFINITY;
        const aliveForLeases = Math.max(0, this.clock.monotonic() - wellSinceMs) / sessionMs;
        this.see({ kind: 'declared-gone', broker: id, aliveForLeases });
      }
    };
  }

  /** Reports its replicas that are in sync by the database. A database that forgot commits may be wrong. */
  #auditReplicas({ node }: NodeOperator): void {
    if (this.#operators.length === 1 || node.hasLostItsDisk || (this.#hasForgotten && this.phase !== 'over')) return;
    const replicas = replicasIn(node.disk.files());
    const { topics } = this.#database.metadata.image;
    for (const partition of this.topics.partitions()) {
      const { name, id, isCompacted } = partition.topic;
      const topic = topics.get(name);
      const replica = replicas.get(`${name}-${partition.index}`) ?? { endOffset: 0, batches: [] };
      const isInSync = topic?.id === id && topic.partitions[partition.index]?.isr.includes(node.brokerId);
      if (isInSync && !isCompacted) this.see({ kind: 'replica', partition, broker: node.brokerId, replica });
    }
  }
}
