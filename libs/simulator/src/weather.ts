// The fault injector (Jepsen's nemesis), and the operator who restarts the node. The process is killed and the power is
// cut, also between two steps of the disk; the disk is slow, full or failing; the network, or the link to one client,
// is cut, slow or silent; the database is slow, away, loses its responses or its last commits; the wall clock is set
// ahead or back. The seed decides which of these happens, when, and for how long.
import type { DatabaseBackup, SimDatabase } from './sim-database.ts';
import type { SimDisk } from './sim-disk.ts';
import type { SimMachine } from './sim-machine.ts';
import type { SimNetwork } from './sim-network.ts';
import { DATA_FOLDER, type SimNode } from './sim-node.ts';
import type { SimRandom } from './sim-random.ts';
import { between, sleep, type World } from './workload/world.ts';

export const FAULTS = [
  'kill',
  'power cut',
  'power cut between steps',
  'clean stop',
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
export type Fault = (typeof FAULTS)[number];

const PLENTY_BYTES = 2 ** 40;
/** The possible errors of a wall clock; it is set from any of them to any other. */
const WRONG_BY_MS = [0, 3_000, 60_000, 3_600_000, 86_400_000];
/** A stop, or a start without faults, that takes longer counts as hanging. */
const PATIENCE_MS = 120_000;

export interface WeatherParts {
  readonly world: World;
  readonly node: SimNode;
  readonly machine: SimMachine;
  readonly network: SimNetwork;
  readonly database: SimDatabase;
  readonly faults: readonly Fault[];
  readonly pauseMs: number;
}

export class Weather {
  readonly #parts: WeatherParts;
  readonly #random: SimRandom;
  /** Ends the fault of that name. */
  readonly #under = new Map<string, () => void>();
  #diskSlowness = 1;
  #diskFails: SimDisk['fail'] = () => undefined;
  #startAt = 0;
  #aliveSince = 0;
  #isStopping = false;
  /** The monotonic time at which the operator restarts a node that has lost a partition. */
  #repairAt: number | undefined;

  constructor(parts: WeatherParts) {
    this.#parts = parts;
    this.#random = parts.world.random.fork();
  }

  /** A new disk inherits the condition of the previous one. */
  condition(disk: SimDisk): void {
    disk.slowness = this.#diskSlowness;
    disk.fail = (operation, path) => this.#diskFails(operation, path);
  }

  /** The node logs that it needs an operator. */
  needsRepair(): void {
    this.#repairAt ??= this.#now + between(this.#random, 500, 6_000);
  }

  async run(): Promise<void> {
    const { world, faults, pauseMs } = this.#parts;
    void this.#operate();
    while (faults.length > 0) {
      await sleep(world, this.#random.below(2 * pauseMs));
      if (world.phase !== 'chaos') return;
      this.#befall(this.#random.pick(faults));
    }
  }

  /** Ends all faults, and repairs the node if necessary. */
  async calm(): Promise<void> {
    const { world, node } = this.#parts;
    for (const end of this.#under.values()) end(); // each removes itself, which a Map allows
    this.#repairAt &&= this.#now;
    node.disk.onStep = () => {};
    for (let waited = 0; !node.isUp || this.#repairAt !== undefined || this.#isStopping; waited += 200) {
      if (waited > PATIENCE_MS) return world.see({ kind: 'broken', what: 'the node does not come back' });
      await sleep(world, 200);
    }
  }

  powerCut(): void {
    this.#parts.world.note('the power is cut');
    this.#parts.node.powerCut();
    this.#down();
  }

  get #now(): number {
    return this.#parts.world.clock.monotonic();
  }

  #befall(fault: Fault): void {
    const { world, node, network, database } = this.#parts;
    world.note(`fault: ${fault}`);
    switch (fault) {
      case 'kill':
        if (node.isAlive && this.#random.chance(0.6)) this.#killAtSync(node.disk);
        else if (node.isAlive) this.#kill();
        return;
      case 'power cut':
        if (node.isAlive) this.powerCut();
        return;
      case 'power cut between steps':
        if (node.isAlive) this.#cutBetweenSteps(node.disk, node.disk.steps + 1 + this.#random.below(30));
        return;
      case 'clean stop':
        if (node.isUp) void this.#stop();
        return;
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
        return this.#onLink((node, client) => network.cut(node, client));
      case 'link silent':
        return this.#onLink((node, client) => {
          const [from, to] = this.#random.chance(0.5) ? [node, client] : [client, node];
          const link = network.link(from, to);
          link.silence();
          this.#for(`${fault} from ${from} to ${to}`, between(this.#random, 500, 25_000), () => link.endSilence());
        });
      case 'link slow':
        return this.#onLink((node, client) => {
          const link = network.link(client, node);
          link.slowness = between(this.#random, 10, 140);
          this.#for(`${fault}: ${client}`, between(this.#random, 1_000, 15_000), () => {
            link.slowness = 1;
          });
        });
      case 'disk slow':
        this.#diskSlowness = between(this.#random, 5, 200);
        this.condition(node.disk);
        return this.#for(fault, between(this.#random, 1_000, 8_000), () => {
          this.#diskSlowness = 1;
          this.condition(node.disk);
        });
      case 'disk full':
        node.disk.capacityBytes = node.disk.usedBytes + this.#random.below(3_000);
        return this.#for(fault, between(this.#random, 500, 10_000), () => {
          node.disk.capacityBytes = PLENTY_BYTES;
        });
      case 'sync fails':
        return this.#failOnce(fault, (operation) => operation === 'synced' || operation === 'syncedFolder');
      case 'append fails':
        return this.#failOnce(fault, (operation) => operation === 'append');
      case 'bit rot':
        return this.#rot();
      case 'database away':
        database.health = 'away';
        return this.#for('database', between(this.#random, 500, 40_000), () => {
          database.health = 'well';
        });
      case 'database forgetful':
        database.health = 'forgetful';
        return this.#for('database', between(this.#random, 500, 8_000), () => {
          database.health = 'well';
        });
      case 'database fails over':
        return this.#later(this.#random.pick([5, 200, 2_000]), (backup, sinceMs) => {
          this.#forget(sinceMs, backup, () => database.failOver(backup));
          database.health = 'away';
          this.#for('database', between(this.#random, 100, 4_000), () => {
            database.health = 'well';
          });
        });
      case 'database restored':
        return this.#later(between(this.#random, 2_000, 20_000), (backup, sinceMs) => {
          void this.#stopped().then(() => this.#forget(sinceMs, backup, () => database.restore(backup)));
        });
      case 'database slow':
        database.slowness = between(this.#random, 50, 1_500);
        return this.#for(fault, between(this.#random, 1_000, 15_000), () => {
          database.slowness = 1;
        });
      case 'clock set':
        return this.#setClock(this.#random.pick(WRONG_BY_MS) * this.#random.pick([-1, 1]));
    }
  }

  /**
   * Takes a backup of the database, with its time, and passes it on later. No backup lacks a topic that is never
   * deleted.
   */
  #later(afterMs: number, befall: (backup: DatabaseBackup, sinceMs: number) => void): void {
    const { world, database } = this.#parts;
    const [backup, sinceMs] = [database.backup(), this.#now];
    const { topics } = backup.metadata.image;
    world.clock.after(afterMs, () => {
      const isUsable = world.topics.existing().every(({ isSteady, name }) => !isSteady || topics.has(name));
      if (world.phase === 'chaos' && isUsable) befall(backup, sinceMs);
    });
  }

  #forget(sinceMs: number, { metadata: { image } }: DatabaseBackup, goBack: () => void): void {
    const { world } = this.#parts;
    world.note(`the database is as it was at ${sinceMs}, version ${image.version}`);
    goBack();
    world.topics.forgottenBut(new Set(Array.from(image.topics.values(), ({ id }) => id)));
    world.see({ kind: 'database-forgot', sinceMs });
  }

  /** Resolves when the node is down: a database is never restored under it. */
  async #stopped(): Promise<void> {
    const { node } = this.#parts;
    if (!node.isAlive) return;
    if (node.isUp && !this.#isStopping && this.#random.chance(0.5)) await this.#stop();
    else this.#kill();
  }

  /** A fault between the node and one of its clients. */
  #onLink(befall: (node: string, client: string) => void): void {
    const { network, machine } = this.#parts;
    const clients = network.peersOf(machine.name);
    if (clients.length > 0) befall(machine.name, this.#random.pick(clients));
  }

  #setClock(wrongByMs: number): void {
    const { world, machine } = this.#parts;
    world.note(`the wall clock is set by ${wrongByMs - machine.wrongByMs} ms`);
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

  /** Fails the next operation on one file, or the next few of any. */
  #failOnce(fault: Fault, isIt: (operation: string, path: string) => boolean): void {
    let left = 1 + this.#random.below(3);
    this.#diskFails = (operation, path) => {
      if (!isIt(operation, path) || !path.startsWith(DATA_FOLDER) || !this.#random.chance(0.4)) return undefined;
      this.#parts.world.note(`${operation} of ${path} fails`);
      if (--left === 0) this.#diskFails = () => undefined;
      return 'EIO';
    };
    this.#for(fault, 3_000, () => {
      this.#diskFails = () => undefined;
    });
  }

  /**
   * Flips a bit of one batch, somewhere on the medium. A process that has checked the batch trusts what it saw, and so
   * does memory (decision 0013): the next process detects the bit.
   */
  #rot(): void {
    const { node, world } = this.#parts;
    if (node.disk.isOff) return;
    const logs = [...node.disk.files()].filter(([path, bytes]) => path.endsWith('.log') && bytes.length > 0);
    if (logs.length === 0) return;
    const [path] = this.#random.pick(logs);
    const [, topic, index] = /([^/]+)-(\d+)[^/]*\/[^/]+$/.exec(path) ?? [];
    if (topic === undefined) return;
    world.note(`bit ${node.disk.flipBit(path)} of ${path} turns`);
    world.see({ kind: 'rotten', topic, index: Number(index) });
    if (node.isAlive) this.#kill();
  }

  #cutBetweenSteps(disk: SimDisk, number: number): void {
    disk.onStep = (step) => {
      if (step.number < number || disk.isOff) return;
      this.#parts.world.note(`before step ${step.number}, ${step.operation} of ${step.path}:`);
      this.powerCut();
    };
  }

  /** Between a sync and its acknowledgements: the records are there, and their producer does not know. */
  #killAtSync(disk: SimDisk): void {
    disk.onStep = ({ operation, path }) => {
      if (operation !== 'synced' || !path.endsWith('.log')) return;
      disk.onStep = () => {};
      this.#kill();
    };
  }

  #kill(): void {
    this.#parts.world.note('the node is killed');
    this.#parts.node.kill();
    this.#down();
  }

  async #stop(): Promise<void> {
    const { world, node } = this.#parts;
    if (this.#isStopping) return;
    this.#isStopping = true;
    const { lives } = node;
    const cancel = world.clock.after(PATIENCE_MS, () => {
      if (node.lives === lives && node.isAlive)
        world.see({ kind: 'broken', what: 'the stop of the node does not end' });
    });
    world.note('the node is told to stop');
    await node.stop();
    cancel();
    world.note('the node has stopped');
    this.#down();
  }

  #down(): void {
    this.#isStopping = false;
    this.#repairAt = undefined;
    this.#startAt = this.#now + this.#random.pick([0, 100, 1_000, 6_000]);
  }

  /** Starts the node when it is down, and restarts it when it has lost a partition. */
  async #operate(): Promise<void> {
    const { world, node } = this.#parts;
    for (;;) {
      await sleep(world, 100);
      if (!node.isAlive && this.#now >= this.#startAt) void this.#start();
      else if (node.isUp && !this.#isStopping && this.#repairAt !== undefined && this.#now >= this.#repairAt) {
        world.note('the operator restarts the node');
        this.#repairAt = undefined;
        if (this.#random.chance(0.4)) this.powerCut();
        else if (this.#random.chance(0.5)) this.#kill();
        else void this.#stop();
      } else if (node.isAlive && !node.isUp && world.phase !== 'chaos' && this.#now - this.#aliveSince > PATIENCE_MS)
        return world.see({ kind: 'broken', what: 'the start of the node does not end' });
    }
  }

  async #start(): Promise<void> {
    const { world, node } = this.#parts;
    world.note('the node starts');
    const { phase } = world;
    this.#aliveSince = this.#now;
    try {
      await node.start();
      world.note('the node serves');
    } catch (failure) {
      world.note(`the node does not start: ${String(failure)}`);
      if (phase !== 'chaos' && this.#under.size === 0)
        world.see({ kind: 'broken', what: `the node does not start: ${String(failure)}` });
      this.#startAt = this.#now + 2_000;
    }
  }
}
