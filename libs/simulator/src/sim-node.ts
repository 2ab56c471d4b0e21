// One whole node: production's `createBroker`, unchanged, on a simulated machine with its own disk, and a database that
// other nodes may share. It is started, stopped, frozen and killed, and loses its power; the disk and the database outlive
// it. Its machine can be replaced by one with an empty disk.
import { type Address, type BrokerId, type Clock, type Host, type Logger } from '@milepost/core';
import { type Broker, createBroker } from '@milepost/broker';
import type { GroupStore } from '@milepost/coordinators';
import type { MetadataStore } from '@milepost/metadata';
import type { SimDatabase } from './sim-database.ts';
import { SimDisk } from './sim-disk.ts';
import { SimLife } from './sim-life.ts';
import { SimMeter } from './sim-meter.ts';
import type { SimMachine } from './sim-machine.ts';
import { SimDeflater } from './sim-deflater.ts';
import { SimInflater } from './sim-inflater.ts';
import { SimKeyDerivation } from './sim-key-derivation.ts';
import type { SimRandom } from './sim-random.ts';

const KAFKA_PORT = 9092;
export const DATA_FOLDER = '/data';

/** The places for planted bugs: each is between the broker and its world. */
export interface Plants {
  readonly clock?: (clock: Clock) => Clock;
  readonly disk?: (disk: SimDisk) => void;
  readonly metadataStore?: (store: MetadataStore) => MetadataStore;
  readonly groupStore?: (store: GroupStore) => GroupStore;
}

export interface SimNodeParts {
  readonly random: SimRandom;
  readonly machine: SimMachine;
  readonly brokerId: BrokerId;
  readonly database: SimDatabase;
  readonly logger: Logger;
  readonly rack?: string;
  readonly properties: Readonly<Record<string, string>>;
  /** Called with the disk of each life, before the broker sees it. */
  readonly onDisk?: (disk: SimDisk) => void;
  readonly plants?: Plants;
}

export class SimNode {
  disk: SimDisk;
  readonly address: Address;
  readonly #parts: SimNodeParts;
  #life: SimLife;
  #broker: Broker | undefined;
  /** Its logs are gone: the operator confirms that at the next start. */
  #hasLostItsDisk = false;
  #meter = new SimMeter();

  constructor(parts: SimNodeParts) {
    this.#parts = parts;
    this.address = { host: parts.machine.name, port: KAFKA_PORT };
    this.#life = this.#newLife();
    this.#life.end();
    this.disk = new SimDisk(parts.random.fork(), { clock: this.#life.clock });
  }

  /** Clients are served. */
  get isUp(): boolean {
    return this.#broker !== undefined && !this.#life.isOver;
  }
  get name(): string {
    return this.#parts.machine.name;
  }
  get brokerId(): BrokerId {
    return this.#parts.brokerId;
  }
  /** Its new disk has not replaced the lost one for the cluster yet. */
  get hasLostItsDisk(): boolean {
    return this.#hasLostItsDisk;
  }
  get isFrozen(): boolean {
    return this.#life.isFrozen;
  }
  /** Starting, serving or stopping. */
  get isAlive(): boolean {
    return !this.#life.isOver;
  }
  /** The number of its starts. */
  lives = 0;

  /** The value of a gauge, as an operator reads it. */
  gauge(name: string): Promise<number | undefined> {
    return this.#meter.read(name);
  }

  /** Resolves when it serves; never, if it is killed before. @throws like createBroker; it is dead then. */
  async start(): Promise<void> {
    if (this.isAlive) throw new Error('the node is alive already');
    const { brokerId, database, machine, random, logger, rack, properties, plants = {} } = this.#parts;
    this.#life.hangUp();
    const life = this.#newLife();
    this.#life = life;
    this.lives++;
    this.disk = this.disk.kill(life.clock);
    this.#parts.onDisk?.(this.disk);
    plants.disk?.(this.disk);
    const metadata = database.metadataStore(life, machine.name);
    const groups = database.groupStore(life, machine.name);
    this.#meter = new SimMeter();
    const host: Host = {
      clock: plants.clock?.(life.clock) ?? life.clock,
      disk: this.disk,
      network: life.network,
      random: random.fork(),
      inflater: new SimInflater(life.clock),
      deflater: new SimDeflater(life.clock),
      keys: new SimKeyDerivation(life.clock),
      meter: this.#meter,
      logger: whileAlive(life, logger),
    };
    const stores = {
      metadata: plants.metadataStore?.(metadata) ?? metadata,
      groups: plants.groupStore?.(groups) ?? groups,
      shares: database.shareStore(life, machine.name),
      transactions: database.transactionStore(life, machine.name),
      leases: database.leases(life, machine.name),
    };
    try {
      this.#broker = await life.answered(
        createBroker(host, stores, {
          brokerId,
          dataDir: DATA_FOLDER,
          listen: this.address,
          advertised: this.address,
          rack: rack ?? null,
          flush: 'always',
          properties,
          ...(this.#hasLostItsDisk && {
            acceptLostLog: String(database.metadata.image.brokers.get(brokerId)?.epoch ?? 0),
          }),
        }),
      );
      this.#hasLostItsDisk = false;
    } catch (failure) {
      this.#died(life);
      throw failure;
    }
  }

  /** A clean stop. Never resolves if it is killed meanwhile. */
  async stop(): Promise<void> {
    const life = this.#life;
    if (this.#broker) await life.answered(this.#broker.close());
    this.#died(life);
  }

  /** kill -9: the system continues, and notifies the peers. */
  kill(): void {
    this.#life.end();
    this.#life.hangUp();
    this.#broker = undefined;
  }

  /** Unsynced changes may be lost; the peers notice nothing until it is started again. */
  powerCut(): void {
    this.#life.end();
    this.#broker = undefined;
    this.disk = this.disk.powerCut(this.#life.clock);
  }

  /** SIGSTOP, and SIGCONT below. */
  freeze(): void {
    this.#life.freeze();
  }
  thaw(): void {
    this.#life.thaw();
  }

  /** Its machine is lost; another one with an empty disk replaces it under the same name. */
  replaceDisk(): void {
    if (this.isAlive) this.kill();
    this.disk = new SimDisk(this.#parts.random.fork(), { clock: this.#life.clock });
    this.#hasLostItsDisk = true;
  }

  #died(life: SimLife): void {
    life.end();
    life.hangUp();
    if (this.#life === life) this.#broker = undefined;
  }

  #newLife(): SimLife {
    const { clock, network } = this.#parts.machine;
    return new SimLife(clock, network);
  }
}

/** In the turn of its death a program may still log that its disk is gone. */
const whileAlive = (life: SimLife, logger: Logger): Logger => ({
  debug: (fields, message) => life.isOver || logger.debug(fields, message),
  info: (fields, message) => life.isOver || logger.info(fields, message),
  warn: (fields, message) => life.isOver || logger.warn(fields, message),
  error: (fields, message) => life.isOver || logger.error(fields, message),
});
