// The fault injector (Jepsen's nemesis). Processes are killed and frozen and the power is cut, of one node or of all at
// once; disks are slow, full, failing or lost; the network, or the link between two hosts, is cut, slow or silent, also in
// one direction; the database is slow, away, loses its responses or its last commits, for all nodes or for one; wall
// clocks are set ahead or back. The seed decides which of these happens, when, to which node, and for how long.
import type { ClusterImage } from '@milepost/metadata';
import { ForgottenCommits } from './forgotten-commits.ts';
import type { NodeOperator } from './node-operator.ts';
import { PATIENCE_MS } from './node-operator.ts';
import type { DatabaseBackup, DatabaseHealth, DatabaseAccess, SimDatabase } from './sim-database.ts';
import type { SimNetwork } from './sim-network.ts';
import type { SimRandom } from './sim-random.ts';
import { between, sleep, type World } from './workload/world.ts';

export const FAULTS = [
  'kill',
  'power cut',
  'power cut between steps',
  'clean stop',
  'process frozen',
  'network cut',
  'network silent',
  'network slow',
  'disk slow',
  'disk full',
  'sync fails',
  'append fails',
  'bit rot',
  'database away',
  'database slow',
  'database forgetful',
  'clock set',
  'link cut',
  'link silent',
  'link slow',
  'database fails over',
  'database restored',
] as const;

/** Faults that need several nodes. */
export const CLUSTER_FAULTS = [
  'power cut everywhere',
  'node isolated',
  'nodes apart',
  'nodes slow',
  'disk lost',
  'database away for one',
  'database slow for one',
  'database forgetful for one',
] as const;

export type Fault = (typeof FAULTS)[number] | (typeof CLUSTER_FAULTS)[number];

const PLENTY_BYTES = 2 ** 40;
/** The possible errors of a wall clock; it is set from any of them to any other. */
const WRONG_BY_MS = [0, 3_000, 60_000, 3_600_000, 86_400_000];
const isSync = (operation: string): boolean => operation === 'synced' || operation === 'syncedFolder';

export interface WeatherParts {
  readonly world: World;
  readonly operators: readonly NodeOperator[];
  readonly network: SimNetwork;
  readonly database: SimDatabase;
  readonly faults: readonly Fault[];
  readonly pauseMs: number;
  /** Numbers of faults, from 0, that are left out; the others are the same without them. */
  readonly without: ReadonlySet<number>;
}

export class Weather {
  /** Faults so far, including those left out. */
  count = 0;
  /** When the database was last anything worse than away: brokers may lose their leases by it. */
  databaseFaultAtMs = 0;
  readonly #parts: WeatherParts;
  readonly #times: SimRandom;
  /** By a fail-over of the database, and not restored yet. */
  #forgotten: ForgottenCommits | undefined;
  /** Of the current fault: each has its own, so that leaving one out changes nothing for the others. */
  #random: SimRandom;
  /** Ends the fault of that name. */
  readonly #under = new Map<string, () => void>();

  constructor(parts: WeatherParts) {
    this.#parts = parts;
    this.#times = parts.world.random.fork();
    this.#random = this.#times;
  }

  async run(): Promise<void> {
    const { world, operators, faults, pauseMs, without } = this.#parts;
    for (const operator of operators) void operator.run();
    while (faults.length > 0) {
      await sleep(world, this.#times.below(2 * pauseMs));
      if (world.phase !== 'chaos') return;
      const number = this.count++;
      this.#random = this.#times.fork();
      if (without.has(number)) continue;
      const fault = this.#random.pick(faults);
      const victim = this.#random.pick(operators);
      world.note(`fault ${number}: ${fault}${operators.length > 1 ? ` (${victim.name})` : ''}`);
      this.#inject(fault, victim);
    }
  }

  /** Ends all faults, and repairs the nodes if necessary. */
  async calm(): Promise<void> {
    const { world, operators } = this.#parts;
    for (const end of this.#under.values()) end(); // each removes itself, which a Map allows
    for (const operator of operators) operator.calm();
    for (let waited = 0; !operators.every(({ isWell }) => isWell); waited += 200) {
      if (waited > PATIENCE_MS) return world.see({ kind: 'broken', what: 'a node does not come back' });
      await sleep(world, 200);
    }
  }

  /** Of every node at once. */
  powerCut(): void {
    for (const operator of this.#parts.operators) if (operator.node.isAlive) operator.powerCut();
  }

  #inject(fault: Fault, victim: NodeOperator): void {
    const { network, database, operators } = this.#parts;
    const { node } = victim;
    switch (fault) {
      case 'kill':
        if (node.isAlive && this.#random.chance(0.6)) victim.killAtSync();
        else if (node.isAlive) victim.kill();
        return;
      case 'power cut':
        if (node.isAlive) victim.powerCut();
        return;
      case 'power cut between steps':
        if (node.isAlive) victim.powerCutBetweenSteps();
        return;
      case 'power cut everywhere':
        return this.powerCut();
      case 'clean stop':
        if (node.isUp && !node.isFrozen) void victim.stop();
        return;
      case 'process frozen':
        if (!node.isAlive) return;
        victim.freeze();
        return this.#for(`${fault}: ${victim.name}`, between(this.#random, 200, 40_000), () => victim.thaw());
      case 'network cut':
        return network.cut();
      case 'network silent':
        network.whole.silence();
        return this.#for(fault, between(this.#random, 200, 9_000), () => network.whole.endSilence());
      case 'network slow':
        network.whole.slowness = between(this.#random, 2, 20);
        return this.#for(fault, between(this.#random, 1_000, 8_000), () => {
          network.whole.slowness = 1;
        });
      case 'link cut':
        return this.#onLink(victim, (client) => network.cut(victim.name, client));
      case 'link silent':
        return this.#onLink(victim, (client) => {
          const [from, to] = this.#random.chance(0.5) ? [victim.name, client] : [client, victim.name];
          this.#silence(from, to, between(this.#random, 500, 25_000));
        });
      case 'link slow':
        return this.#onLink(victim, (client) => this.#slowDown(client, victim.name, between(this.#random, 10, 140)));
      case 'node isolated': {
        const ms = between(this.#random, 500, 40_000);
        for (const other of this.#othersThan(victim)) {
          this.#silence(victim.name, other.name, ms);
          this.#silence(other.name, victim.name, ms);
        }
        return;
      }
      case 'nodes apart': {
        const other = this.#random.pick(this.#othersThan(victim));
        const ms = between(this.#random, 500, 40_000);
        if (this.#random.chance(0.3)) network.cut(victim.name, other.name);
        this.#silence(victim.name, other.name, ms);
        if (this.#random.chance(0.4)) this.#silence(other.name, victim.name, ms);
        return;
      }
      case 'nodes slow':
        return this.#slowDown(
          victim.name,
          this.#random.pick(this.#othersThan(victim)).name,
          between(this.#random, 10, 600),
        );
      case 'disk slow':
        victim.diskSlowness = between(this.#random, 5, 200);
        return this.#for(`${fault}: ${victim.name}`, between(this.#random, 1_000, 8_000), () => {
          victim.diskSlowness = 1;
        });
      case 'disk full':
        node.disk.capacityBytes = node.disk.usedBytes + this.#random.below(3_000);
        return this.#for(`${fault}: ${victim.name}`, between(this.#random, 500, 10_000), () => {
          node.disk.capacityBytes = PLENTY_BYTES;
        });
      case 'sync fails':
        return this.#failSome(fault, victim, isSync);
      case 'append fails':
        return this.#failSome(fault, victim, (operation) => operation === 'append');
      case 'bit rot':
        return victim.rot();
      case 'disk lost':
        return this.#loseDisk(victim);
      case 'database away':
        return this.#setDatabase('database', database, 'away', between(this.#random, 500, 40_000));
      case 'database forgetful':
        return this.#setDatabase('database', database, 'forgetful', between(this.#random, 500, 8_000));
      case 'database away for one':
        return this.#setDatabaseFor(victim, 'away', between(this.#random, 500, 40_000));
      case 'database forgetful for one':
        return this.#setDatabaseFor(victim, 'forgetful', between(this.#random, 500, 15_000));
      case 'database slow':
      case 'database slow for one': {
        const access = fault === 'database slow' ? database : database.accessOf(victim.name);
        access.slowness = between(this.#random, 50, 1_500);
        this.#databaseFault();
        return this.#for(`${fault}: ${victim.name}`, between(this.#random, 1_000, 15_000), () => {
          access.slowness = 1;
          this.#databaseFault();
        });
      }
      case 'database fails over':
        return this.#later(this.#random.pick([5, 200, 2_000]), (backup, sinceMs) => {
          const witnesses = this.#witnesses();
          if (operators.length > 1 && (witnesses.length === 0 || this.#forgotten)) return;
          const before = database.metadata.image;
          this.#forget(sinceMs, backup, () => database.failOver(backup));
          if (operators.length > 1) this.#watchMemory(before, witnesses);
          this.#setDatabase('database', database, 'away', between(this.#random, 100, 4_000));
        });
      case 'database restored':
        return this.#later(between(this.#random, 2_000, 20_000), (backup, sinceMs) => {
          const stopped = Promise.all(this.#parts.operators.map((operator) => this.#stopped(operator)));
          void stopped.then(() => this.#forget(sinceMs, backup, () => database.restore(backup)));
        });
      case 'clock set':
        return this.#setClock(victim, this.#random.pick(WRONG_BY_MS) * this.#random.pick([-1, 1]));
    }
  }

  #othersThan(victim: NodeOperator): NodeOperator[] {
    return this.#parts.operators.filter((other) => other !== victim);
  }

  #setDatabase(name: string, access: { health: DatabaseHealth }, health: DatabaseHealth, ms: number): void {
    access.health = health;
    const excuses = access !== this.#parts.database || health !== 'away';
    if (excuses) this.#databaseFault();
    this.#for(name, ms, () => {
      access.health = 'well';
      if (excuses) this.#databaseFault();
    });
  }

  #databaseFault(): void {
    this.databaseFaultAtMs = this.#parts.world.clock.monotonic();
  }

  #setDatabaseFor({ name }: NodeOperator, health: DatabaseHealth, ms: number): void {
    this.#setDatabase(`database for ${name}`, this.#parts.database.accessOf(name), health, ms);
  }

  #silence(from: string, to: string, ms: number): void {
    const link = this.#parts.network.link(from, to);
    link.silence();
    this.#for(`silence from ${from} to ${to}`, ms, () => link.endSilence());
  }

  #slowDown(from: string, to: string, slowness: number): void {
    const link = this.#parts.network.link(from, to);
    link.slowness = slowness;
    this.#for(`slow from ${from} to ${to}`, between(this.#random, 1_000, 15_000), () => {
      link.slowness = 1;
    });
  }

  #failSome(fault: Fault, victim: NodeOperator, isIt: (operation: string) => boolean): void {
    victim.failSome(isIt, 1 + this.#random.below(3));
    this.#for(`${fault}: ${victim.name}`, 3_000, () => {
      victim.diskFails = () => undefined;
    });
  }

  /**
   * Takes a backup of the database, with its time, and passes it on later. No backup lacks a topic that is never
   * deleted.
   */
  #later(afterMs: number, inject: (backup: DatabaseBackup, sinceMs: number) => void): void {
    const { world, database } = this.#parts;
    const [backup, sinceMs] = [database.backup(), world.clock.monotonic()];
    const { topics } = backup.metadata.image;
    world.clock.after(afterMs, () => {
      const isUsable = world.topics.existing().every(({ isSteady, name }) => !isSteady || topics.has(name));
      if (world.phase === 'chaos' && isUsable) inject(backup, sinceMs);
    });
  }

  /** Those that serve with what the database has now. */
  #witnesses(): NodeOperator[] {
    const { operators, database } = this.#parts;
    const isUpToDate = (access: DatabaseAccess): boolean => access.health === 'well' && access.slowness === 1;
    if (!isUpToDate(database)) return [];
    return operators.filter(
      ({ name, isWell, node }) => isWell && !node.isFrozen && isUpToDate(database.accessOf(name)),
    );
  }

  /** Until one of them has restored what the database has forgotten. Once none of them is left, it is lost. */
  #watchMemory(before: ClusterImage, witnesses: readonly NodeOperator[]): void {
    const { world, database } = this.#parts;
    const forgotten = new ForgottenCommits(
      before,
      database.metadata.image,
      witnesses.map(({ node }) => node),
    );
    this.#forgotten = forgotten;
    const look = (): void => {
      const state = forgotten.state(database.metadata.image);
      if (state === 'remembered') return;
      database.metadata.watchers.delete(look);
      this.#forgotten = undefined;
      if (state === 'restored') return;
      world.note('nobody remembers what the database has forgotten');
      for (const partition of forgotten.partitions) world.see({ kind: 'rotten', ...partition, isLost: true });
    };
    database.metadata.watchers.add(look);
  }

  #forget(sinceMs: number, { metadata: { image } }: DatabaseBackup, goBack: () => void): void {
    const { world } = this.#parts;
    world.note(`the database is as it was at ${sinceMs}, version ${image.version}`);
    this.#databaseFault();
    goBack();
    world.topics.forgottenBut(new Set(Array.from(image.topics.values(), ({ id }) => id)));
    world.see({ kind: 'database-forgot', sinceMs });
  }

  /** Resolves when the node is down: a database is never restored under it. */
  async #stopped(victim: NodeOperator): Promise<void> {
    const { node } = victim;
    if (!node.isAlive) return;
    if (node.isUp && !node.isFrozen && !victim.isStopping && this.#random.chance(0.5)) await victim.stop();
    else victim.kill();
  }

  /** If no replica in sync has a disk left that it was in sync with, nothing promises that the records survive. */
  #loseDisk(victim: NodeOperator): void {
    const { world, database, operators } = this.#parts;
    victim.replaceDisk();
    const lost = operators.filter(({ node }) => node.hasLostItsDisk).map(({ node }) => node.brokerId);
    for (const { name, partitions } of database.metadata.image.topics.values())
      for (const { index, isr } of partitions)
        if (isr.every((broker) => lost.includes(broker)))
          world.see({ kind: 'rotten', topic: name, index, isLost: true });
  }

  /** A fault between a node and one of its peers. */
  #onLink(victim: NodeOperator, inject: (peer: string) => void): void {
    const peers = this.#parts.network.peersOf(victim.name);
    if (peers.length > 0) inject(this.#random.pick(peers));
  }

  #setClock({ name, machine }: NodeOperator, wrongByMs: number): void {
    const { world } = this.#parts;
    world.note(`the wall clock of ${name} is set by ${wrongByMs - machine.wrongByMs} ms`);
    world.see({ kind: 'clock-set', from: machine.clock.now() });
    machine.setClock(wrongByMs);
  }

  #for(name: string, ms: number, end: () => void): void {
    const ended = (): void => {
      if (this.#under.get(name) !== ended) return;
      this.#under.delete(name);
      this.#parts.world.note(`over: ${name}`);
      end();
    };
    this.#under.set(name, ended);
    this.#parts.world.clock.after(ms, ended);
  }
}
