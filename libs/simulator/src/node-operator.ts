// One node and its operator: breaks it (the process is killed or frozen, the power is cut, also between two steps of the
// disk, the disk is slow, full, failing or lost), and restarts it.
import type { SimDisk } from './sim-disk.ts';
import type { SimMachine } from './sim-machine.ts';
import { DATA_FOLDER, type SimNode } from './sim-node.ts';
import type { SimRandom } from './sim-random.ts';
import { between, sleep, type World } from './workload/world.ts';

/** A stop, or a start without faults, that takes longer counts as hanging. */
export const PATIENCE_MS = 120_000;

export class NodeOperator {
  readonly node: SimNode;
  readonly machine: SimMachine;
  /** Called after a power cut, before the node restarts. */
  onPowerCut: () => void = () => {};
  readonly #world: World;
  readonly #random: SimRandom;
  #diskSlowness = 1;
  #diskFails: SimDisk['fail'] = () => undefined;
  #servesSinceMs = 0;
  #startAt = 0;
  #aliveSince = 0;
  #isStopping = false;
  /** The monotonic time at which the operator restarts a node that has lost a partition. */
  #repairAt: number | undefined;
  /** No fault is left to excuse a start that fails. */
  #isCalm = false;

  constructor(world: World, node: SimNode, machine: SimMachine) {
    this.#world = world;
    this.node = node;
    this.machine = machine;
    this.#random = world.random.fork();
  }

  get name(): string {
    return this.machine.name;
  }
  get isStopping(): boolean {
    return this.#isStopping;
  }
  get isWell(): boolean {
    return this.node.isUp && this.#repairAt === undefined && !this.#isStopping;
  }

  /** The monotonic time since when it serves, without standing still. */
  get servesSinceMs(): number {
    return this.node.isUp && !this.node.isFrozen && !this.#isStopping ? this.#servesSinceMs : Number.POSITIVE_INFINITY;
  }

  /** A new disk inherits the condition of the previous one. */
  condition(disk: SimDisk): void {
    disk.slowness = this.#diskSlowness;
    disk.fail = (operation, path) => this.#diskFails(operation, path);
  }

  set diskSlowness(slowness: number) {
    this.#diskSlowness = slowness;
    this.condition(this.node.disk);
  }

  set diskFails(fails: SimDisk['fail']) {
    this.#diskFails = fails;
  }

  /** The node logs that it needs an operator. */
  needsRepair(): void {
    this.#repairAt ??= this.#now + between(this.#random, 500, 6_000);
  }

  /** No fault is left: a node that needs repair is repaired at once. */
  calm(): void {
    this.#isCalm = true;
    this.#repairAt &&= this.#now;
    this.node.disk.onStep = () => {};
  }

  kill(): void {
    this.#world.note(`${this.name} is killed`);
    this.node.kill();
    this.#down();
  }

  /** Between a sync and its acknowledgements: the records are there, and their producer does not know. */
  killAtSync(): void {
    const { disk } = this.node;
    disk.onStep = ({ operation, path }) => {
      if (operation !== 'synced' || !path.endsWith('.log')) return;
      disk.onStep = () => {};
      this.kill();
    };
  }

  powerCut(): void {
    this.#world.note(`${this.name}: the power is cut`);
    this.node.powerCut();
    this.#down();
    this.onPowerCut();
  }

  powerCutBetweenSteps(): void {
    const { disk } = this.node;
    const number = disk.steps + 1 + this.#random.below(30);
    disk.onStep = (step) => {
      if (step.number < number || disk.isOff) return;
      this.#world.note(`${this.name}: before step ${step.number}, ${step.operation} of ${step.path}:`);
      this.powerCut();
    };
  }

  freeze(): void {
    this.#world.note(`${this.name} stands still`);
    this.node.freeze();
  }

  thaw(): void {
    this.node.thaw();
    this.#servesSinceMs = this.#now;
  }

  /** Its machine is destroyed, and the operator replaces it. */
  replaceDisk(): void {
    this.#world.note(`${this.name} is replaced by a machine with an empty disk`);
    this.node.replaceDisk();
    this.#down();
  }

  async stop(): Promise<void> {
    if (this.#isStopping) return;
    this.#isStopping = true;
    const { node } = this;
    const { lives } = node;
    const cancel = this.#world.clock.after(PATIENCE_MS, () => {
      if (node.lives === lives && node.isAlive) this.#broken('the stop of the node does not end');
    });
    this.#world.note(`${this.name} is told to stop`);
    await node.stop();
    cancel();
    this.#world.note(`${this.name} has stopped`);
    this.#down();
  }

  /**
   * Flips a bit of one batch, somewhere on the medium. A process that has checked the batch trusts what it saw, and so
   * does memory (decision 0013): the next process detects the bit.
   */
  rot(): void {
    const { node } = this;
    if (node.disk.isOff) return;
    const logs = [...node.disk.files()].filter(([path, bytes]) => path.endsWith('.log') && bytes.length > 0);
    if (logs.length === 0) return;
    const [path] = this.#random.pick(logs);
    const [, topic, index] = /([^/]+)-(\d+)[^/]*\/[^/]+$/.exec(path) ?? [];
    if (topic === undefined) return;
    this.#world.note(`${this.name}: bit ${node.disk.flipBit(path)} of ${path} turns`);
    this.#world.see({ kind: 'rotten', topic, index: Number(index) });
    if (node.isAlive) this.kill();
  }

  /** Starts the node when it is down, and restarts it when it has lost a partition. */
  async run(): Promise<void> {
    const { node } = this;
    for (;;) {
      await sleep(this.#world, 100);
      if (!node.isAlive && this.#now >= this.#startAt) void this.#start();
      else if (node.isUp && !this.#isStopping && this.#repairAt !== undefined && this.#now >= this.#repairAt)
        this.#repair();
      else if (node.isAlive && !node.isUp && this.#isCalm && this.#now - this.#aliveSince > PATIENCE_MS)
        return this.#broken('the start of the node does not end');
    }
  }

  /** Some operations on the data folder fail, up to `times`. */
  failSome(isIt: (operation: string) => boolean, times: number): void {
    let left = times;
    this.#diskFails = (operation, path) => {
      if (!isIt(operation) || !path.startsWith(DATA_FOLDER) || !this.#random.chance(0.4)) return undefined;
      this.#world.note(`${this.name}: ${operation} of ${path} fails`);
      if (--left === 0) this.#diskFails = () => undefined;
      return 'EIO';
    };
  }

  get #now(): number {
    return this.#world.clock.monotonic();
  }

  #down(): void {
    this.#isStopping = false;
    this.#repairAt = undefined;
    this.#startAt = this.#now + this.#random.pick([0, 100, 1_000, 6_000]);
  }

  #repair(): void {
    this.#world.note(`the operator restarts ${this.name}`);
    this.#repairAt = undefined;
    if (this.#random.chance(0.4)) this.powerCut();
    else if (this.node.isFrozen || this.#random.chance(0.5)) this.kill();
    else void this.stop();
  }

  async #start(): Promise<void> {
    this.#world.note(`${this.name} starts`);
    const wasCalm = this.#isCalm;
    this.#aliveSince = this.#now;
    try {
      await this.node.start();
      this.#world.note(`${this.name} serves`);
      this.#servesSinceMs = this.#now;
    } catch (failure) {
      this.#world.note(`${this.name} does not start: ${String(failure)}`);
      if (wasCalm) this.#broken(`the node does not start: ${String(failure)}`);
      this.#startAt = this.#now + 2_000;
    }
  }

  #broken(what: string): void {
    this.#world.see({ kind: 'broken', what: `${this.name}: ${what}` });
  }
}
